"""A graceful restart from ctl's side: the next process is started, asked, and serves, or is ended again."""

from __future__ import annotations

import time
from collections.abc import Callable

from ctl.errors import RunFailed
from ctl.graceful.control import Control, MasterGone
from ctl.graceful.instance import Instance, State, outcome

POLL = 0.02
_SECONDS_TO_REREAD = 15.0
"""Within which a master has replaced itself; it takes a tenth of a second on a quiet machine."""
_SECONDS_TO_ASK = 120.0
"""How long a candidate may wait for its promotion beyond the time in which it must come up: the health gate."""

Gate = Callable[[Instance], None]
"""Asks a candidate whether it is healthy. Raises RunFailed with the reason."""


def switch(control: Control, reread: Callable[[], None], gate: Gate, *, seconds: float) -> Instance:
    """Replace the process that serves by a new one, started by the files as they are now.

    Args:
        control: of the master.
        reread: makes the master read its run script again (HUP).
        gate: asks the new process before it serves.
        seconds: in which it must accept connections.

    Returns:
        The process that serves now.

    Raises:
        RunFailed: the new process did not come up, or is not healthy; the former one goes on.
    """
    _reread(control, reread)
    candidate = control.start(seconds + _SECONDS_TO_ASK)
    try:
        _await_accepting(control, candidate, seconds)
        gate(candidate)
        _refuse_ended(control, candidate)
        control.promote(candidate.number)
    except BaseException:
        control.discard(candidate.number)
        raise
    return candidate


def _reread(control: Control, reread: Callable[[], None]) -> None:
    before = control.generation()
    reread()
    end = time.monotonic() + _SECONDS_TO_REREAD
    while time.monotonic() < end:
        try:
            if control.generation() > before:
                return
        except MasterGone:
            pass  # between its old and its new code nobody answers
        time.sleep(POLL)
    raise RunFailed("the master process has not read its run script again", hint="Its log has the reason.")


def _await_accepting(control: Control, candidate: Instance, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not candidate.accepts():
        _refuse_ended(control, candidate)
        if time.monotonic() > end:
            raise RunFailed(f"the new process (pid {candidate.pid}) does not answer after {seconds:.0f} s")
        time.sleep(POLL)


def _refuse_ended(control: Control, candidate: Instance) -> None:
    now = next((one for one in control.instances() if one.number == candidate.number), None)
    if now is None or now.state is State.ENDED:
        how = outcome(now.status) if now and now.status is not None else "unknown"
        raise RunFailed(f"the new process (pid {candidate.pid}) ended at once ({how})")
