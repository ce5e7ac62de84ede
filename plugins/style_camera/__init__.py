"""Paintings laid over a camera, a video or any other moving picture, at frame rate."""
