"""What came of a reload: asked of the processes and of the log, not of the time that it takes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ctl.machine.ports import accepting, children
from ctl.services.definition import Definition
from ctl.services.waiting import until

OWN_AFFAIR = 5
"""Seconds for a service that need not hand over to new workers to do so all the same."""
REFUSED = "[emerg]"
"""How NGINX begins its reason for not taking a new configuration (ngx_init_cycle)."""
TRIES_AGAIN, GIVEN_UP = "(98: Address already in use)", "still could not bind()"


def reload_problem(pid: int, former: set[int], definition: Definition, logged: Callable[[str], bool]) -> str:
    """Wait until a master that hands over to new workers (NGINX) has done so: no old one accepts any more.

    Args:
        pid: the master.
        former: its workers before.
        definition: of the service; one that is not declared to hand over may keep its workers.
        logged: whether it has logged a text since the signal.

    Returns:
        What is wrong, to follow its name: it must hand over, and has started no worker; "" where all is well.
    """

    def handed_over() -> bool:
        now = children(pid)
        return bool(now - former) and not accepting(now & former, definition.listen)

    def refused() -> bool:
        """It tries for 2.5 s to bind an address, and obeys nobody meanwhile (ngx_open_listening_sockets)."""
        return logged(REFUSED) and (logged(GIVEN_UP) or not logged(TRIES_AGAIN))

    must = definition.hands_over
    seconds = definition.wait if must else OWN_AFFAIR
    with suppress(TimeoutError):  # whether it answers is asked next, and that decides
        until(lambda: handed_over() or (must and refused()), seconds=seconds)
    if not must or children(pid) - former:
        return ""
    what = "has refused its new configuration" if refused() else f"has read nothing anew within {seconds} s"
    return f"{what} and goes on with the former"
