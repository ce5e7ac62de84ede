"""A busy machine is slow at times: examples are judged by what they do, not by how long they take."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
