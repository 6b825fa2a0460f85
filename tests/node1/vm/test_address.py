"""The address of a virtual machine: its ports are free, and no other node has it."""

import socket

import pytest

from node1 import Node1Error
from node1.vm import address


def test_address_of_another_node_is_not_chosen() -> None:
    """Whether that node runs or not."""
    first = address.choose([])
    second = address.choose([first])
    assert first != second
    assert address.busy_port(second) == 0


def test_address_with_a_busy_port_is_passed_over() -> None:
    """Another user's node has it: each user has a registry of their own."""
    busy = address.choose([])
    with socket.create_server((busy, 8001)):
        assert address.busy_port(busy) == 8001
        assert address.choose([]) != busy


def test_port_that_is_busy_on_every_address_is_named() -> None:
    """A program that listens on all addresses of this machine has each of ours, too."""
    with socket.create_server(("", 0)) as everywhere:
        port = everywhere.getsockname()[1]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(address, "INSIDE", {port: 22})
            with pytest.raises(Node1Error, match=f"port {port} of this machine is in use") as refusal:
                address.choose([])
    assert f"sport = {port}" in refusal.value.hint
