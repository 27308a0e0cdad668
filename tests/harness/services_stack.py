"""A private root with small services of known behaviour under a real supervisor."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ctl.paths import Layout
from ctl.services.definition import Definition
from ctl.services.runit import Runit
from tests.harness.people import Person, myself, ordinary
from tests.harness.ports import Ports
from tests.harness.processes import Process, below

LISTENER = """
import signal, socket, sys, time
port, delay, drain = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
def end(*_):
    listener.close()
    time.sleep(drain)
    print("drained", flush=True)
    sys.exit(0)
time.sleep(delay)
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", port))
listener.listen(64)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGHUP, lambda *_: print("read anew", flush=True))
print("listening", flush=True)
while True:
    try:
        listener.accept()[0].close()
    except OSError:
        time.sleep(0.01)
"""
SLEEPER = "exec chpst -P sleep 1000"
CRASHER = 'echo "cannot open the thing"; exit 1'
STUBBORN = "trap '' TERM; echo ready; while :; do sleep 0.2; done"
PROGRAMS_PATH = "/usr/local/bin:/usr/bin:/bin"


class Stack:
    """A private root for services.

    Args:
        person: who owns it and runs `ctl` there.

    Attributes:
        layout, runit: the root, and its services as seen by the process of the tests.
        notes: what runit reported.
    """

    def __init__(self, person: Person) -> None:
        self.person = person
        self.folder = Path(tempfile.mkdtemp(prefix="ctl-services-"))
        self.folder.chmod(0o755)
        self.layout = Layout(self.folder / "root")
        self.notes: list[str] = []
        self.runit = Runit(self.layout, note=self.notes.append)
        self._ports = Ports()
        self._make(self.layout.service)
        self._make(self.layout.sv)

    def define(
        self,
        name: str,
        script: str,
        *,
        listen: Sequence[str] = (),
        wait: int = 8,
        log: bool = True,
        enabled: bool = True,
    ) -> Path:
        """Write a service definition, and link it among the enabled ones.

        Args:
            script: shell commands of its run script.
            listen, wait: for ctl.json.
            log: whether it has a log service.
        """
        logs = self.layout.logs / name if log else None
        folder = self.layout.sv / name
        self.write(
            folder / "run", f"#!/bin/sh\nexec 2>&1\nexport CTL_SERVICE={folder}\n{script}\n", mode=0o755
        )
        self.write(folder / "ctl.json", Definition(tuple(listen), wait, logs).content())
        if logs:
            self.write(logs / "config", "s1000000\nn10\n!gzip\n")
            self.write(
                folder / "log/run",
                f"#!/bin/sh\nexport CTL_SERVICE={folder}/log\nexec svlogd -tt {logs}\n",
                mode=0o755,
            )
        if enabled:
            link = self.layout.service / name
            link.symlink_to(f"../sv/{name}")
            os.chown(link, self.person.uid, self.person.gid, follow_symlinks=False)
        return folder

    def listener(
        self, name: str, *, delay: float = 0, drain: float = 0, wait: int = 8, enabled: bool = True
    ) -> int:
        """Define a service that listens at a port of its own.

        Args:
            delay: seconds from its start until it listens.
            drain: seconds from TERM until it ends; its port is closed at once.

        Returns:
            The port.
        """
        port = self._ports.take()
        program = self.write(self.folder / "listener.py", LISTENER)
        python = self.person.python if self.person.switch else sys.executable
        script = f"exec chpst -P {python} -I -S {program} {port} {delay} {drain}"
        self.define(name, script, listen=[f"127.0.0.1:{port}"], wait=wait, enabled=enabled)
        return port

    def port(self) -> int:
        """A free port."""
        return self._ports.take()

    def write(self, path: Path, text: str, *, mode: int = 0o644) -> Path:
        """Write a file as the person would."""
        self._make(path.parent)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        path.chmod(mode)
        os.chown(path, self.person.uid, self.person.gid)
        return path

    def command(self, *arguments: str) -> list[str]:
        """The command line of `ctl --root ROOT …`."""
        return self.person.command(["--root", str(self.layout.root), *arguments])

    def environment(self) -> dict[str, str]:
        """What the command line needs."""
        return {"PATH": PROGRAMS_PATH, "PYTHONPATH": self.person.pythonpath, "PYTHONDONTWRITEBYTECODE": "1"}

    def ctl(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run `ctl --root ROOT …` with these additions to the environment, and capture what it says."""
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            cwd="/",
            env=self.environment() | more,
        )

    def log(self, name: str) -> str:
        """The current log of a service."""
        path = self.layout.logs / name / "current"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def pid(self, name: str) -> int:
        """The process of a running service."""
        pid = self.runit.status(name).pid
        assert pid is not None, self.runit.status(name).line
        return pid

    def processes(self, program: str = "") -> list[Process]:
        """The processes of this root, all or those of a program."""
        return [one for one in below(self.layout.root) if program in ("", one.program)]

    def end(self) -> None:
        """End every process of the root and remove it."""
        for programs in (["runsvdir"], ["runsv"], []):
            self._kill(programs)
        self._ports.release()
        shutil.rmtree(self.folder)

    def _kill(self, programs: Sequence[str]) -> None:
        """Kill the processes of some programs, or all; those above first, so that nothing is started again."""
        end = time.monotonic() + 10
        while found := [one for one in below(self.folder) if one.program in programs or not programs]:
            assert time.monotonic() < end, f"{found} do not end"
            for one in found:
                # it may have ended by itself
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one.pid, signal.SIGKILL)
            time.sleep(0.005)

    def _make(self, folder: Path) -> None:
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for one in missing:
            os.chown(one, self.person.uid, self.person.gid)


@pytest.fixture(name="stack")
def provide_stack() -> Iterator[Stack]:
    """An empty root of the user who runs the tests."""
    stack = Stack(myself())
    yield stack
    stack.end()


@pytest.fixture(name="ordinary_user", scope="session")
def provide_ordinary_user() -> Iterator[Person]:
    """A user without rights of root."""
    with ordinary() as person:
        if person is None:
            pytest.skip("no Python of this version that an ordinary user can run")
        yield person


@pytest.fixture(name="any_stack", params=["myself", "ordinary"])
def provide_any_stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """An empty root of the user who runs the tests, and one of an ordinary user."""
    person = myself() if request.param == "myself" else request.getfixturevalue("ordinary_user")
    stack = Stack(person)
    yield stack
    stack.end()
