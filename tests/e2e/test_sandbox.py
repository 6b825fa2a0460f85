"""What code that has taken over the service of dev cannot do, from inside its sandbox."""

from __future__ import annotations

from .back_door import BackDoor


def test_an_intruder_runs_as_the_user_of_dev(intruder: BackDoor) -> None:
    """The back door is one: what it runs is in the main process of dev, with the rights of its user."""
    pid, user = intruder.run("import os\nsay(os.getpid()); say(os.getuid())")
    operator, unit = intruder.operator, intruder.environment.service
    assert operator.on_node("systemctl", "show", "--property=MainPID", "--value", unit).strip() == pid
    assert operator.on_node("id", "-u", intruder.environment.user).strip() == user
