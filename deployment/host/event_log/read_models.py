"""The files of the read models, one per schema; what no kept release uses can go: the log brings it back."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from ..node import reading
from ..node.run import run
from ..values.errors import StepFailed
from ..values.layout import Environment
from ..values.manifest import Manifest

AT_ONCE = 300  # names in one command, which may not be as long as the service likes
SUFFIXES = ("", "-wal", "-shm")  # a database of SQLite and what lies beside it while it is open


def directory(release: Manifest) -> Path:
    """The directory of the read models."""
    return Path(str(release.config["projections_db_path"])).parent


def present(release: Manifest | None, data: Path) -> tuple[str, ...]:
    """The names of those that lie there, plain files only: of the stem `a.db` that is `a-<12 digits>.db`.

    `data` is the environment's directory of data, which may be a link of root's.
    """
    if release is None:
        return ()
    models = directory(release)
    inside = models.relative_to(data) if models.is_relative_to(data) else models
    real = os.path.realpath(data)
    if os.path.realpath(models) != os.path.join(real, inside):  # noqa: PTH118  the same kind as realpath's
        # A link that the service owns: files behind it are not ours.
        return ()
    named = (entry for entry in reading.entries(models) if _pattern(release).fullmatch(entry.name))
    return tuple(sorted(entry.name for entry in named if entry.is_file(follow_symlinks=False)))


def is_one(path: Path, release: Manifest) -> bool:
    """Whether a file belongs to a read model of a release, of whatever schema."""
    name = path.name.removesuffix("-wal").removesuffix("-shm")
    return path.parent == directory(release) and _pattern(release).fullmatch(name) is not None


def remove(environment: Environment, models: Path, names: Iterable[str]) -> None:
    """Remove them, as the environment's user: wherever a link of the service's leads, it gains nothing."""
    paths = [str(models / (name + suffix)) for name in sorted(names) for suffix in SUFFIXES]
    try:
        for start in range(0, len(paths), AT_ONCE):
            run(["rm", "--force", "--", *paths[start : start + AT_ONCE]], user=environment.user)
    except StepFailed as error:
        raise StepFailed(
            f"{environment.user} cannot remove read models in {models}.",
            f"make doctor ENV={environment.name} looks at its disk and directories",
            error.details or (error.message,),
        ) from error


def _pattern(release: Manifest) -> re.Pattern[str]:
    stem = Path(str(release.config["projections_db_path"]))
    return re.compile(rf"{re.escape(stem.stem)}-[0-9a-f]{{12}}{re.escape(stem.suffix)}")
