"""The API of an environment, which the code of another one on the node reaches by a loopback address."""

from __future__ import annotations

from .back_door import BackDoor
from .operator import PORTS

ASK = f"""
import urllib.error, urllib.request
try:
    with urllib.request.urlopen("http://127.0.0.1:{PORTS["staging"]}/api/v1/events", timeout=5) as answer:
        say(answer.status)
except urllib.error.HTTPError as error:
    say(error.code)
"""


def test_no_environment_is_open_to_the_code_of_another(intruder: BackDoor) -> None:
    """Without a token it is not deployed beside others, nor with the token of one of them."""
    operator = intruder.operator
    operator.configure("staging", "API_HOST=0.0.0.0", "API_HOST=127.0.0.1")
    operator.configure("staging", f"API_TOKEN={operator.tokens['staging']}\n", "")
    refused = operator.deploy("staging", code=2)
    assert "staging has no API_TOKEN, and beside it is dev and live on this node" in refused["message"]
    assert intruder.run(ASK) == ["401"]
    shared = f"API_HOST=127.0.0.1\nAPI_TOKEN={operator.tokens['dev']}"
    operator.configure("staging", "API_HOST=127.0.0.1", shared)
    refused = operator.deploy("staging", code=2)
    assert "staging has the API_TOKEN of dev on this node" in refused["message"]
