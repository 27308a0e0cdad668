"""Commands that the timer runs too: what came of one that a person has started is kept for `ctl doctor`."""

from __future__ import annotations

from collections.abc import Callable

from ctl.cli.framework import Context
from ctl.errors import EXIT_OK, CtlError, LockHeld, UsageFault, os_error
from ctl.timer.outcome import note_outcome


def noted(ctx: Context, name: str, work: Callable[[], int], problem: str = "") -> int:
    """Do it, and keep how it ended; not what was no attempt: wrong usage, another run's lock.

    Args:
        ctx: whose node.
        name: of the task.
        work: does it, and returns the exit code.
        problem: what a code that is not 0 means.
    """
    try:
        code = work()
    except (UsageFault, LockHeld):
        raise
    except CtlError as error:
        _note(ctx, name, error.exit_code, error.message)
        raise
    except OSError as error:
        _note(ctx, name, 1, os_error(error))
        raise
    _note(ctx, name, code, problem if code != EXIT_OK else "")
    return code


def _note(ctx: Context, name: str, code: int, reason: str) -> None:
    try:
        note_outcome(ctx.layout, name, code, reason)
    except OSError as error:  # the disk is full, say: what was done is done
        ctx.console.note(f"warning: its outcome is not kept: {os_error(error)}")
