"""Write a first `.env.{environment}`, and name the keys that are still to be filled in."""

from __future__ import annotations

from ..build import envfile
from ..errors import DONE
from ..host.values.printable import printable
from ..settings import Settings
from ..ui.output import code_line


def env(settings: Settings) -> int:
    """Write the file and return the exit code."""
    path, placeholders = envfile.write(settings.root, settings.env_dir, settings.environment)
    print(f"{printable(str(path))} created (mode 0600)")
    for name in placeholders:
        print(f"  {name} is still to be filled in")
    print(code_line(DONE))
    return DONE
