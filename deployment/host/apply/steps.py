"""The hands: one function per verb of a plan, with no policy of its own.

Every one of them can be repeated: a transaction that was killed anywhere goes through them again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..event_log import archived_logs, last_head, log_commands, read_models
from ..node import dropins, files, processes
from ..node.threads import Call
from ..observe import activation
from ..observe.directories import user_id
from ..records import verified_releases
from ..records.locks import host_lock
from ..releases import install, releases
from ..values.desired import Running
from ..values.errors import HostError, StepFailed
from ..values.step import Step
from ..values.words import count
from . import acceptance, bridge, certificates, directories, redaction, rehearsal, unit_steps, users, verify
from .bot import own_bot
from .work import Work

REHEARSING = ("rehearse", "soak", "end-rehearsal")
RUNNING = (*REHEARSING, "start-bridge", "open-socket", "restart-service", "verify", "watch")


def perform(work: Work, step: Step) -> str:
    """Do one step; the answer is a remark worth showing, or nothing.

    Raises `StepFailed`, also for what the disk has to say: full, read-only, broken. What cannot be tidied up
    is no failure: the next change tries again.
    """
    try:
        return _done(work, step)
    except HostError as error:
        if step.verb.startswith("prune-"):
            return f"left for the next time: {error.message}"
        more = tuple(_causes(work, step))
        if more:
            raise StepFailed(error.message, error.hint, (*error.details, *more)) from error
        raise


def _causes(work: Work, step: Step) -> Iterator[str]:
    """Other causes that a failure may have: things that no deploy brings."""
    if step.verb in RUNNING and (paths := dropins.named(work.environment)):
        yield f"its units are changed by drop-ins, which no deploy brings: {', '.join(paths)}"
    if strays := processes.of(work.environment, user_id(work.environment)):
        names, user = ", ".join(strays), work.environment.user
        yield f"processes of {user} outside of its units, which can end or stop any: {names}"


def _done(work: Work, step: Step) -> str:
    try:
        return STEPS[step.verb](work, *step.target) or ""
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        raise StepFailed(f"{step.title}: {error.strerror or error}{where}.") from error


def install_layer(work: Work, digest: str) -> str:
    return install.layer(work.environment.layout, work.staged, digest)


def install_release(work: Work, release: str) -> str:
    return install.release(work.environment, work.staged, release)


def check_release(work: Work, _: str) -> str:
    return verify.configuration(work.environment, work.chosen)


def check_bot(work: Work, _: str) -> str:
    remark, doubts = own_bot(work.environment, work.chosen)
    work.doubts.extend(doubts)
    return remark


def install_log(work: Work, _: str) -> str:
    assert work.desired.log is not None, "a plan that brings a log is about one"
    staged = work.staged / "log.db"
    return archived_logs.install(work.environment, work.chosen, staged, work.desired.log)


def take_log(work: Work, archived: str) -> str:
    coming = None if work.desired.back else work.desired.log
    return archived_logs.take(work.environment, work.chosen, archived, coming)


def switch_log(work: Work, _: str) -> str:
    archived_logs.switch(work.environment, work.chosen, work.archive_name)
    if work.desired.back and work.last_head:  # a revert brings back the same log
        last_head.write(work.environment, work.last_head)
    path, coming = work.environment.archived_logs / work.archive_name, work.desired.log
    if work.desired.back or coming is None or not path.exists():
        return ""
    newer = archived_logs.newer(work.environment, work.chosen, path, coming)
    work.facts.update({"kept": str(path), "newer": newer})
    return f"the replaced log is archived in {path}"


def rebuild_projections(work: Work, _: str) -> str:
    release = work.chosen
    words = (
        "--store",
        str(log_commands.path_of(release)),
        "--file",
        str(release.config["projections_db_path"]),
    )
    command = ("services.projections", "rebuild", *words)
    try:
        answer = log_commands.ask(work.environment, release, *command, timeout=log_commands.LONG)
    except StepFailed as error:
        name = work.environment.name
        raise StepFailed(
            f"the read models of {name} cannot be rebuilt; the previous ones stay.",
            f"make doctor ENV={name} looks at the log that they are made of",
            error.details or (error.message,),
        ) from error
    work.facts.update(file=answer["file"], position=answer["position"], digest=answer["digest"])
    return f"{count(answer['position'])}, digest {answer['digest'][:16]}"


def rehearse(work: Work, _: str) -> str:
    """Start the rehearsal, and a trial on a copy of the log that goes on beside the soak."""
    rehearsal.install(work.environment, work.chosen)
    work.trials.append(Call(acceptance.attempt, work.environment, work.chosen, work.log))
    return rehearsal.begin(work.environment, work.chosen, work.log)


def soak(work: Work, seconds: str) -> str:
    span = float(seconds.rstrip(" s"))
    return rehearsal.soak(work.environment, work.chosen, work.log, span, work.check_cancel)


def end_rehearsal(work: Work, _: str) -> str:
    """Wait for the trial, then stop the rehearsal. Raises `StepFailed` for a fault of either."""
    remarks = [trial.result() for trial in work.trials]
    rehearsal.finish(work.environment)
    return ", ".join(filter(None, remarks))


def clear_rehearsal(work: Work, _: str) -> None:
    rehearsal.clear(work.environment)


def start_bridge(work: Work, _: str) -> None:
    """Raise `StepFailed` for a release that comes, but not where a restart or a revert may be the remedy."""
    is_remedy = work.desired.back or (isinstance(work.desired, Running) and work.desired.restart)
    try:
        bridge.begin(work.environment, work.chosen)
    except StepFailed as error:
        if not is_remedy:
            raise
        work.doubts.append(f"{error.message.rstrip('.')}: callers wait for the restart")


def end_bridge(work: Work, _: str) -> str:
    result = bridge.end(work.environment)
    return "" if result == "success" else f"it ended with {result}"


def turn_current(work: Work, release: str) -> None:
    activation.turn(work.environment, release)


def verify_release(work: Work, _: str) -> str:
    answer = verify.serving(work.environment, work.chosen, work.log, work.history)
    if answer.full:
        _accept_full_disk(work)
    verified_releases.note(work.environment, work.chosen.id, answer.projections, work.position)
    last_head.write(work.environment, answer.log)
    return answer.remark


def _accept_full_disk(work: Work) -> None:
    """Raise `StepFailed` where something new came up: what was there before would record no more either."""
    text = f"the disk is full: {work.chosen.id} serves, and records little or nothing"
    if not work.desired.back and (work.desired.staged or work.desired.log is not None):
        raise StepFailed(f"{text}.", "make room on the node, then try again")
    work.doubts.append(f"{text}; make room on the node, and it goes on by itself")


def watch(work: Work, seconds: str) -> str:
    span = float(seconds.rstrip(" s"))
    return verify.staying(work.environment, work.chosen, work.log, span, history=work.history)


def prune_releases(work: Work, *names: str) -> str:
    for name in names:
        files.discard(work.environment.releases / name)
        verified_releases.forget(work.environment, name)
    return f"{len(names)} removed"


def prune_layers(work: Work, *digests: str) -> str:
    with host_lock(
        work.environment.layout
    ):  # another environment may have begun to use one since the plan was made
        unused = set(digests) - releases.layers_used(work.environment.layout)
        for digest in unused:
            files.discard(work.environment.layout.layers / digest)
    return f"{len(unused)} removed"


def prune_projections(work: Work, *names: str) -> str:
    release_names = releases.names(work.environment)
    in_use = {verified_releases.read(work.environment, name).projections for name in release_names}
    unused = set(names) - in_use  # the release that has just come up may have told of one of them
    read_models.remove(work.environment, read_models.directory(work.chosen), unused)
    return f"{len(unused)} removed"


STEPS: dict[str, Callable[..., str | None]] = {
    "create-user": users.create,
    "mark-user": users.mark,
    "create-directories": directories.create,
    "install-layer": install_layer,
    "install-release": install_release,
    "check-release": check_release,
    "copy-certificate": certificates.copy,
    "remove-certificate": certificates.remove,
    "check-bot": check_bot,
    "install-log": install_log,
    "take-log": take_log,
    "switch-log": switch_log,
    "rebuild-projections": rebuild_projections,
    "redact-log": redaction.carry_out,
    "rehearse": rehearse,
    "soak": soak,
    "end-rehearsal": end_rehearsal,
    "clear-rehearsal": clear_rehearsal,
    "start-bridge": start_bridge,
    "end-bridge": end_bridge,
    "install-units": unit_steps.install_units,
    "remove-units": unit_steps.remove_units,
    "turn-current": turn_current,
    "reload-systemd": unit_steps.reload_systemd,
    "restart-journal": unit_steps.restart_journal,
    "enable-units": unit_steps.enable_units,
    "disable-units": unit_steps.disable_units,
    "stop-units": unit_steps.stop_units,
    "end-lingering": users.end_lingering,
    "end-processes": users.end_processes,
    "remove-jobs": users.remove_jobs,
    "close-socket": unit_steps.close_socket,
    "open-socket": unit_steps.open_socket,
    "restart-service": unit_steps.restart_service,
    "verify": verify_release,
    "watch": watch,
    "prune-releases": prune_releases,
    "prune-layers": prune_layers,
    "prune-projections": prune_projections,
    "remove-releases": directories.remove_releases,
    "forget-log": directories.forget_log,
    "delete-data": directories.delete_data,
    "keep-data": directories.keep_data,
    "adopt-data": directories.adopt_data,
    "remove-user": users.remove,
}
