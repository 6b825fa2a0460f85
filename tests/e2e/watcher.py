"""Runs on the node: print `now` as soon as the record of the next transaction says certain words."""

import sys
import time
from pathlib import Path

TRANSACTIONS = Path("/var/lib/helionyx-deploy/transactions")
before = set(TRANSACTIONS.iterdir()) if TRANSACTIONS.exists() else set()
print("waiting", flush=True)
end = time.monotonic() + 60
while time.monotonic() < end:
    for path in set(TRANSACTIONS.iterdir()) - before if TRANSACTIONS.exists() else ():
        record = path / "record.jsonl"
        if record.exists() and sys.argv[1] in record.read_text(errors="replace"):
            print("now", flush=True)
            sys.exit(0)
sys.exit("no record said it")
