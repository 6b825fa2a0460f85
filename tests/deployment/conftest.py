"""What tests of the deployment begin with: a repository of their own, a whole log."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deployment.host.values.check import OK, Check
from deployment.settings import ROOT

from .shelves import layout as layout

ENV_FILE = """\
API_HOST=0.0.0.0
API_PORT=8000
API_TOKEN=a-token-that-only-this-test-knows
EVENT_STORE_PATH=/var/lib/helionyx/dev/events
PROJECTIONS_DB_PATH=/var/lib/helionyx/dev/projections/helionyx.db
"""

WRITE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from services.event_log.records import new_entry
from services.event_log.sqlite.log import SqliteLog
log = SqliteLog.open(Path(sys.argv[1]))
for number in range(30):
    data = {"text": f"word {number}.", "source": "api"}
    log.append([new_entry("MessageRecorded", 1, datetime.now(UTC), data)])
log.close()
"""


def git(root: Path, *words: str) -> str:
    """Run git in a test's own repository."""
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.invalid"]
    done = subprocess.run(
        ["git", "-C", str(root), *identity, *words], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clean repository with the service's code, the lock and a `.env.dev`."""
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "services", root / "services", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "uv.lock", ".gitignore", ".env.template"):
        shutil.copy(ROOT / name, root / name)
    git(root.parent, "init", "--quiet", "--initial-branch=main", str(root))
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "A first commit")
    (root / ".env.dev").write_text(ENV_FILE)
    return root


def not_ok(checks: list[Check]) -> list[tuple[str, str, str]]:
    """What is not as it should be; nothing of it without a mend."""
    assert all(item.mend for item in checks if item.level != OK)
    assert not any(item.mend for item in checks if item.level == OK)
    return [(item.name, item.level, item.text) for item in checks if item.level != OK]


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A log of thirty messages."""
    store = tmp_path_factory.mktemp("store")
    subprocess.run([sys.executable, "-c", WRITE, str(store)], cwd=ROOT, check=True, timeout=60)
    return (store / "events.db").read_bytes()
