"""Runs on the node: send a signal (KILL) to the next transaction once its record says certain words."""

import os
import signal
import sys
import time
from pathlib import Path

TRANSACTIONS = Path("/var/lib/helionyx-deploy/transactions")
before = set(TRANSACTIONS.iterdir()) if TRANSACTIONS.exists() else set()
print("waiting", flush=True)
end = time.monotonic() + 60
while time.monotonic() < end:
    for path in set(TRANSACTIONS.iterdir()) - before:
        record = path / "record.jsonl"
        if record.exists() and sys.argv[1] in record.read_text():
            unit = f"helionyx-deploy-{path.name}.service"
            tasks = next(Path("/sys/fs/cgroup").rglob(f"{unit}/cgroup.procs"))
            for task in tasks.read_text().split():
                os.kill(int(task), int(sys.argv[2]) if sys.argv[2:] else signal.SIGKILL)
            sys.exit(0)
sys.exit("nothing to shoot at")
