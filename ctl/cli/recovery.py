"""Undoes an interrupted run before a command starts services, or reads what a run writes."""

from __future__ import annotations

from ctl.cli.framework import Context
from ctl.errors import CtlError, LockHeld


def recover_first(ctx: Context) -> None:
    """Undo a run that was cut off, so that no service starts with half a change.

    A run that is under way is left to itself: it looks after its services.

    Raises:
        CtlError: a file could not be put back.
    """
    try:
        end_read_only(ctx)
        if ctx.layout.trial.exists():
            _resume_trial(ctx)
        interrupted = ctx.layout.journal.exists()
    except PermissionError:  # only its owner may look, and may start services
        return
    if interrupted:
        _recover(ctx)


def _recover(ctx: Context) -> None:
    from ctl.cli.loading import machine, recovered

    try:
        with recovered(ctx, machine(ctx)):
            pass
    except LockHeld as error:
        ctx.console.detail(error.message)


def end_read_only(ctx: Context) -> bool:
    """Let the registry take pushes again after a collection in read-only mode that was killed.

    Returns:
        Whether there was one.

    Raises:
        CtlError: the registry does not start so.
    """
    from ctl.registry.read_only import read_only_file

    try:
        if not read_only_file(ctx.layout).exists():
            return False
    except PermissionError:
        return False
    from ctl.registry.collect.read_only import end_interrupted

    ended = end_interrupted(ctx.layout)
    if ended:
        ctx.console.note(
            "a garbage collection was killed: the registry, which it kept read-only, takes pushes again"
        )
    return ended


def _resume_trial(ctx: Context) -> None:
    """Let a process wait for the end of the trial again; that it is damaged stops nobody else."""
    from ctl.node.trial import resume

    try:
        resume(ctx.layout)
    except CtlError as error:
        ctx.console.note(f"warning: {error.message}: {error.hint}")
