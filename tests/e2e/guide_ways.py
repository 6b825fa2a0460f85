"""What a walk through docs/DEPLOYMENT.md has to know beside the commands that stand there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .guide_walk import Walk


@dataclass(frozen=True)
class Way:
    """How one command of the document is run, where that is not plain from its first word."""

    text: Callable[[Walk], str] | None = None  # what stands in for it, with the values of this walk
    before: tuple[str, ...] = ()  # commands that bring about what its section assumes
    typed: str = ""  # the answer to its question, at a terminal
    stdin: Callable[[Walk], str] | None = None
    code: int = 0
    follows: bool = False  # whether it goes on until Ctrl-C


HERE = ("make", "git", "curl", "ssh", ".venv/bin/python", "./helionyx", "gh")
"""The first words of commands that are typed on one's own machine; all others are for root on the node."""

LIVE = ("make env ENV=live", "make ci", "make deploy ENV=live")
STAGING = ("make env ENV=staging", "make deploy ENV=staging")

CONTENT = {
    "Host node1": "the walk writes it to its ssh configuration",
    "TELEGRAM_BOT_TOKEN=123456789:the-token-from-BotFather": "lines of a configuration",
    "live on node1: release 1a2b3c4d5e6f-9f8e7d6c5b4a, 15 steps, no downtime": "output",
    "time() - helionyx_last_backup_timestamp_seconds > 2 * 86400": "a rule: tests/test_operations.py",
    "histogram_quantile(0.99, rate(helionyx_event_log_commit_duration_seconds_bucket[5m]))": "a query",
    "/opt/helionyx/layers/<digest>/            dependencies, shared by the environments": "a list of paths",
}
"""The first lines of blocks that are no commands, and what they are."""

SKIPPED = {
    "apt-get install openssh-server sudo python3": "a node of the tests has these, and no source of packages",
    "systemd-cgtop helionyx.slice": "a display without an end",
    'curl --config - <<< "url = https://api.telegram.org/bot$(cat token)/deleteWebhook"': "Telegram's own",
    ".venv/bin/python -m services.telegram whose --env dev": "as the one above",
    "make cancel ENV=dev": "needs a change under way: tests/e2e/test_cancel.py",
    "/var/lib/helionyx-deploy/deployments.jsonl": "a path",
    "/var/lib/helionyx-deploy/transactions/*/record.jsonl": "a path",
    "gh api --method POST 'repos/{owner}/{repo}/rulesets' --input .github/rulesets/main.json": "GitHub's own",
}

SECTIONS = {
    "A file system of its own for dev": "a container has no loop devices",
    "HTTPS": "no authority gives a node of the tests a certificate: tests/e2e/test_https.py",
}
"""Sections whose commands are not run, and why."""


def by_hand(walk: Walk) -> str:
    """The commands that start an older release, with its id in place."""
    names = walk.operator.on_node("ls", "-t", "/opt/helionyx/dev/verified").split()
    path = f"/opt/helionyx/dev/releases/{names[-1]}"
    return (
        f"cd {path} && cp units/*.service units/*.socket /etc/systemd/system/ && "
        'ln -sfn "releases/$(basename "$PWD")" ../../current && systemctl daemon-reload && '
        "systemctl restart helionyx-dev.service"
    )


REDACT = ".venv/bin/python -m services.event_log redact --store {store} {position} 'a password'"
WAYS = {
    # Nothing runs before the first deploy.
    "systemctl status helionyx.slice": Way(code=3),
    "install -m 600 -o deploy -g deploy /dev/stdin ~deploy/.ssh/authorized_keys": Way(
        stdin=lambda walk: walk.public_key
    ),
    "make remove ENV=dev": Way(before=("make restart ENV=dev",)),
    "make remove ENV=live": Way(before=LIVE, typed="live"),
    "make remove ENV=dev DATA=delete": Way(typed="dev"),
    "make backup ENV=dev": Way(before=("make deploy ENV=dev",)),
    "make redact ENV=dev POSITION=12 REASON=...": Way(
        lambda walk: f"make redact ENV=dev POSITION={walk.said('dev')} REASON='said by mistake'"
    ),
    "make logs ENV=dev": Way(follows=True, code=-2),  # make ends by the signal of Ctrl-C
    "make verify ENV=live": Way(before=(*LIVE, "make backup ENV=live")),
    "make ci": Way(lambda walk: walk.pass_ci()),  # which takes many minutes
    "make promote FROM=staging ENV=live": Way(before=STAGING),
    "make rollback ENV=live": Way(before=("change", "make ci", "make deploy ENV=live CONFIRM=live")),
    "make rollback ENV=live RELEASE=1a2b3c4d": Way(
        lambda walk: f"make rollback ENV=live RELEASE={walk.other_release('live')[:17]}"
    ),
    "git switch --detach <commit>": Way(lambda walk: f"git switch --detach {walk.commit('live')}"),
    "make deploy ENV=live": Way(typed="live"),
    "make backup ENV=live TO=/mnt/disk/live.db": Way(lambda walk: f"make backup ENV=live TO={walk.home}"),
    ".venv/bin/python -m services.event_log verify --store DIR": Way(
        lambda walk: f".venv/bin/python -m services.event_log verify --store {walk.store()}"
    ),
    "make restore ENV=dev BACKUP=backups/dev-20260102T030405Z.db": Way(
        lambda walk: f"make restore ENV=dev BACKUP={walk.backup('dev')}", before=("say dev",)
    ),
    "make restore ENV=live BACKUP=...": Way(
        lambda walk: f"make restore ENV=live BACKUP={walk.backup('live')}", typed="live"
    ),
    "make restore ENV=dev BACKUP=1200-9f8e7d6c5b4a": Way(
        lambda walk: f"make restore ENV=dev BACKUP={walk.archived('dev')}"
    ),
    "make redact ENV=dev POSITION=12 REASON='a password said by mistake'": Way(
        lambda walk: f"make redact ENV=dev POSITION={walk.said('dev')} REASON='a password said by mistake'"
    ),
    "make redact ENV=live POSITION=12 REASON=...": Way(
        lambda walk: f"make redact ENV=live POSITION={walk.said('live')} REASON='a password'", typed="live"
    ),
    ".venv/bin/python -m services.event_log redact --store DIR 12 'a password said by mistake'": Way(
        lambda walk: REDACT.format(store=walk.store(), position=walk.position),
        before=("say live", "make backup ENV=live"),
    ),
    "./helionyx events --last 20": Way(lambda walk: f"./helionyx --url {walk.url('dev')} events --last 20"),
    "ssh -v node1 true": Way(lambda walk: f"ssh -F {walk.ssh_config} -v node1 true"),
    "curl http://192.0.2.10:8000/health/ready": Way(lambda walk: f"curl {walk.url('dev')}/health/ready"),
    "make restore ENV=dev BACKUP=file": Way(lambda walk: f"make restore ENV=dev BACKUP={walk.backup('dev')}"),
    "cd /opt/helionyx/dev/releases/<id> && cp units/*.service units/*.socket /etc/systemd/system/ && "
    'ln -sfn "releases/$(basename "$PWD")" ../../current && systemctl daemon-reload && '
    "systemctl restart helionyx-dev.service": Way(by_hand),
}
