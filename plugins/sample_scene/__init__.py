"""A painted landscape that moves: something to style or to dream on without a camera."""
