"""The flock that one command holds while another waits."""

import threading
from pathlib import Path

import pytest

from node1 import Node1Error
from node1.lock import locked


def test_a_second_holder_waits_no_longer_than_its_limit(tmp_path: Path) -> None:
    with locked(tmp_path / "lock"), pytest.raises(Node1Error, match=r"still locked after 0\.1 s"):  # noqa: SIM117
        with locked(tmp_path / "lock", timeout=0.1):
            pass


def test_who_waited_for_a_lock_that_was_removed_locks_the_new_one(tmp_path: Path) -> None:
    path, held, release = tmp_path / "node" / "lock", threading.Event(), threading.Event()

    def wait_and_hold() -> None:
        with locked(path):
            held.set()
            release.wait(5)

    with locked(path):
        waiting = threading.Thread(target=wait_and_hold)
        waiting.start()
        assert not held.wait(0.1)
        path.unlink()
        path.parent.rmdir()
    assert held.wait(5)
    try:
        with pytest.raises(Node1Error), locked(path, timeout=0.1):
            pass
    finally:
        release.set()
        waiting.join()
