"""A release is a function of its inputs: the commit, the lock, the configuration and the node's platform."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from deployment.build import configuration, layer, release, source
from deployment.build.archive import Entry, pack
from deployment.build.layer import Target
from deployment.build.release import Release
from deployment.errors import DeployError
from deployment.host.releases import install
from deployment.host.releases.bytecode import FORM_NAME, compiled, header, path_of
from deployment.host.releases.releases import RELEASE_NAME, on_disk
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import Environment, Layout
from deployment.host.values.manifest import Manifest, id_of
from tests.deployment.conftest import ENV_FILE, git

TARGET = Target("3.11", "x86_64-manylinux_2_36")


def build(root: Path, environment: str = "dev", target: Target = TARGET) -> Release:
    """What `make deploy` builds from a checkout."""
    code = source.read(root, environment)
    return release.build(
        Environment(environment),
        code,
        configuration.read(root, environment, code, root / ".cache"),
        layer.Dependencies(layer.exported(code)),
        target,
    )


def test_same_commit_gives_same_id_and_same_bytes(checkout: Path, tmp_path: Path) -> None:
    """From another clone, made at another time, in another directory."""
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(checkout), str(clone))
    (clone / ".env.dev").write_text(ENV_FILE)
    first, second = build(checkout), build(clone)
    assert first.manifest.id == second.manifest.id
    assert first.archive == second.archive


def test_each_part_changes_the_id(checkout: Path) -> None:
    """Code, dependencies, configuration, units and platform: none of them can change unseen."""
    seen = {build(checkout).manifest.id, build(checkout, target=Target("3.12", TARGET.platform)).manifest.id}
    (checkout / ".env.dev").write_text(ENV_FILE + "LOG_LEVEL=DEBUG\n")
    seen.add(build(checkout).manifest.id)
    (checkout / ".env.dev").write_text(ENV_FILE.replace("8000", "8010"))
    seen.add(build(checkout).manifest.id)
    (checkout / "services" / "extra.py").write_text("A = 1\n")
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message", "More code")
    seen.add(build(checkout).manifest.id)
    assert len(seen) == 5


def test_archive_holds_what_the_manifest_says(checkout: Path) -> None:
    """Every file by its digest, the configuration for its owner's eyes only."""
    built = build(checkout)
    with tarfile.open(fileobj=io.BytesIO(built.archive)) as tar:
        members = {member.name: member for member in tar.getmembers()}
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None
        read = Manifest.from_json(json.loads(manifest.read()))
        env_file = tar.extractfile(".env.dev")
        assert env_file is not None
        assert env_file.read() == (checkout / ".env.dev").read_bytes()
    assert read == built.manifest
    assert read.expected_id == read.id
    assert RELEASE_NAME.fullmatch(read.id)
    assert set(members) == {*read.files, "manifest.json"}
    assert members[".env.dev"].mode == 0o600
    assert {(member.mtime, member.uid, member.gid) for member in members.values()} == {(0, 0, 0)}
    assert not [name for name in members if "__pycache__" in name or name.startswith("tests")]


def test_command_line_is_pinned_as_the_unit_is(checkout: Path) -> None:
    """A release carries its own, which runs with the interpreter that its dependencies were built for."""
    built = build(checkout, target=Target("3.13", TARGET.platform))
    with tarfile.open(fileobj=io.BytesIO(built.archive)) as tar:
        member = tar.getmember("helionyx")
        content = tar.extractfile(member)
        assert content is not None
        command = content.read().decode()
    assert member.mode == 0o755
    assert "exec /usr/bin/python3.13 -IS " in command
    assert b"ExecStart=/usr/bin/python3.13 -IS " in built.units["helionyx-dev.service"]


def test_manifest_holds_no_secret(checkout: Path) -> None:
    """Digests and facts only."""
    assert "a-token-that-only-this-test-knows" not in json.dumps(build(checkout).manifest.to_json())


def test_dirty_tree_is_marked_and_ships_what_is_there(checkout: Path) -> None:
    """A person who edits and deploys to dev sees the edit there; ignored files stay out."""
    clean = build(checkout).manifest
    (checkout / "services" / "extra.py").write_text("A = 1\n")
    (checkout / "services" / "__pycache__").mkdir(exist_ok=True)
    (checkout / "services" / "__pycache__" / "x.pyc").write_bytes(b"x")
    dirty = build(checkout).manifest
    assert dirty.dirty
    assert "-dirty-" in dirty.id
    assert set(dirty.files) - set(clean.files) == {"services/extra.py"}
    assert git(checkout, "status", "--porcelain") == "?? services/extra.py\n", "the index is left alone"


def test_dirty_tree_is_refused_for_live(checkout: Path) -> None:
    """Live runs commits."""
    (checkout / "services" / "extra.py").write_text("A = 1\n")
    with pytest.raises(DeployError, match=r"not committed.*services/extra\.py"):
        source.read(checkout, "live")


def test_missing_configuration_is_refused(checkout: Path) -> None:
    """With the command that writes one."""
    (checkout / ".env.dev").unlink()
    with pytest.raises(DeployError, match=r"there is no \.env\.dev") as refusal:
        build(checkout)
    assert "make env ENV=dev" in refusal.value.hint


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("API_PORT=8000", "API_PORT=eighty", "API_PORT"),
        ("API_PORT=8000", "export API_PORT=8000", "line 2"),
        ("API_TOKEN=a-token-that-only-this-test-knows\n", "", "API_TOKEN"),
        ("API_PORT=8000", "API_PRT=8000", "API_PORT"),
    ],
)
def test_configuration_problems_are_told(checkout: Path, old: str, new: str, word: str) -> None:
    """In the words of the release's own code, with the key or the line."""
    (checkout / ".env.dev").write_text(ENV_FILE.replace(old, new))
    with pytest.raises(DeployError) as refusal:
        build(checkout)
    assert word in "\n".join(refusal.value.details)


@pytest.mark.parametrize(
    "path",
    [
        *("/var/lib/helionyx/live/events", "/srv/events", "/var/lib/helionyx/dev/../live/e"),
        *("/var/lib/helionyx/dev/kept", "/var/lib/helionyx/dev/kept/.half"),
        "/var/lib/helionyx/dev/.backup/e",
    ],
)
def test_data_path_outside_its_own_is_refused(checkout: Path, path: str) -> None:
    """No environment may write into another's data, or where its sandbox would not let it."""
    (checkout / ".env.dev").write_text(ENV_FILE.replace("/var/lib/helionyx/dev/events", path))
    with pytest.raises(DeployError):
        build(checkout)


def test_sent_release_must_be_what_it_says(checkout: Path, tmp_path: Path) -> None:
    """The node unpacks it only as itself: another name or a changed file is found in time."""
    built = build(checkout)
    layout = Layout(tmp_path / "root")
    dev = layout.of("dev")
    (layout.layers / built.manifest.layer).mkdir(parents=True)
    (tmp_path / "release.tar.gz").write_bytes(built.archive)
    install.release(dev, tmp_path, built.manifest.id)
    assert on_disk(dev)[built.manifest.id].intact
    link = dev.releases / built.manifest.id / install.LAYER
    assert link.readlink() == layout.layers / built.manifest.layer, (
        "the same in a sandbox, and from another disk"
    )
    other = built.manifest.id[:-1] + ("0" if built.manifest.id[-1] != "0" else "1")
    with pytest.raises(StepFailed, match=f"is not release {other}"):
        install.release(dev, tmp_path, other)
    with tarfile.open(fileobj=io.BytesIO(built.archive)) as tar:
        members = [Entry(item.name, tar.extractfile(item).read()) for item in tar]  # type: ignore[union-attr]
    changed = [Entry(item.path, item.content + b"#" * (item.path == "run.py")) for item in members]
    (tmp_path / "release.tar.gz").write_bytes(pack(changed))
    with pytest.raises(StepFailed, match=r"run\.py"):
        install.release(dev, tmp_path, built.manifest.id)
    assert list(on_disk(dev)) == [built.manifest.id]


def test_byte_code_of_the_current_release_is_used_where_its_source_is_the_same(
    checkout: Path, tmp_path: Path
) -> None:
    """A changed module is compiled, and so is one whose byte code was made of another source by hand."""
    layout = Layout(tmp_path / "root")
    dev = layout.of("dev")
    (checkout / "services/a.py").write_text("A = 1\n")
    (checkout / "services/b.py").write_text("B = 1\n")
    (checkout / "services/c.py").write_text("C = 1\n")
    before = _installed(checkout, layout)
    _byte_code(before, "a").write_bytes(header(b"A = 1\n") + b"of the release before")
    _byte_code(before, "b").write_bytes(header(b"B = 1\n") + b"of the release before")
    _byte_code(before, "c").write_bytes(header(b"C = 3\n") + b"of the release before")
    dev.current.symlink_to(before)
    (checkout / "services/b.py").write_text("B = 2\n")
    after = _installed(checkout, layout)
    assert _byte_code(after, "a").read_bytes().endswith(b"of the release before")
    assert _byte_code(after, "b").read_bytes() == compiled(b"B = 2\n", "services/b.py")
    assert _byte_code(after, "c").read_bytes() == compiled(b"C = 1\n", "services/c.py")

    (after / FORM_NAME).write_text("another form")
    dev.current.unlink()
    dev.current.symlink_to(after)
    (checkout / "services/b.py").write_text("B = 3\n")
    assert _byte_code(_installed(checkout, layout), "a").read_bytes() == compiled(b"A = 1\n", "services/a.py")


def _installed(checkout: Path, layout: Layout) -> Path:
    """The directory of the release that a checkout makes, on a node."""
    built = build(checkout)
    (layout.layers / built.manifest.layer).mkdir(parents=True, exist_ok=True)
    (checkout.parent / "release.tar.gz").write_bytes(built.archive)
    install.release(layout.of("dev"), checkout.parent, built.manifest.id)
    return layout.of("dev").releases / built.manifest.id


def _byte_code(release: Path, module: str) -> Path:
    return release / path_of(f"services/{module}.py")


def test_release_of_another_version_is_whole(checkout: Path, tmp_path: Path) -> None:
    """A key too many or too few in a manifest is no edit: another version of the deployment wrote it."""
    built = build(checkout)
    value = {key: item for key, item in built.manifest.to_json().items() if key != "log"} | {"later": [1]}
    value["id"] = id_of(value)
    dev = Layout(tmp_path).of("dev")
    place = dev.releases / value["id"]
    place.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(built.archive)) as tar:
        tar.extractall(place)  # noqa: S202  our own
    (place / "manifest.json").write_text(json.dumps(value))
    assert on_disk(dev)[value["id"]].intact
    (place / "manifest.json").write_text(json.dumps(value | {"later": [2]}))
    assert not on_disk(dev)[value["id"]].intact


def test_line_endings_of_a_checkout_do_not_matter(checkout: Path) -> None:
    """What is deployed is what was committed, whatever git is configured to make of it here."""
    before = build(checkout).manifest.id
    git(checkout, "config", "core.autocrlf", "true")
    assert build(checkout).manifest.id == before
