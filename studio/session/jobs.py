"""The list of long work (exports, trainings, downloads, imports) that runs beside the show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from studio.engine import Job

KEPT = 50
"""Most ended jobs that stay in the list."""


class JobList:
    """Jobs, newest first. ``add`` starts one; what changes is told through ``changed``, on any thread."""

    def __init__(self, changed: Callable[[Any], None] = lambda job: None) -> None:
        self._changed = changed
        self.jobs: list[Any] = []

    def run(self, title: str, work: Callable[[Job[Any]], Any]) -> Job[Any]:
        """Make a job of ``work(job)`` and start it."""
        job: Job[Any] = Job(title, work, on_change=self._changed)
        self.add(job)
        return job

    def add(self, job: Any) -> Any:
        """Take a job in, and start it if it waits. Anything with the attributes of ``engine.Job`` will do."""
        self.jobs.insert(0, job)
        ended = [known for known in self.jobs if not is_active(known)]
        for old in ended[KEPT:]:
            self.jobs.remove(old)
        if job.state == "waiting":
            job.start()
        self._changed(job)
        return job

    def remove(self, job: Any) -> None:
        """Take an ended job off the list; one that runs is cancelled and stays until it has ended."""
        if is_active(job):
            job.cancel()
        elif job in self.jobs:
            self.jobs.remove(job)
        self._changed(job)

    @property
    def active(self) -> list[Any]:
        """Jobs that have not ended."""
        return [job for job in self.jobs if is_active(job)]

    def cancel_all(self) -> None:
        """Ask every job to end."""
        for job in self.active:
            job.cancel()


def is_active(job: Any) -> bool:
    """Whether a job waits or runs."""
    return job.state in ("waiting", "running", "paused")
