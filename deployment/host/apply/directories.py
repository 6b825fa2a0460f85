"""The directories of an environment: made, given to their owner, emptied and taken away."""

from __future__ import annotations

from ..event_log import last_head
from ..node import files
from ..observe import directories
from ..releases import links
from ..values.errors import StepFailed
from .work import Work


def create(work: Work, *wrong: str) -> None:
    if refused := links.of(work.environment):
        raise StepFailed(f"{refused[0].text}.", refused[0].hint)
    owner = directories.user_id(work.environment)
    for path, owned, mode in directories.required_directories(work.environment):
        if str(path) not in wrong:
            continue
        real = links.real(work.environment, path)
        files.directory(real, owner if owned and owner is not None else 0, mode)


def remove_releases(work: Work, environment: str) -> None:
    directory = work.environment.layout.opt / environment
    if links.is_volume(directory):
        files.empty(directory.resolve())
    else:
        files.discard(directory)
    files.discard(work.environment.sandbox)
    files.discard(work.environment.log_copy)


def forget_log(work: Work, _: str) -> None:
    last_head.forget(work.environment)


def delete_data(work: Work, _: str) -> None:
    data = work.environment.data
    files.empty(data.resolve())
    if links.is_volume(data):  # it is somebody's again
        files.give(data.resolve(), 0)
    else:
        data.rmdir()


def keep_data(work: Work, _: str) -> str:
    files.give(work.environment.data.resolve(), 0)
    return "now owned by root"


def adopt_data(work: Work, _: str) -> None:
    owner = directories.user_id(work.environment)
    assert owner is not None, "a plan adopts data for a user that it has created before"
    files.give(work.environment.data.resolve(), owner)
