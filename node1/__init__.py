"""A disposable Debian 12 host with its own systemd, journald, sshd and IP address, booted on this machine.

`python -m node1 up` boots one for a person; `Node.boot` boots one for a test.
"""

from node1.choice import Way
from node1.error import Node1Error
from node1.node import Node

__all__ = ["Node", "Node1Error", "Way"]
