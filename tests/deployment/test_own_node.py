"""The node of `make try` is found by its record in the checkout, by a request that names no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployment import __main__, own_node
from deployment.arguments import read
from deployment.errors import DeployError
from deployment.own_node import OwnNode
from deployment.settings import ROOT

SHIPPED = '[tool.helionyx.nodes]\ndev = "node1"\nstaging = "node1"\nlive = "node1"\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in a directory with a space, whose `make try` has booted a node."""
    root = tmp_path / "a checkout"
    root.mkdir()
    (root / "pyproject.toml").write_text(SHIPPED)
    own_node.save(root, OwnNode("node1-deploy", f"-F '{root}/ssh_config'", f"{root}/.node1/env"))
    return root


@pytest.mark.parametrize("words", [["status"], ["deploy", "dev"], ["deploy", "live"], ["logs"]])
def test_request_finds_the_node_by_itself(checkout: Path, words: list[str]) -> None:
    """With all three variables, as if they were typed; make exports those not given as empty."""
    request = read(words, {"NODE": "", "SSH_OPTIONS": "", "ENV_DIR": ""}, checkout)
    assert request.own_node
    assert set(request.nodes.values()) == {"node1-deploy"}
    assert request.ssh_options == ("-F", f"{checkout}/ssh_config")
    assert request.env_dir == checkout / ".node1/env"


@pytest.mark.parametrize(
    ("words", "environ"),
    [
        (["status"], {"NODE": "node1"}),
        (["status"], {"SSH_OPTIONS": "-p 22"}),
        (["deploy", "dev"], {"ENV_DIR": "."}),
        (["env", "dev"], {}),
    ],
)
def test_request_that_names_a_way_of_its_own_does_not_use_it(
    checkout: Path, words: list[str], environ: dict[str, str]
) -> None:
    """A first configuration is not for the node of `make try` either."""
    request = read(words, environ, checkout)
    assert not request.own_node
    assert set(request.nodes.values()) == {"node1"}
    assert request.env_dir in (checkout, ROOT / ".")


def test_server_in_pyproject_is_never_replaced(checkout: Path) -> None:
    """Not for its own environment, and not for a verb about several."""
    (checkout / "pyproject.toml").write_text(SHIPPED.replace('live = "node1"', 'live = "my-host"'))
    assert read(["deploy", "live"], {}, checkout).node == "my-host"
    assert read(["status"], {}, checkout).nodes == {"dev": "node1", "staging": "node1", "live": "my-host"}
    assert read(["deploy", "dev"], {}, checkout).node == "node1-deploy"


def test_without_a_record_the_node_is_the_shipped_one(checkout: Path) -> None:
    """As before `make try`, and after `make try-down`."""
    own_node.remove(checkout)
    own_node.remove(checkout)
    assert own_node.load(checkout) is None
    assert read(["deploy", "dev"], {}, checkout).node == "node1"


@pytest.mark.parametrize("content", [b"", b"NODE=node1\n", b"\xff"])
def test_damaged_record_is_refused(checkout: Path, content: bytes) -> None:
    """It could lead anywhere."""
    (checkout / own_node.RECORD).write_bytes(content)
    with pytest.raises(DeployError) as refusal:
        read(["status"], {}, checkout)
    assert str(checkout / own_node.RECORD) in refusal.value.message
    assert "make try-down" in str(refusal.value.hint)


@pytest.mark.parametrize(("words", "lines"), [(["status"], 1), (["status", "--json"], 0)])
def test_use_of_the_record_is_one_line(
    checkout: Path,
    words: list[str],
    lines: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Which is not part of JSON."""
    monkeypatch.setattr("deployment.verbs.status.status", lambda _settings: 0)
    assert __main__._run(read(words, {}, checkout)) == 0
    assert capsys.readouterr().err == "the node of make try: node1-deploy (.node1/try)\n" * lines
