"""Which subnet a node gets."""

from ipaddress import IPv4Network

import pytest

from node1 import Node1Error, network


def use(monkeypatch: pytest.MonkeyPatch, *subnets: str) -> None:
    monkeypatch.setattr(network, "_in_use", lambda: [IPv4Network(subnet) for subnet in subnets])


def test_the_first_subnet_that_no_node_and_nothing_on_the_machine_uses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(monkeypatch, "10.213.0.4/30", "192.0.2.0/24")
    assert network.choose(["10.213.0.2"]) == "10.213.0.10"


def test_a_machine_that_routes_the_whole_range_elsewhere_gets_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(monkeypatch, "10.0.0.0/8")
    assert network.choose([]) == "172.30.213.2"


def test_no_free_subnet_is_an_error_that_lists_where_it_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, "0.0.0.0/0")
    with pytest.raises(Node1Error, match=r"no free subnet in 10\.213\.0\.0/16, "):
        network.choose([])


def test_an_address_on_a_used_subnet_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, "10.213.0.1/32")
    assert not network.is_free("10.213.0.2")
    assert network.is_free("10.213.0.6")
