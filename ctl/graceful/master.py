"""The process that runit supervises: starts the program, switches between its processes, ends them."""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctl.graceful.control import NAME, read_line
from ctl.graceful.deletions import SECONDS_TO_ACCEPT, Deletions
from ctl.graceful.instance import LASTING, NEXT, Instance, State, await_quiet, outcome
from ctl.graceful.relay import Relay, free_port, host_of
from ctl.machine.signals import select_signals
from ctl.machine.unix_socket import nearest_path, short_path
from ctl.paths import Layout

KEPT = "CTL_GRACEFUL"
"""Environment variable in which the master finds its processes again after it has replaced itself."""
_OWN = (KEPT, "PYTHONPATH")
"""Variables of the master that its processes do not get."""
LINK = "current.sock"
SOCKETS = "sockets"
ENDS_WITH_US = ("setpriv", "--pdeathsig", "TERM")
"""No process outlives its master. A change of account undoes this: a script that makes one must say it again."""
_TICK = 0.1
"""Seconds between two looks at processes that come or go; none while there is just the one that serves."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


@dataclass(frozen=True)
class Options:
    """What the run script says.

    Args:
        command: the script that becomes the program; it finds CTL_SOCKET and CTL_DEBUG in its environment.
        directory: in which it binds its socket: a long path is given relative to it.
        folder: of the link and the sockets.
        group: whose members may connect, by number; None for the sockets' own rights.
        drain: seconds after which a process that was replaced must end, whatever it still does.
        wait: seconds that a process may take to end after TERM; KILL follows.
        debug: the address of the debug server, or None.
        key: which requests a process alone can answer that it has begun (uploads, by the secret that signs their
            state), as a name; "" for none. The link `key-KEY.sock` leads to the last process with that key.
        keep: seconds for which a process goes on to accept them when one with another key has replaced it.
        pause: seconds at most for which requests to a new process wait until the former one has no more: each remembers
            in its memory what is there, and what the former one is just deleting the new one must not have looked at.
        deletions: NGINX's log of them, or None. Where a former process has deleted something after a switch, a fresh
            process takes over from the one that may remember it.
        root: of the installation.
    """

    command: Path
    directory: Path
    folder: Path
    group: int | None
    drain: float
    wait: float
    debug: str | None
    key: str = ""
    keep: float = 3600.0
    pause: float = 0.0
    deletions: Path | None = None
    root: Path = Path("/")


class Master:
    """Keeps one process of the program serving.

    Args:
        options: see there.
        run: the script with which the master replaces itself at HUP.
    """

    def __init__(self, options: Options, run: Path) -> None:
        self.options = options
        self.run_script = run
        self.instances: list[Instance] = []
        self.generation = 1
        self.counter = 0
        self.ending = False
        self.held = ""
        self.deletions = Deletions(options.deletions, Layout(options.root))
        self.exit_code = 0
        self.selector = selectors.DefaultSelector()

    def run(self) -> int:
        """Serve until TERM, or until the process that serves ends. Returns the exit code."""
        select_signals(self.selector, _SIGNALS, self._signals)
        self._take_up()
        self._listen()
        if not self.instances:
            self._sweep()
            self._spawn(State.FIRST, 0.0)
        while self.instances:
            for key, _ in self.selector.select(self._timeout()):
                key.data()
            self._tick()
        return self.exit_code

    # --- what wakes it

    def _signals(self, numbers: set[int]) -> None:
        for number in numbers:
            if number == signal.SIGHUP and not self.ending:
                self._replace()
            elif number in (signal.SIGTERM, signal.SIGINT):
                self._end(0)
        self._reap()

    def _listen(self) -> None:
        path = self.options.folder / NAME
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o077)  # the control socket is its owner's alone
        try:
            with short_path(path) as short:
                listener.bind(short)
        finally:
            os.umask(before)
        listener.listen()
        self.selector.register(listener, selectors.EVENT_READ, lambda: self._request(listener))
        if self.options.debug:
            relay = Relay(self.options.debug, self._debug_port)
            self.selector.register(relay.listener, selectors.EVENT_READ, relay.accept)

    def _debug_port(self) -> int | None:
        return next((one.debug for one in self.instances if one.state is State.CURRENT), None)

    def _timeout(self) -> float | None:
        if self.deletions.watched() or any(one.state not in LASTING for one in self.instances):
            return _TICK
        ends = [one.deadline for one in self.instances if one.state is State.KEPT]
        return max(_TICK, min(ends) - time.monotonic()) if ends else None

    # --- requests

    def _request(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.settimeout(2.0)
        answer: dict[str, Any] = {}
        with suppress(OSError):  # who asks has gone: there is nobody to answer
            answer = self._answer(read_line(connection))
            connection.sendall(json.dumps(answer).encode("ascii") + b"\n")
        if answer.get("held"):
            self.selector.register(connection, selectors.EVENT_READ, lambda: self._release(connection))
        else:
            connection.close()

    def _answer(self, line: bytes) -> dict[str, Any]:
        answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "state": lambda _: self._state(),
            "start": self._start,
            "promote": self._promote,
            "discard": self._discard,
            "settle": self._settle,
            "hold": self._hold,
        }
        try:
            request = json.loads(line)
            return answers[request["request"]](request)
        except (ValueError, KeyError, TypeError, OSError) as error:
            return {"error": f"{type(error).__name__}: {error}"}

    def _state(self) -> dict[str, Any]:
        return {"generation": self.generation, "instances": [one.facts() for one in self.instances]}

    def _start(self, request: dict[str, Any]) -> dict[str, Any]:
        self.instances = [one for one in self.instances if one.state is not State.ENDED]
        for one in self.instances:
            if one.state in NEXT:  # whoever asked for it was killed: runs of ctl come one by one
                self._terminate(one)
        return {"instance": self._spawn(State.CANDIDATE, float(request["seconds"])).facts()}

    def _promote(self, request: dict[str, Any]) -> dict[str, Any]:
        chosen = self._find(request, State.CANDIDATE)
        self._serve(chosen)
        return {}

    def _discard(self, request: dict[str, Any]) -> dict[str, Any]:
        chosen = self._find(request, State.CANDIDATE, State.ENDED)
        if chosen.state is State.ENDED:
            self.instances.remove(chosen)
        else:
            self._terminate(chosen)
        return {}

    def _settle(self, _: dict[str, Any]) -> dict[str, Any]:
        """Processes that were kept for what they have begun are kept no longer."""
        for one in self.instances:
            if one.state is State.KEPT:
                self._drain(one)
        return {}

    def _hold(self, request: dict[str, Any]) -> dict[str, Any]:
        """Let every request go to another socket beside those of the processes, as long as this connection lasts."""
        if self.held or any(one.state is State.KEPT for one in self.instances):
            raise ValueError(
                "requests are held already, or a process is kept for uploads with a former secret"
            )
        self.held = Path(str(request["socket"])).name
        self._point_to_current()
        return {"held": True}

    def _release(self, connection: socket.socket) -> None:
        """Whoever held requests is done, or dead."""
        self.selector.unregister(connection)
        connection.close()
        self.held = ""
        self._point_to_current()

    def _point_to_current(self) -> None:
        for one in self.instances:
            if one.state is State.CURRENT:
                self._point_links(one)

    def _find(self, request: dict[str, Any], *states: State) -> Instance:
        found = next((one for one in self.instances if one.number == request["number"]), None)
        if found is None or found.state not in states:
            raise ValueError(f"process {request['number']} is {found.state if found else 'gone'}")
        return found

    # --- processes

    def _spawn(self, state: State, seconds: float) -> Instance:
        self.counter += 1
        path = self.options.folder / SOCKETS / f"{self.counter}-{os.urandom(4).hex()}.sock"
        debug = free_port(host_of(self.options.debug)) if self.options.debug else None
        environment = {name: value for name, value in os.environ.items() if name not in _OWN}
        environment["CTL_SOCKET"] = nearest_path(path, self.options.directory)
        environment["CTL_DEBUG"] = self._debug_address(debug)
        command = [*ENDS_WITH_US, str(self.options.command)]
        pid = os.posix_spawnp(command[0], command, environment, setsigdef=_SIGNALS)
        instance = Instance(self.counter, pid, str(path), debug, key=self.options.key)
        instance.to(state, seconds)
        self.instances.append(instance)
        return instance

    def _debug_address(self, port: int | None) -> str:
        if port is None:
            return ""
        host = host_of(str(self.options.debug))
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def _serve(self, chosen: Instance) -> None:
        """Switch the link in one step; whoever served drains."""
        if self.options.group is not None:
            chosen.open_to(self.options.group)
        former = [one for one in self.instances if one.state is State.CURRENT]
        with chosen.stopped() if former and self.options.pause else nullcontext():
            self._point_links(chosen)
            await_quiet(former, self.options.pause)
            self.deletions.begin()
        for one in self.instances:
            if one.state is State.CURRENT and one.key not in ("", chosen.key):
                one.to(State.KEPT, self.options.keep)
            elif one.state is State.CURRENT or (one.state is State.KEPT and one.key == chosen.key):
                self._drain(one)
        chosen.to(State.CURRENT)

    def _refresh(self) -> None:
        """Let a fresh process take over; one that ctl has just started does that, too."""
        if not (self.held or self.ending or any(one.state in NEXT for one in self.instances)):
            try:
                self._spawn(State.FRESH, SECONDS_TO_ACCEPT)
                _log("a former process has deleted what the one that serves may remember: another takes over")
            except OSError as error:
                self._not_refreshed(f"no process can be started: {error.strerror}")

    def _not_refreshed(self, why: str) -> None:
        self.deletions.stale = False
        _log(f"{why}; the process that serves may remember what was deleted, until it is restarted")

    def _key_link(self, one: Instance) -> Path:
        return self.options.folder / f"key-{one.key}.sock"

    def _point_links(self, one: Instance) -> None:
        if one.key:
            self._point(self._key_link(one), one)
        self._point(self.options.folder / LINK, one)

    def _point(self, link: Path, one: Instance) -> None:
        temporary = link.with_name(f".{link.name}")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(Path(SOCKETS) / (self.held or Path(one.socket).name))
        temporary.rename(link)

    def _drain(self, one: Instance) -> None:
        one.to(State.DRAINING, self.options.drain)

    def _terminate(self, one: Instance) -> None:
        one.send(signal.SIGTERM)
        one.to(State.ENDING, self.options.wait)

    def _tick(self) -> None:
        if self.deletions.look(self.instances):
            self._refresh()
        for one in self.instances:
            if (one.state is State.FIRST or (one.state is State.FRESH and not self.held)) and one.accepts():
                self._serve(one)
            elif one.state in NEXT and one.late():
                _log(f"process {one.pid} was not promoted in time: sent TERM")
                self._terminate(one)
            elif one.state is State.KEPT and one.late():
                self._drain(one)
            elif one.state is State.DRAINING and (one.drained() or one.late()):
                if one.late():
                    _log(
                        f"process {one.pid} still has connections after {self.options.drain:.0f} s: sent TERM"
                    )
                self._terminate(one)
            elif one.state is State.ENDING and one.late():
                _log(f"process {one.pid} does not end {self.options.wait:.0f} s after TERM: sent KILL")
                one.send(signal.SIGKILL)
                one.to(State.ENDING, self.options.wait)
        self._reap()

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for one in [one for one in self.instances if one.pid == pid]:
                self._ended(one, status)

    def _ended(self, one: Instance, status: int) -> None:
        for path in Path(one.socket).parent.glob(f"{Path(one.socket).name}*"):
            path.unlink(missing_ok=True)
        if one.key and self._key_link(one).is_symlink() and not self._key_link(one).exists():
            self._key_link(one).unlink()
        former, one.status = one.state, status
        one.to(State.ENDED)
        if former is not State.CANDIDATE or self.ending:  # ctl asks how a candidate ended
            self.instances.remove(one)
        if former is State.FRESH:
            self._not_refreshed(f"process {one.pid} ended ({outcome(status)})")
        if former in (State.FIRST, State.CURRENT) and not self.ending:
            _log(f"process {one.pid} ended by itself ({outcome(status)})")
            code = os.waitstatus_to_exitcode(status)
            self._end(code if 0 < code < 256 else 1)

    def _end(self, code: int) -> None:
        """End every process, then this one."""
        if self.ending:
            return
        self.ending, self.exit_code = True, code
        self.instances = [one for one in self.instances if one.state is not State.ENDED]
        for one in self.instances:
            self._terminate(one)

    # --- replacing itself

    def _replace(self) -> None:
        """Begin anew from the run script, with the processes that there are: the pid stays, so they stay children."""
        kept = {**self._state(), "counter": self.counter, "generation": self.generation + 1}
        kept["deletions"] = self.deletions.facts()
        os.environ[KEPT] = json.dumps(kept)
        signal.set_wakeup_fd(-1)
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # until the new code listens to them
        try:
            os.execv(self.run_script, [str(self.run_script)])  # noqa: S606 - the script that runit runs, too
        except OSError as error:
            _log(f"{self.run_script} cannot be run: {error.strerror}; going on as before")
            del os.environ[KEPT]
            select_signals(self.selector, _SIGNALS, self._signals)

    def _take_up(self) -> None:
        kept = os.environ.pop(KEPT, None)
        if kept is None:
            return
        state = json.loads(kept)
        self.instances = [Instance.of(one) for one in state["instances"]]
        self.counter, self.generation = state["counter"], state["generation"]
        self.deletions.take_up(state.get("deletions"))
        self._point_to_current()  # what was held before is so no longer

    def _sweep(self) -> None:
        """Remove sockets of an earlier master whose processes are gone."""
        for path in (self.options.folder / SOCKETS).glob("*.sock*"):
            if not Instance(0, 0, str(path)).accepts():
                path.unlink(missing_ok=True)
        for path in self.options.folder.glob("key-*.sock"):
            if not path.exists():
                path.unlink()


def _log(text: str) -> None:
    sys.stdout.write(f"ctl: {text}\n")
    sys.stdout.flush()
