"""Writing a first `.env.{environment}` from the template."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from ..errors import DeployError

PORTS = {"dev": 8000, "staging": 8001, "live": 8002}
PLACEHOLDER = "CHANGE_ME"


def write(root: Path, directory: Path, environment: str) -> tuple[Path, list[str]]:
    """Write the file, readable by its owner only; the keys that still hold a placeholder are the answer.

    Raises `DeployError` when it exists: a configuration is never overwritten.
    """
    path = directory / f".env.{environment}"
    content = render((root / ".env.template").read_text(encoding="utf-8"), environment)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except (FileNotFoundError, NotADirectoryError):
        raise DeployError(f"there is no directory {directory}.", f"mkdir {directory}") from None
    except FileExistsError:
        raise DeployError(f"{path} exists, and is left as it is.", "edit it, or move it away first") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
    except OSError as error:  # half a configuration would count as a whole one
        path.unlink()
        raise DeployError(f"{path} cannot be written: {error.strerror}.", "make room there") from error
    return path, re.findall(rf"^(\w+)={PLACEHOLDER}", content, re.MULTILINE)


def render(template: str, environment: str) -> str:
    """The template with this environment's port and paths, and a token of its own."""
    data = f"/var/lib/helionyx/{environment}"
    values = {
        "API_PORT": str(PORTS[environment]),
        "API_TOKEN": secrets.token_urlsafe(32),
        "EVENT_STORE_PATH": f"{data}/events",
        "PROJECTIONS_DB_PATH": f"{data}/projections/helionyx.db",
    }
    for key, value in values.items():
        template = re.sub(rf"^{key}=.*$", lambda _, k=key, v=value: f"{k}={v}", template, flags=re.MULTILINE)  # type: ignore[misc]
    return template
