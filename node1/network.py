"""A node's link: a veth pair with a /30 of its own. The node reaches the host and nothing else."""

import hashlib
import json
import os
from collections.abc import Collection, Iterator
from ipaddress import IPv4Address, IPv4Network

from node1.error import Node1Error
from node1.record import Record
from node1.run import run

# Tried in this order; the later ones are for machines that route the first one somewhere.
POOLS = ("10.213.0.0/16", "172.30.213.0/24", "192.168.213.0/24", "198.18.213.0/24")
INSIDE = "host0"  # the node's end


def choose(taken: Collection[str]) -> str:
    """An address for a node, of a subnet that no other node and nothing on the machine uses."""
    used = [subnet_of(address) for address in taken] + list(_in_use())
    for pool in POOLS:
        for subnet in IPv4Network(pool).subnets(new_prefix=30):
            if not any(subnet.overlaps(other) for other in used):
                return str(subnet[2])
    hint = "python -m node1 list; then down what is not needed"
    raise Node1Error(f"no free subnet in {', '.join(POOLS)}", hint)


def is_free(address: str) -> bool:
    """Whether nothing on the machine uses the subnet of `address`."""
    return not any(subnet_of(address).overlaps(other) for other in _in_use())


def subnet_of(address: str) -> IPv4Network:
    """The link's subnet: the host has its first address, the node its second."""
    return IPv4Network((int(IPv4Address(address)) & ~3, 30))


def _in_use() -> Iterator[IPv4Network]:
    for route in json.loads(run(["ip", "-json", "-4", "route", "show", "table", "all"]).stdout or "[]"):
        if route["dst"] != "default":
            yield IPv4Network(route["dst"], strict=False)
    for interface in json.loads(run(["ip", "-json", "-4", "address"]).stdout or "[]"):
        for entry in interface.get("addr_info", []):
            yield IPv4Network((entry["local"], entry["prefixlen"]), strict=False)


def connect(record: Record, host_namespace: int) -> None:
    """Lay the link between the caller's network namespace and that of the host, an open descriptor."""
    on_host = ["nsenter", f"--net=/proc/{os.getpid()}/fd/{host_namespace}", "ip"]
    inside, outside = _mac(record, "inside"), _mac(record, "outside")
    peer = ["peer", "name", INSIDE, "address", inside, "netns", str(os.getpid())]
    run([*on_host, "link", "add", record.link, "address", outside, "type", "veth", *peer])
    for ip, device, address in (
        (["ip"], INSIDE, record.address),
        (on_host, record.link, record.host_address),
    ):
        run([*ip, "address", "add", f"{address}/30", "dev", device])
        run([*ip, "link", "set", device, "up"])
    run(["ip", "link", "set", "lo", "up"])
    # Both ends know each other from the start: nobody waits for ARP, nor trusts an answer of an earlier boot.
    neighbour = ["neighbour", "replace", "nud", "permanent"]
    run(["ip", *neighbour, record.host_address, "lladdr", outside, "dev", INSIDE])
    run([*on_host, *neighbour, record.address, "lladdr", inside, "dev", record.link])


def disconnect(record: Record) -> None:
    """Take the link away; it goes with the node's last process too, but later than the next boot wants it."""
    run(["ip", "link", "delete", record.link], check=False)


def _mac(record: Record, end: str) -> str:
    """A fixed, locally administered hardware address: a new one at each boot would confuse neighbours."""
    digest = hashlib.sha256(f"{record.key} {end}".encode()).digest()
    return "02:" + digest[:5].hex(":")
