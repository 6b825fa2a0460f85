"""Every stage of CI, one after the other, whatever became of the one before; then a line for each."""

from __future__ import annotations

import subprocess
import sys
import time

STAGES = ("lint", "types", "test")
LIMIT = 45 * 60  # seconds for one stage


def main() -> int:
    """Run all stages; 1 when one of them failed."""
    lines, failed = [], False
    for stage in STAGES:
        print(f"--- {stage}", flush=True)
        begun = time.monotonic()
        code = _run(stage)
        failed = failed or code != 0
        verdict = "ok" if code == 0 else f"FAILED (exit code {code})"
        lines.append(f"{stage:<6} {verdict}, {time.monotonic() - begun:.0f} s")
    print("--- result", *lines, sep="\n", flush=True)
    return int(failed)


def _run(stage: str) -> int:
    try:
        return subprocess.run(["scripts/stage.sh", stage], check=False, timeout=LIMIT).returncode
    except subprocess.TimeoutExpired:
        print(f"no end after {LIMIT} s", flush=True)
        return 124


if __name__ == "__main__":
    sys.exit(main())
