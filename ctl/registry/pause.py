"""Sets the supervised registry aside for a garbage collection, so that it comes back by itself."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ctl.errors import USE_SUDO, PreflightError, RunFailed
from ctl.graceful.control import Control, MasterGone
from ctl.graceful.instance import State
from ctl.graceful.switch import Gate as GateOfMaster
from ctl.machine.ports import answers
from ctl.paths import Layout
from ctl.registry.gate import gate_file
from ctl.services.definition import read_definition
from ctl.services.ending import promised
from ctl.services.runit import Runit
from ctl.services.status import Status
from ctl.services.sv import sv, sv_status

NAME = "registry"
_POLL = 0.02
_DRAIN_SECONDS = 1_000.0
"""Within which a master has ended a process that it replaced: its own limit is a quarter of an hour."""
_DOWN_SECONDS = 3.0
"""Within which runsv notes that a process has ended; it takes milliseconds."""


class RegistryService:
    """The registry under runit.

    Args:
        layout: the root.
        address: where it listens by its configuration, or None.
        drain: seconds for which it may finish requests after TERM.

    Attributes:
        comes_back: whether it was set aside, and runs again once the gate opens.
    """

    def __init__(self, layout: Layout, *, address: str | None, drain: float) -> None:
        self._layout = layout
        self._address = address
        self._drain = drain
        self._once = False
        self.comes_back = False

    @property
    def known(self) -> bool:
        """Whether ctl has a service for it at all."""
        return (self._layout.service / NAME).exists()

    @property
    def supervised(self) -> bool:
        """Whether it runs under runit, or would within a second."""
        return self.known and _comes_back(self._status())

    def started_after(self, path: Path) -> bool:
        """Whether the process that runs has read a file as it is now."""
        import psutil

        pid = self._serving_pid() if self.known else None
        try:
            return pid is not None and psutil.Process(pid).create_time() > path.stat().st_mtime
        except (psutil.NoSuchProcess, FileNotFoundError):
            return False

    def _serving_pid(self) -> int | None:
        """The process of the registry itself, not of the master that starts it."""
        folder = read_definition(self._layout, NAME).graceful
        if folder is None:
            return self._status().pid
        try:
            current = Control(folder).current()
        except MasterGone:
            return None
        return current.pid if current else None

    @property
    def sockets(self) -> Path | None:
        """The folder of its master's sockets; None where it has no master."""
        return read_definition(self._layout, NAME).graceful

    def start_anew(self, *, on_full_disk: bool = False) -> bool:
        """Let a new process serve, and return when the former one has ended with its last request.

        Args:
            on_full_disk: the new one need not be able to write; it must listen.

        Returns:
            False where that cannot be done without a gap.

        Raises:
            CtlError: the new one is not healthy; the former one serves as before.
        """
        folder = read_definition(self._layout, NAME).graceful
        if folder is None:
            return False
        lenient: dict[str, GateOfMaster] = {NAME: lambda _: None}
        Runit(self._layout, gates=lenient if on_full_disk else None).restart(NAME)
        self.await_former()
        return True

    def await_former(self) -> None:
        """Return when no former process is left that still has requests."""
        folder = read_definition(self._layout, NAME).graceful
        if folder is None:
            return
        former, control = (State.KEPT, State.DRAINING, State.ENDING), Control(folder)
        with suppress(MasterGone):
            control.settle()
            _until(lambda: all(one.state not in former for one in control.instances()), _DRAIN_SECONDS)

    def set_aside(self) -> None:
        """End the registry; its run script, which runsv starts again at once, waits at the gate.

        The caller holds the gate. A service that is down, or none at all, is left as it is.

        Raises:
            PreflightError: it cannot be ended, does not know the gate, or another one answers in its place.
            RunFailed: it does not end in time; it goes on, or comes back by itself.
        """
        status = self._status()
        if _comes_back(status):
            gate = gate_file(self._layout)
            self.refuse_without(
                gate, "does not wait for garbage collections, which delete what is pushed meanwhile"
            )
            self.comes_back = True
        if status.pid is not None and status.state == "run":
            self._end(status)
        self._refuse_other()

    def await_return(self) -> bool:
        """Return when the registry answers again, if it was set aside. The gate must be open.

        Returns:
            Whether it serves; one that somebody has stopped meanwhile is not waited for.

        Raises:
            RunFailed: it does not within its time.
        """
        if not self.comes_back:
            return False
        definition = read_definition(self._layout, NAME)
        addresses = definition.listen or ((self._address,) if self._address else ())
        if not _until(lambda: self._serves(addresses) or self._stopped(), definition.wait):
            raise RunFailed(
                f"the registry does not answer {definition.wait} s after the garbage collection",
                hint="`ctl tail registry` shows its log.",
            )
        return not self._stopped()

    @property
    def graceful(self) -> bool:
        """Whether NGINX answers at its address, and the registry at a socket."""
        return read_definition(self._layout, NAME).graceful is not None

    def _stopped(self) -> bool:
        status = self._status()
        # runsv waits a second before it starts a service again; one that runs once is "down" so long
        return status.state == "down" and status.stopped and not self._once

    def _serves(self, addresses: tuple[str, ...]) -> bool:
        return all(answers(address) for address in addresses) and self._status().state == "run"

    def _status(self) -> Status:
        status = sv_status(self._layout.service, [NAME])[0]
        if status.denied:
            raise PreflightError("the registry's service may not be controlled by this user", hint=USE_SUDO)
        return status

    def _end(self, status: Status) -> None:
        """Send TERM and wait until the process is gone, with all its requests."""
        assert status.pid is not None  # noqa: S101 - the caller has looked
        wait = max(self._drain + read_definition(self._layout, NAME).wait, promised(status.pid))
        try:
            process = os.pidfd_open(status.pid)
        except ProcessLookupError:  # it ended by itself
            return
        try:
            if not status.got:
                sv(self._layout.service, "term", [NAME])
            if not select.select([process], [], [], wait)[0]:
                raise RunFailed(f"the registry did not end within {wait:.0f} s of TERM; nothing was deleted")
        finally:
            os.close(process)
        if status.once:
            self._await_down()
            self._once = True
            sv(self._layout.service, "once", [NAME])

    def _await_down(self) -> None:
        _until(lambda: self._status().state == "down", _DOWN_SECONDS)

    def refuse_without(self, lock: Path, otherwise: str) -> None:
        """Refuse a run script of an earlier version.

        Args:
            lock: a file that it must look at.
            otherwise: what it does not do without.

        Raises:
            PreflightError: it cannot be read, or does not name the file.
        """
        script = self._layout.sv / NAME / ("serve" if self.graceful else "run")
        try:
            text = script.read_text(encoding="utf-8")
        except OSError as error:
            raise PreflightError(f"{script} cannot be read: {error.strerror}") from error
        if str(lock) not in text:
            raise PreflightError(f"{script} {otherwise}", hint="`ctl reconfigure` writes it anew.")

    def _refuse_other(self) -> None:
        if self._address is not None and not self.graceful and answers(self._address):
            raise PreflightError(
                f"{self._address} still answers: a registry that ctl does not run uses this configuration; "
                "what is pushed to it meanwhile would be deleted",
                hint="Stop that registry first.",
            )


def _comes_back(status: Status) -> bool:
    """Whether it runs, or would again within a second, once the gate is open."""
    if status.once or status.crashing:
        return True
    return status.state in ("run", "finish") and status.want not in ("down", "exit")


def _until(look: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not look():
        if time.monotonic() > end:
            return False
        time.sleep(_POLL)
    return True
