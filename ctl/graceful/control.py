"""Requests to a master: start another process, promote or discard it, state."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from ctl.errors import CtlError
from ctl.graceful.instance import Instance, State
from ctl.machine.unix_socket import connect

NAME = "control.sock"
MAX_BYTES = 1 << 16


class Control:
    """The master of one program, as ctl talks to it.

    Args:
        folder: of the master's sockets.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    def answers(self) -> bool:
        """Whether a master runs."""
        try:
            self.ask("state")
        except MasterGone:
            return False
        return True

    def instances(self) -> list[Instance]:
        """Every process, in the order of their start. Raises MasterGone where no master answers."""
        return [Instance.of(one) for one in self.ask("state")["instances"]]

    def generation(self) -> int:
        """How often this master has started from its script: it counts up when it has reread that."""
        return int(self.ask("state")["generation"])

    def current(self) -> Instance | None:
        """The process that serves; None while there is none."""
        return next((one for one in self.instances() if one.state is State.CURRENT), None)

    def start(self, seconds: float) -> Instance:
        """Start another process beside the one that serves; it is ended unless promoted within some seconds."""
        return Instance.of(self.ask("start", seconds=seconds)["instance"])

    def promote(self, number: int) -> None:
        """Let a process serve from now on; the one that did so drains. Raises CtlError where it has ended."""
        self.ask("promote", number=number)

    def discard(self, number: int) -> None:
        """End a process that does not serve."""
        self.ask("discard", number=number)

    def settle(self) -> None:
        """Keep no process any longer for what it has begun: all but the one that serves drain."""
        self.ask("settle")

    def hold(self, socket_path: Path) -> socket.socket:
        """Let every request go to a socket instead of the process that serves, until the connection is closed.

        Args:
            socket_path: beside those of the processes.

        Raises:
            MasterGone: nobody answers.
            CtlError: the master refuses; with its reason.
        """
        try:
            client = connect(self.path, seconds=10.0)
        except OSError as error:
            raise MasterGone(f"no master answers at {self.path}: {error}") from error
        try:
            client.sendall(
                json.dumps({"request": "hold", "socket": str(socket_path)}).encode("ascii") + b"\n"
            )
            answer = json.loads(read_line(client))
            if "error" in answer:
                raise CtlError(str(answer["error"]))
        except BaseException:
            client.close()
            raise
        return client

    def ask(self, request: str, **arguments: float) -> dict[str, Any]:
        """One request and its answer.

        Raises:
            MasterGone: nobody answers.
            CtlError: the master refuses; with its reason.
        """
        try:
            with connect(self.path, seconds=10.0) as client:
                client.sendall(json.dumps({"request": request, **arguments}).encode("ascii") + b"\n")
                answer = json.loads(read_line(client))
        except (OSError, ValueError) as error:
            raise MasterGone(f"no master answers at {self.path}: {error}") from error
        if "error" in answer:
            raise CtlError(str(answer["error"]))
        return dict(answer)


class MasterGone(CtlError):
    """No master answers at its control socket."""


def read_line(connection: socket.socket) -> bytes:
    """One line, or what came of it before the other side closed or sent too much."""
    data = b""
    while not data.endswith(b"\n") and len(data) < MAX_BYTES:
        more = connection.recv(MAX_BYTES)
        if not more:
            break
        data += more
    return data
