"""A server of the tests on loopback ports of its own, as a context."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import IO, Self

from tests.harness.ports import Ports
from tests.harness.waiting import listening, wait_for


def start(
    command: Sequence[str], log: IO[bytes], environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a program with a clean environment.

    Args:
        command: the program and its arguments.
        log: takes all that it prints.
        environment: more of its environment than PATH.
    """
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **(environment or {})},
        cwd="/",
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """End a program: by TERM, and by KILL where that is not enough."""
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=10)


class Server:
    """A program that listens on 127.0.0.1 until the context ends, and keeps everything in memory.

    Args:
        command: the program and its arguments; "{port}" in them is its port.
        environment: more of its environment.

    Attributes:
        port: on which it listens.
        ports: further ports are taken here.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.ports = Ports()
        self.port = self.ports.take()
        self._command = [part.replace("{port}", str(self.port)) for part in command]
        self._environment = dict(environment or {})
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed on leaving
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def log(self) -> str:
        """All that it printed."""
        self._log.seek(0)
        return self._log.read().decode("utf-8", "replace")

    def __enter__(self) -> Self:
        self._process = start(self._command, self._log, self._environment)
        wait_for(self._up, seconds=60, what=f"{self._command[0]} listens")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            end(self._process)
        self._log.close()
        self.ports.release()

    def _up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"{self._command} ended: {self.log()}"
        return listening(self.port)
