"""The user of an environment: created, marked, and removed with all that it runs."""

from __future__ import annotations

from ..node import accounts, jobs, processes
from ..observe import directories
from .work import Work


def create(work: Work, _: str) -> None:
    accounts.create(work.environment)


def mark(work: Work, _: str) -> None:
    accounts.put_mark(work.environment)


def end_lingering(work: Work, _: str) -> None:
    processes.end_lingering(work.environment, directories.user_id(work.environment))


def end_processes(work: Work, _: str) -> str:
    user = directories.user_id(work.environment)
    assert user is not None, "a plan ends the processes of a user that is there"
    return ", ".join(processes.end(work.environment, user))


def remove_jobs(work: Work, _: str) -> str:
    return f"{jobs.remove(work.environment, directories.user_id(work.environment))} removed"


def remove(work: Work, target: str) -> None:
    end_processes(work, target)  # of which some may have come since the plan was made
    end_lingering(work, target)  # which they may have asked for again, as for jobs
    remove_jobs(work, target)
    accounts.remove(work.environment)


def doubt_strays(work: Work) -> None:
    """Warn of processes that run on after a stop."""
    if strays := processes.of(work.environment, directories.user_id(work.environment)):
        user = work.environment.user
        work.doubts.append(f"{user} still runs what its units have not started: {', '.join(strays)}")
