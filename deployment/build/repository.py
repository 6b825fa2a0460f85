"""The checkout's repository: one way to run git, and helpful messages for what git refuses."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ..errors import DeployError
from ..run import run

COMMIT = "git add --all && git commit: a release is named after its commit"
# No setting of the person changes what is read, runs a program of theirs or writes into the repository.
SETTINGS = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.safecrlf": "false",
    "core.splitIndex": "false",
    "diff.orderFile": os.devnull,
}
ENVIRONMENT = {
    "LC_ALL": "C",  # its words are searched
    # Else the id of a commit would be given to the files of another one, which replaces it.
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_CONFIG_COUNT": str(len(SETTINGS)),
    **{f"GIT_CONFIG_KEY_{number}": key for number, key in enumerate(SETTINGS)},
    **{f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(SETTINGS.values())},
}
UNBORN = ("does not have any commits yet", "unknown revision", "bad revision", "Not a valid object name HEAD")


def git(
    root: Path,
    *words: str,
    input: bytes = b"",
    environ: Mapping[str, str] | None = None,
    expect: tuple[int, ...] = (0,),
) -> bytes:
    """Return the output of a git command in the checkout.

    Raises `DeployError`, with git's own remedy where it names one.
    """
    argv = ["git", "-C", os.fspath(root), "--no-optional-locks", "-c", "core.quotePath=false", *words]
    try:
        return run(argv, input=input, environ={**ENVIRONMENT, **(environ or {})}, expect=expect)
    except DeployError as error:
        raise explained(root, error) from None


def explained(root: Path, error: DeployError) -> DeployError:
    """The failure of a git command as a message and a hint."""
    lines = [line.strip() for line in error.details]
    fatal = next((line for line in lines if line.startswith("fatal: ")), "")
    exception = next((line for line in lines if line.startswith("git config ")), "")
    if "not installed" in error.message:
        return DeployError(error.message, "apt-get install git")
    if exception:
        return DeployError(fatal, exception)
    if "not a git repository" in fatal:
        return DeployError(
            f"{root} is no git repository, as an unpacked archive is none.",
            f"git clone the project; or git init && {COMMIT}",
        )
    if any(words in fatal for words in UNBORN):
        return DeployError(f"there is no commit in {root} yet.", COMMIT)
    reason = next((line for line in lines if line.startswith("error: ")), fatal or " | ".join(lines[-1:]))
    return DeployError(f"{error.message}: {reason}", "git status says more", details=error.details)
