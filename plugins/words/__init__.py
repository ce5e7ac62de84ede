"""Words on stage: type set over the picture, in time."""
