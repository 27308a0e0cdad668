"""What `ctl status` prints: what the services do, as sv says it, and what is wrong; or JSON with more."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ctl.cli.context import Context
from ctl.collector.under_way import interrupted, under_way
from ctl.errors import EXIT_FAILED, EXIT_OK, USE_SUDO, CtlError
from ctl.machine.as_account import SILENT
from ctl.machine.health import FolderCheck
from ctl.machine.under_way import run_under_way
from ctl.node.last_backup import last_backup
from ctl.paths import Layout
from ctl.registry.gate import collection
from ctl.registry.read_only import hold_file, read_only_file, read_only_left
from ctl.services.condition import STOPPED, problems
from ctl.services.definition import defined_names, known_definition, read_definition
from ctl.services.processes import Processes
from ctl.services.selection import NONE_ENABLED, select
from ctl.services.status import Status
from ctl.services.supervisor import Supervisor
from ctl.services.sv import sv_status
from ctl.services.switched import others

INTERRUPTED = (
    "an earlier reconfigure was interrupted: run `ctl recover`, or `ctl reconfigure` to finish or undo it"
)
READ_ONLY = "a garbage collection was killed and has left the registry read-only: run `ctl recover`"
NOT_SET_UP = "not set up yet: `sudo ctl reconfigure` sets up what the settings file says"
NO_SUPERVISOR = "the supervisor does not run, so nothing starts again what exits: `ctl start` starts it"


def print_condition(ctx: Context, services: Sequence[str], *, as_json: bool) -> int:
    """Print the state of services, all or those named, and what is wrong.

    Returns:
        The exit status: 0 only if nothing is wrong.
    """
    layout = ctx.layout
    found = sv_status(layout.service, select(layout, services))
    general = list(_general(layout, found))
    processes = Processes()
    wrong = {one.name: _problems(layout, one, processes) for one in found}
    answering = [one for one in found if not any(SILENT in problem for problem in wrong[one.name])]
    going_on = list(_going_on(layout, answering))
    if as_json:
        _print_json(ctx, found, wrong, general, going_on)
    else:
        _print_lines(ctx, found, wrong, [*general, *going_on])
        _print_others(ctx, found)
        if last := last_backup(ctx.layout):
            ctx.console.result(last.line)
    if any(one.denied for one in found):
        ctx.console.note(USE_SUDO)
    elif any(problem != STOPPED for problems in wrong.values() for problem in problems):
        ctx.console.note("`ctl doctor` looks for the cause, and says what to do")
    return EXIT_FAILED if general or any(wrong.values()) else EXIT_OK


def _general(layout: Layout, found: Sequence[Status]) -> Iterator[str]:
    """What is wrong with all of it."""
    if not found and not defined_names(layout):
        yield NOT_SET_UP
    elif found and not any(one.denied for one in found) and Supervisor(layout).pid() is None:
        yield NO_SUPERVISOR
    if _interrupted(layout):
        yield INTERRUPTED
    yield from _failed_tasks(layout)
    under_way = collection(layout)
    if under_way is not None and read_only_file(layout).exists():
        yield f"a garbage collection is under way{under_way}: the registry takes no pushes until its end"
    elif under_way is not None:
        yield f"a garbage collection is under way{under_way}: the registry waits for its end"
    elif read_only_left(layout):
        yield READ_ONLY
    yield from _killed_migration(layout)
    yield from (text for text, well in _trial(layout) if not well)


def _trial(layout: Layout) -> list[tuple[str, bool]]:
    """What to say of a run on trial, if there is one, and whether that is as it should be."""
    try:
        if not layout.trial.exists():
            return []
    except PermissionError:  # only its owner is to know
        return []
    from ctl.node.trial import Trial

    try:
        trial = Trial.read(layout)
        return [trial.state(layout)] if trial else []
    except FileNotFoundError:  # it has just ended
        return []
    except CtlError as error:
        return [(_with_hint(error), False)]


def _killed_migration(layout: Layout) -> Iterator[str]:
    if os.path.lexists(hold_file(layout)):
        from ctl.registry.migration_hold import left_by_migration

        note = left_by_migration(layout)
        yield from [note.problem] if note else []


def _failed_tasks(layout: Layout) -> Iterator[str]:
    """What the timer could not do when it ran last."""
    from ctl.timer.listing import scheduled

    try:
        yield from filter(None, (one.problem for one in scheduled(layout)))
    except (CtlError, OSError) as error:
        yield f"the tasks of the timer cannot be read: {error.message if isinstance(error, CtlError) else error}"


def _tasks(layout: Layout) -> list[dict[str, object]]:
    """What the timer runs; empty where that cannot be read, which is among the reasons."""
    from ctl.timer.listing import scheduled

    try:
        return [one.as_json() for one in scheduled(layout)]
    except (CtlError, OSError):
        return []


def _going_on(layout: Layout, found: Sequence[Status]) -> Iterator[str]:
    """What is under way while everything is well."""
    yield from (text for text, well in _trial(layout) if well)
    if os.path.lexists(hold_file(layout)):
        from ctl.registry.migration_hold import UNDER_WAY, migration_holds

        if migration_holds(layout):
            yield UNDER_WAY
    storages = {
        check.path
        for one in found
        for check in known_definition(layout, one.name).health
        if isinstance(check, FolderCheck)
    }
    for storage in sorted(storages):
        since = under_way(Path(storage))
        if since is not None:
            yield f"a garbage collection into quarantine of {storage} is under way{since}"
        elif (killed := interrupted(Path(storage))) is not None:
            yield f"a garbage collection of {storage}{killed} was interrupted: nothing is lost, the next one goes on"


def _print_others(ctx: Context, found: Sequence[Status]) -> None:
    for one in found:
        for line in others(known_definition(ctx.layout, one.name)):
            ctx.console.result(f"{one.name} {line}")


def _problems(layout: Layout, status: Status, processes: Processes) -> list[str]:
    try:
        return problems(layout.sv / status.name, status, read_definition(layout, status.name), processes)
    except CtlError as error:
        return [_with_hint(error)]


def _with_hint(error: CtlError) -> str:
    return f"{error.message} ({error.hint.rstrip('.')})" if error.hint else error.message


def _print_lines(
    ctx: Context, found: Sequence[Status], wrong: dict[str, list[str]], general: Sequence[str]
) -> None:
    for one in found:
        ctx.console.result(f"{one.line}; {one.log.line}" if one.log else one.line)
    for line in general:
        ctx.console.result(line)
    for one in found:
        # what sv's own line says is not repeated
        for problem in wrong[one.name]:
            if problem not in (one.reason, STOPPED):
                ctx.console.result(f"{one.name} {problem}")
    if not found and not general:
        ctx.console.say(NONE_ENABLED)


def _print_json(
    ctx: Context,
    found: Sequence[Status],
    wrong: dict[str, list[str]],
    general: Sequence[str],
    going_on: Sequence[str],
) -> None:
    from ctl.services.details import describe

    services = [describe(one, known_definition(ctx.layout, one.name), wrong[one.name]) for one in found]
    reasons = [*general, *(f"{name} {'; '.join(them)}" for name, them in wrong.items() if them)]
    supervisor = Supervisor(ctx.layout).pid()
    ctx.console.result_json(
        {
            "supervisor": supervisor,
            "healthy": not reasons,
            "reason": "; ".join(reasons) or None,
            "under_way": list(going_on),
            "services": services,
            "tasks": _tasks(ctx.layout),
            "backup": last._asdict() if (last := last_backup(ctx.layout)) else None,
        }
    )


def _interrupted(layout: Layout) -> bool:
    """Whether a run left its journal and lives no more."""
    try:
        if not layout.journal.exists():
            return False
    except PermissionError:  # only its owner is to know
        return False
    return not run_under_way(layout)
