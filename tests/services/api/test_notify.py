"""What systemd hears of the service, and when it hears nothing."""

from __future__ import annotations

import signal
import socket
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.services.instance import Instance, configure, listener, running, starting

# The service, whose loop a signal keeps busy for a second and a half.
STUCK = """
import signal, sys, time
signal.signal(signal.SIGUSR1, lambda *_: time.sleep(1.5))
from services.api.runner import main
sys.exit(main())
"""


def test_what_systemd_is_told(tmp_path: Path) -> None:
    """READY=1 once, the watchdog again and again, STOPPING=1 at the end."""
    environment = {**configure(tmp_path), "WATCHDOG_USEC": "200000"}
    with listener() as sock, starting(environment, sock=sock) as instance:
        said: list[str] = []
        while said.count("WATCHDOG=1") < 5:  # `notified` gives up after a while
            said.append(instance.notified()[0])
        assert said.count("READY=1") == 1
        instance.process.send_signal(signal.SIGTERM)
        while said[-1] != "STOPPING=1":
            said.append(instance.notified()[0])
        assert instance.end()[0] == 0


def test_a_notify_socket_in_the_file_system(tmp_path: Path) -> None:
    """Abstract or a path, both are understood."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications, listener() as sock:
        notifications.bind(path)
        notifications.settimeout(10)
        with starting({**configure(tmp_path), "NOTIFY_SOCKET": path}, sock=sock):
            assert notifications.recv(4096).startswith(b"READY=1\n")


def test_a_watchdog_for_another_process(tmp_path: Path) -> None:
    """Is not answered."""
    environment = {**configure(tmp_path), "WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"}
    with listener() as sock, starting(environment, sock=sock) as instance:
        instance.wait_ready()
        with pytest.raises(TimeoutError):
            instance.notified(0.3)


def heard(instance: Instance, seconds: float) -> list[float]:
    """When the watchdog was told something, for so long."""
    times, end = [], time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        try:
            said = instance.notified(left)
        except TimeoutError:
            break
        times += [time.monotonic()] if said == ["WATCHDOG=1"] else []
    return times


def test_the_watchdog_hears_from_it_twice_in_its_time(tmp_path: Path) -> None:
    """So that one word may come late."""
    environment = {**configure(tmp_path), "WATCHDOG_USEC": "600000"}
    with listener() as sock, starting(environment, sock=sock) as instance:
        instance.wait_ready()
        times = heard(instance, 3.2)
    gaps = [after - before for before, after in pairwise(times)]
    assert 7 <= len(times) <= 11
    assert 0.29 < statistics.median(gaps) < 0.36


def test_the_watchdog_hears_nothing_from_a_stopped_process(tmp_path: Path) -> None:
    """Until it goes on; nothing else speaks for it."""
    environment = {**configure(tmp_path), "WATCHDOG_USEC": "200000"}
    with listener() as sock, starting(environment, sock=sock) as instance:
        instance.wait_ready()
        assert heard(instance, 0.5)
        instance.process.send_signal(signal.SIGSTOP)
        heard(instance, 0.1)  # what was said before
        assert heard(instance, 1.0) == []
        instance.process.send_signal(signal.SIGCONT)
        assert heard(instance, 0.5)
        assert instance.call("GET", "/health").status == 200


def test_the_watchdog_hears_nothing_while_the_loop_does_not_turn(tmp_path: Path) -> None:
    """It is told from the loop that answers: a thread of its own would speak for a service that is stuck."""
    environment = {**configure(tmp_path), "WATCHDOG_USEC": "200000"}
    with listener() as sock, starting(environment, [sys.executable, "-c", STUCK], sock=sock) as instance:
        instance.wait_ready()
        instance.process.send_signal(signal.SIGUSR1)
        time.sleep(0.1)
        heard(instance, 0.1)  # what was said before
        assert heard(instance, 0.8) == []
        assert heard(instance, 1.0)


def test_the_last_words_of_a_stuck_process(tmp_path: Path) -> None:
    """The watchdog ends it by SIGABRT: then it says where each of its threads is."""
    with running(tmp_path) as instance:
        assert instance.call("GET", "/health/ready").status == 200
        time.sleep(0.5)  # it has begun: what is told of a thread that runs meanwhile may be garbage
        instance.process.send_signal(signal.SIGABRT)
        code, logged = instance.end()
    assert code == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in logged
    assert "in run_forever" in logged
