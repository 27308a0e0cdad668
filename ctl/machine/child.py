"""Runs other programs to their end, within a time, and says in words what became of them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TextIO

from ctl.distribution import distribution
from ctl.errors import CtlError

_AFTER_KILL = 1.0
"""Seconds for the end of what was killed: a process in a storage that hangs may not even end so."""


class ChildFailed(CtlError):
    """A program could not do what it was started for, for a reason of the moment: it may work the next time."""


class ChildHangs(ChildFailed):
    """A program did not come to an end in time."""


def run_child(
    argv: Sequence[str],
    *,
    seconds: float,
    environment: Mapping[str, str] | None = None,
    **more: Any,  # noqa: ANN401 - as subprocess.Popen takes them
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, without a terminal; what it prints and complains of comes as text.

    It writes into memory, not into a pipe: where this process is killed, the program is not cut at its next line.

    Args:
        argv: program and arguments; never a secret among them.
        seconds: after which it is killed, with all that it started.
        environment: all of its environment; the caller's own where none is given.
        more: further arguments of subprocess.Popen, as `user` and `group`.

    Raises:
        ChildHangs: it does not end in time.
        ChildFailed: it cannot be started, or is killed by a signal.
    """
    with _memory() as out, _memory() as err:
        process = _start(argv, environment, {"stdout": out, "stderr": err, **more})
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise ChildHangs(f"{argv[0]} does not end within {seconds:g} s") from error
        finally:
            _end(process)
        if process.returncode < 0:
            raise ChildFailed(f"{argv[0]} was killed ({signal.Signals(-process.returncode).name})")
        return subprocess.CompletedProcess(process.args, process.returncode, _all_of(out), _all_of(err))


def _memory() -> TextIO:
    return open(os.memfd_create("output"), "w+", encoding="utf-8", errors="replace")  # noqa: PTH123


def _all_of(file: TextIO) -> str:
    file.seek(0)
    return file.read()


def _start(
    argv: Sequence[str], environment: Mapping[str, str] | None, more: Mapping[str, Any]
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            env=None if environment is None else dict(environment),
            start_new_session=True,  # so that all of it can be killed
            **more,
        )
    except FileNotFoundError as error:
        raise not_installed(argv[0], (environment or os.environ).get("PATH", "")) from error
    except OSError as error:
        raise ChildFailed(f"{argv[0]} cannot be started: {error.strerror}") from error


def not_installed(program: str, path: str) -> ChildFailed:
    """The error for a program that is not there.

    Args:
        program: its name or whole path.
        path: the PATH in which a name was looked for.
    """
    hint = f"Run: {distribution().install_hint(program.rpartition('/')[2])}"
    if "/" in program:
        return ChildFailed(f"{program} is not installed", hint=hint)
    return ChildFailed(f"{program} is not in {path}", hint=hint)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill it unless it has ended, and all that it started; never wait for long."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_AFTER_KILL)
