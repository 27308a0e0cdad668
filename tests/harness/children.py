"""Faults of one program that a process of Python starts: it cannot be started, is killed, fails, or never ends.

`python -m tests.harness.children LOG CHOSEN MODULE …` runs a module. LOG gets a line for each program that is started;
CHOSEN, as "nginx 2: killed", is broken. Everything else is real.
"""

from __future__ import annotations

import errno
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from tests.harness.faults import Outcome, run_apart

NOT_FOUND, NO_PROCESS, KILLED, REFUSES = "not found", "no process", "killed", "fails"
HALF, DONE, HANGS = "killed half way", "fails when done", "hangs"
"""HALF may be followed by a system call and its number, as "rename 2"."""
BESIDE, AFTER = "ctl killed beside it", "ctl killed after it"
"""BESIDE may be followed by a system call and its number: there the program takes longer than ctl's next start."""
CHILD_FAULTS = (NOT_FOUND, NO_PROCESS, KILLED, REFUSES, HALF, DONE, HANGS, BESIDE, AFTER)
_SLOW = 3_000_000
"""Microseconds."""
_SOON = 1.0
"""Seconds of patience with what hangs, in place of those of the program."""


@dataclass(frozen=True)
class Child:
    """One program that a process starts.

    Args:
        name: of the program.
        number: the how manieth of this name it is.
        text: its arguments.
    """

    name: str
    number: int
    text: str
    writes = True

    @property
    def faults(self) -> Sequence[str]:
        """What can happen to it; what goes on after its start can be broken by its start alone."""
        return CHILD_FAULTS if self.name != "runsvdir" else (NOT_FOUND, NO_PROCESS, KILLED, BESIDE)

    def __str__(self) -> str:
        return f"{self.name} {self.number}: {self.text}"


def under(module: str, arguments: Sequence[str], *, log: Path, chosen: str = "") -> list[str]:
    """The command that runs a module so."""
    return [sys.executable, "-m", __spec__.name, str(log), chosen, module, *arguments]


def started(module: str, arguments: Sequence[str], *, environment: Mapping[str, str]) -> list[Child]:
    """Run a module to its end and list the programs that it starts.

    Raises:
        AssertionError: it fails.
    """
    done, children = _run(module, arguments, "", environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return children


def run_broken(
    fault: str, child: Child, module: str, arguments: Sequence[str], *, environment: Mapping[str, str]
) -> Outcome:
    """Run a module with a fault at one of the programs that it starts."""
    done, children = _run(module, arguments, f"{child.name} {child.number}: {fault}", environment)
    met = [one for one in children if (one.name, one.number) == (child.name, child.number)]
    return Outcome(done.returncode, done.stdout, done.stderr, str(met[0]) if met else "")


def _run(
    module: str, arguments: Sequence[str], chosen: str, environment: Mapping[str, str]
) -> tuple[subprocess.CompletedProcess[str], list[Child]]:
    with tempfile.TemporaryDirectory(prefix="ctl-children-") as folder:
        log = Path(folder, "log")
        log.touch()
        done = run_apart(under(module, arguments, log=log, chosen=chosen), environment)
        return done, [Child(**json.loads(line)) for line in log.read_text().splitlines()]


class _Breaking(subprocess.Popen):  # type: ignore[type-arg]
    """Starts programs as ever, but for the chosen one."""

    log: Path
    chosen: str
    _counted: ClassVar[Counter[str]] = Counter()
    fault = ""

    def __init__(self, args: Sequence[str], *more: Any, **options: Any) -> None:  # noqa: ANN401 - as they come
        words = [os.fspath(word) for word in args]
        name = os.path.basename(words[0])  # noqa: PTH119 - a word, maybe no path
        _Breaking._counted[name] += 1
        child = {"name": name, "number": self._counted[name], "text": " ".join(words[1:])[:150]}
        with self.log.open("a") as file:
            file.write(json.dumps(child) + "\n")
        chosen, _, fault = self.chosen.rpartition(": ")
        self.fault = fault if chosen == f"{name} {self._counted[name]}" else ""
        if self.fault == NO_PROCESS:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        super().__init__(_instead(self.fault, words), *more, **options)
        if self.fault.startswith(BESIDE):
            os.kill(os.getpid(), signal.SIGKILL)

    def communicate(self, *arguments: Any, timeout: float | None = None) -> Any:  # noqa: ANN401 - as they come
        """As ever, with little patience for what hangs."""
        seconds = _SOON if self.fault == HANGS else timeout
        found = super().communicate(*arguments, timeout=seconds)  # type: ignore[misc]
        if self.fault == AFTER:
            os.kill(os.getpid(), signal.SIGKILL)
        return found


def _instead(fault: str, words: list[str]) -> list[str]:
    if fault == NOT_FOUND:
        return ["/nonexistent/" + words[0].rpartition("/")[2], *words[1:]]
    if fault == KILLED:
        return ["/bin/sh", "-c", "kill -9 $$"]
    if fault == REFUSES:
        return ["/bin/sh", "-c", "exit 1"]
    if fault == DONE:
        return ["/bin/sh", "-c", '"$0" "$@"; exit 1', *words]
    if fault == HANGS:
        return ["/bin/sleep", "1000"]
    if fault.startswith(HALF):
        return _at(fault.removeprefix(HALF) or " openat 3", "signal=KILL", words)
    if fault.startswith(f"{BESIDE} "):
        return _at(fault.removeprefix(BESIDE), f"delay_enter={_SLOW}", words)
    return words


def _at(call: str, effect: str, words: list[str]) -> list[str]:
    """A command of which one system call, as "rename 2", has an effect of strace's."""
    name, number = call.split()
    inject = f"inject={name}:{effect}:when={number}"
    return ["strace", "-f", "-o", "/dev/null", "-e", f"trace={name}", "-e", inject, *words]


def main() -> None:
    """The command."""
    log, _Breaking.chosen, module, *rest = sys.argv[1:]
    _Breaking.log = Path(log)
    subprocess.Popen = _Breaking  # type: ignore[misc,assignment]
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
