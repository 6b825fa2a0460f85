"""Where the configuration comes from: a credential, a release's own file, or a checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.config import Config
from services.config_sources import ConfigError
from tests.services.test_config import TOKEN, lines


def checkout(tmp_path: Path, data: bytes, environment: str = "dev") -> Path:
    (tmp_path / f".env.{environment}").write_bytes(data)
    return tmp_path


@pytest.mark.parametrize("environment", [None, "", "prod", "LIVE"])
def test_environments(environment: str | None, tmp_path: Path) -> None:
    """ENV is one of three."""
    with pytest.raises(ConfigError, match="dev, staging, live"):
        Config.from_env(environment, variables={}, root=checkout(tmp_path, lines()))


def test_a_checkout_keeps_its_data_itself(tmp_path: Path) -> None:
    """The file names the node's paths; a checkout's data lies inside it."""
    config = Config.from_env("dev", variables={}, root=checkout(tmp_path, lines()))
    assert config.event_store_path == tmp_path / "data/dev/events"
    assert config.projections_db_path == tmp_path / "data/dev/projections/helionyx.db"


def test_variables_win_in_a_checkout(tmp_path: Path) -> None:
    """In a checkout OS variables override the file; variables that are no key do not matter."""
    variables = {"API_PORT": "9000", "LOG_LEVEL": "DEBUG", "API_PROT": "1", "HOME": "/root"}
    config = Config.from_env("dev", variables=variables, root=checkout(tmp_path, lines(API_PORT="1")))
    assert (config.api_port, config.log_level, config.api_token) == (9000, "DEBUG", TOKEN)


def test_a_shell_does_not_bring_another_environment(tmp_path: Path) -> None:
    """`set -a; . ./.env.live` leads a checkout neither to live's data nor to its token or its bot."""
    live = {
        "API_TOKEN": "the-token-of-live-0123456789",
        "EVENT_STORE_PATH": "/var/lib/helionyx/live/events",
        "PROJECTIONS_DB_PATH": "/var/lib/helionyx/live/projections/helionyx.db",
        "TELEGRAM_BOT_TOKEN": "1:live",
        "TELEGRAM_CHAT_ID": "42",
        "TELEGRAM_BOT_USERNAME": "helionyx_bot",
    }
    own = Config.from_env("dev", variables={}, root=checkout(tmp_path, lines()))
    assert Config.from_env("dev", variables=live, root=tmp_path) == own
    file = lines(TELEGRAM_BOT_TOKEN="2:dev", TELEGRAM_CHAT_ID="7")
    config = Config.from_env("dev", variables=live, root=checkout(tmp_path, file))
    assert (config.telegram_bot_token, config.telegram_chat_id) == ("2:dev", 7)


@pytest.mark.parametrize(
    ("given", "directory"), [("/srv/y", "/srv/y"), ("../y", "{root}/y"), ("", "{root}/here/data")]
)
@pytest.mark.parametrize("environment", ["dev", "live"])
def test_the_data_of_a_checkout_may_lie_elsewhere(
    tmp_path: Path, given: str, directory: str, environment: str
) -> None:
    """By a name of its own, relative to the checkout or absolute; no two environments have one log."""
    (tmp_path / "here").mkdir()
    root = checkout(tmp_path / "here", lines(), environment)
    config = Config.from_env(environment, variables={"HELIONYX_DATA_DIR": given}, root=root)
    expected = Path(directory.format(root=tmp_path)) / environment
    assert config.event_store_path == expected / "events"
    assert config.projections_db_path == expected / "projections" / "helionyx.db"


def test_variables_are_checked_as_well(tmp_path: Path) -> None:
    """A bad value from a variable has no line."""
    with pytest.raises(ConfigError) as caught:
        Config.from_env("dev", variables={"API_PORT": "x"}, root=checkout(tmp_path, lines()))
    assert [(problem.key, problem.line) for problem in caught.value.problems] == [("API_PORT", None)]


def test_credentials_are_all_there_is(tmp_path: Path) -> None:
    """Under systemd only the credential counts: no variable, no file of a checkout, no mapping of paths."""
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "env").write_bytes(lines(API_PORT="8001"))
    variables = {"CREDENTIALS_DIRECTORY": str(credentials), "API_PORT": "9000", "EVENT_STORE_PATH": "/srv/y"}
    config = Config.from_env("dev", variables=variables, root=checkout(tmp_path, lines(API_PORT="7")))
    assert (config.api_port, config.event_store_path) == (8001, Path("/srv/x/events"))


def test_in_a_release_its_file_is_all_there_is(tmp_path: Path) -> None:
    """As under systemd: no variable, no other directory, and the paths of the node that the file names."""
    variables = {
        "HELIONYX_RELEASE": "r1",
        "API_PORT": "9000",
        "EVENT_STORE_PATH": "/srv/y",
        "ENV_DIR": "/srv",
    }
    config = Config.from_env("dev", variables=variables, root=checkout(tmp_path, lines(API_PORT="8001")))
    assert (config.api_port, config.event_store_path) == (8001, Path("/srv/x/events"))


def test_a_release_has_the_file_of_one_environment(tmp_path: Path) -> None:
    """The hint says so, and who may read it: nobody on a node has the `make env` of a checkout."""
    with pytest.raises(ConfigError) as caught:
        Config.from_env("live", variables={"HELIONYX_RELEASE": "r1"}, root=checkout(tmp_path, lines()))
    assert "run this as the environment's user" in str(caught.value)


@pytest.mark.parametrize("variables", [{}, {"CREDENTIALS_DIRECTORY": "/nonexistent"}])
def test_no_file(variables: dict[str, str], tmp_path: Path) -> None:
    """A file that is not there is one clear problem."""
    with pytest.raises(ConfigError, match=r"cannot read .*env.*: No such file"):
        Config.from_env("dev", variables=variables, root=tmp_path)
