"""A client that openapi-python-client generates from the description works against a running service."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.services.instance import TOKEN, running

PACKAGE = "generated_helionyx_client"


class Generated(NamedTuple):
    """The generated package and its connection to a running service."""

    client: Any
    models: Any

    def call(self, operation: str, *args: object, **parameters: object) -> Any:
        """The parsed answer to `operation`, such as `todos.list_todos`."""
        module = importlib.import_module(f"{PACKAGE}.api.{operation}")
        return module.sync(*args, client=self.client, **parameters)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generated]:
    directory = tmp_path_factory.mktemp("generated")
    with running(directory) as service, pytest.MonkeyPatch.context() as patch:
        url = f"http://127.0.0.1:{service.port}"
        _generate(f"{url}/openapi.json", directory)
        patch.syspath_prepend(directory)
        package = importlib.import_module(PACKAGE)
        with package.AuthenticatedClient(base_url=url, token=TOKEN) as client:
            yield Generated(client, importlib.import_module(f"{PACKAGE}.models"))


def _generate(url: str, directory: Path) -> None:
    """Generate the package in `directory`, without a warning."""
    configuration = directory / "generator.json"
    configuration.write_text(json.dumps({"post_hooks": []}))
    generator = Path(sys.executable).with_name("openapi-python-client")
    command = [str(generator), "generate", "--url", url, "--meta", "none", "--fail-on-warning"]
    paths = ["--output-path", str(directory / PACKAGE), "--config", str(configuration)]
    done = subprocess.run([*command, *paths], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_todo_is_one_type(generated: Generated) -> None:
    """A todo has the same type when created, listed, read or changed."""
    models = generated.models
    new = models.NewTodo(text="milk", due=date(2026, 2, 11), tags=["home"])
    todo = generated.call("todos.create_todo", body=new)
    assert (type(todo), todo.text, todo.due) == (models.Todo, "milk", date(2026, 2, 11))
    page = generated.call("todos.list_todos", state=[models.TodoState.OPEN], tag="home")
    assert (page.todos, page.next_) == ([todo], None)
    assert generated.call("todos.read_todo", todo.number) == todo
    moment = datetime(2026, 2, 11, 16, tzinfo=UTC)
    assert generated.call("todos.due_todo", todo.number, body=models.NewDue(due=moment)).due == moment
    assert generated.call("tags.add_tag", todo.number, "shop").tags == ["home", "shop"]
    done = generated.call("todos.complete_todo", todo.number)
    assert (type(done), done.state) == (models.Todo, models.TodoState.DONE)


def test_a_track_is_posted_and_read_by_its_name(generated: Generated) -> None:
    """And its entries are listed as they were added."""
    track = generated.call("tracks.create_track", body=generated.models.NewTrack(name="Weight"))
    assert track.name == "Weight"
    entry = generated.call(
        "tracks.add_entry", track.number, body=generated.models.NewTrackEntry(text="82.1 kg")
    )
    assert generated.call("tracks.list_entries", track.number).entries == [entry]
    assert [(each.name, each.entries) for each in generated.call("tracks.list_tracks").tracks] == [
        ("Weight", 1)
    ]


def test_a_message_comes_with_the_item_that_it_created(generated: Generated) -> None:
    """And is listed as the same type."""
    models = generated.models
    message = generated.call("messages.record_message", body=models.NewMessage(text="note: the key #garden"))
    assert (type(message.thing), message.thing.tags) == (models.Note, ["garden"])
    listed = generated.call("messages.list_messages", after=message.position - 1).messages[0]
    assert (type(listed), listed.id) == (models.Message, message.id)
    (hit,) = generated.call("search.search", q="garden").hits
    assert (hit.number, hit.text) == (message.thing.number, message.thing.text)


def test_an_error_is_a_problem(generated: Generated) -> None:
    """With its detail."""
    problem = generated.call("todos.read_todo", 999999)
    assert (type(problem), problem.status, problem.detail) == (
        generated.models.Problem,
        404,
        "no item has the number 999999",
    )


def test_the_log_is_followed(generated: Generated) -> None:
    """By waiting for the records that follow the last one; each line is a record."""
    models = generated.models
    last = generated.call("service.ready").log.length
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(
            generated.call, "events.read_events", after=last, wait=20, type_=["NoteTaken"]
        )
        note = generated.call("notes.create_note", body=models.NewNote(text="stone"))
        lines = following.result(timeout=30).splitlines()
    records = [models.Record.from_dict(json.loads(line)) for line in lines]
    assert [(record.position, json.loads(record.body)["data"]["text"]) for record in records] == [
        (note.number, "stone")
    ]
