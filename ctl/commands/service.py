"""Commands that control services: start, stop, restart, and the signals; names as in gitlab-ctl."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from ctl.cli.framework import Context, always, command
from ctl.cli.recovery import recover_first
from ctl.cli.services import SERVICES
from ctl.errors import EXIT_FAILED, EXIT_OK, USE_SUDO, CtlError
from ctl.services.control import ServiceFailed
from ctl.services.definition import read_definition
from ctl.services.runit import Runit
from ctl.services.selection import NONE_ENABLED, select
from ctl.services.status import Status
from ctl.services.sv import sv


@command(needs_root=always)
@SERVICES
def start(ctx: Context, services: Sequence[str]) -> int:
    """Start services, and return when they answer. The supervisor is started if it does not run."""
    names = _select(ctx, services)
    runit = Runit(ctx.layout, note=ctx.console.note)
    if not names or _denied(ctx, runit, names):
        return EXIT_FAILED if names else EXIT_OK
    recovered = _recovered(ctx)
    if runit.ensure_supervisor():
        ctx.console.detail("started the supervisor")
    return _each(ctx, names, runit.start) or recovered


def _recovered(ctx: Context) -> int:
    """Undo an interrupted run; where that fails, starting what there is serves users better than nothing."""
    try:
        recover_first(ctx)
    except CtlError as error:
        ctx.console.error("\n    ".join(filter(None, (error.message, error.hint))))
        return EXIT_FAILED
    return EXIT_OK


@command(needs_root=always)
@SERVICES
def stop(ctx: Context, services: Sequence[str]) -> int:
    """Stop services until they are started again. The supervisor goes on."""
    return _each(ctx, _select(ctx, services), Runit(ctx.layout, note=ctx.console.note).stop)


@command(needs_root=always)
@SERVICES
def restart(ctx: Context, services: Sequence[str]) -> int:
    """Restart services, and return when they answer. One after the other is restarted."""
    recover_first(ctx)
    return _each(ctx, _select(ctx, services), Runit(ctx.layout, note=ctx.console.note).restart)


@command(name="graceful-kill", needs_root=always)
@SERVICES
def graceful_kill(ctx: Context, services: Sequence[str]) -> int:
    """Stop services; kill what has not ended in time."""
    from ctl.services.killing import graceful_kill as end

    runit = Runit(ctx.layout, note=ctx.console.note)

    def kill_group(name: str) -> Status:
        status, killed = end(runit, name)
        if killed:
            ctx.console.say(f"kill: {name}: sent KILL to {', '.join(map(str, killed))}")
        return status

    return _each(ctx, _select(ctx, services), kill_group)


@command(needs_root=always)
@SERVICES
def once(ctx: Context, services: Sequence[str]) -> int:
    """Start services that are down, once. They are not started again when they end."""
    names = _select(ctx, services)
    return send(ctx, "once", names) if names else EXIT_OK


def _signal(name: str, sv_command: str, signal: str, text: str) -> click.Command:
    """A command that sends services a signal and does not wait, as sv's own."""

    def act(ctx: Context, services: Sequence[str]) -> int:
        recover_first(ctx)
        names = _select(ctx, services)
        return signal_services(ctx, sv_command, signal, names, named=bool(services)) if names else EXIT_OK

    act.__doc__ = text
    return command(name=name, needs_root=always)(SERVICES(act))


def signal_services(ctx: Context, sv_command: str, signal: str, names: Sequence[str], *, named: bool) -> int:
    """Send a signal to the services to which it means something, and print what each does then.

    Args:
        named: whether these very services were asked for: then one to which it means nothing is an error.

    Returns:
        The exit code.
    """
    code = EXIT_OK
    for name in names:
        definition = read_definition(ctx.layout, name)
        meaning = ALWAYS.get(signal) or definition.signals.get(signal)
        if meaning is None and definition.signals:
            known = ", ".join(f"{one} ({what})" for one, what in definition.signals.items())
            line = f"{name}: not sent: {signal} means nothing to it; what does: {known}"
            ctx.console.error(line) if named else ctx.console.say(line)
            code = EXIT_FAILED if named else code
        elif send(ctx, sv_command, [name]) != EXIT_OK:
            code = EXIT_FAILED
        else:
            ctx.console.say(f"ok: {name}: sent {signal}" + (f": {meaning}" if meaning else ""))
    return code


def send(ctx: Context, sv_command: str, names: Sequence[str]) -> int:
    """Call sv and print what it reports. Returns the exit code."""
    answer = sv(ctx.layout.service, sv_command, names)
    for line in answer.lines:
        ctx.console.result(line)
    if any("access denied" in line for line in answer.lines):
        ctx.console.error(USE_SUDO)
    return EXIT_FAILED if answer.failures else EXIT_OK


ALWAYS = {"KILL": "ends at once; the supervisor starts it again"}
"""Signals that mean the same to every process."""

hup = _signal("hup", "hup", "HUP", "Send HUP: NGINX reads its configuration anew.")
term = _signal("term", "term", "TERM", "Send TERM; the supervisor starts them again.")
interrupt = _signal("int", "interrupt", "INT", "Send INT.")
kill = _signal("kill", "kill", "KILL", "Send KILL; the supervisor starts them again.")
usr1 = _signal("usr1", "1", "USR1", "Send USR1: NGINX opens its logs anew.")
usr2 = _signal("usr2", "2", "USR2", "Send USR2.")


def _select(ctx: Context, services: Sequence[str]) -> list[str]:
    names = select(ctx.layout, services)
    if not names:
        ctx.console.say(NONE_ENABLED)
    return names


def _denied(ctx: Context, runit: Runit, names: Sequence[str]) -> bool:
    denied = [status for status in runit.statuses(names) if status.denied]
    for status in denied:
        ctx.console.result(status.line)
    if denied:
        ctx.console.error(USE_SUDO)
    return bool(denied)


def _each(ctx: Context, names: Sequence[str], act: Callable[[str], Status]) -> int:
    """Do it to each service, also where it failed for another; print each outcome as sv does."""
    code = EXIT_OK
    for name in names:
        try:
            ctx.console.say(f"ok: {act(name).line}")
        except ServiceFailed as error:
            code = EXIT_FAILED
            _report(ctx, error)
    return code


def _report(ctx: Context, error: ServiceFailed) -> None:
    ctx.console.result(error.line)
    if error.message != error.line:
        ctx.console.error(error.message)
    if error.hint:
        ctx.console.error(f"    {error.hint}")
