"""Starts registry programs as the registry's user, in a clean environment; none outlives ctl."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ctl.converge.inspect import STAND_IN_ID, user_ids
from ctl.errors import PreflightError
from ctl.machine.search import SYSTEM_PATH

_PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that the kernel sends to a process when its parent ends."""


@dataclass(frozen=True)
class Account:
    """Whose rights a program gets.

    Args:
        uid, gid: as numbers; it gets no further groups.
    """

    uid: int
    gid: int


def account_of(user: str | None) -> Account | None:
    """The account of a user name.

    Returns:
        None where programs run as the caller: no name given, or the caller is not root. A replacement where
        the account does not exist yet.
    """
    if user is None or os.geteuid() != 0:
        return None
    return Account(*(user_ids(user) or (STAND_IN_ID, STAND_IN_ID)))


def clean_environment(own: Mapping[str, str]) -> dict[str, str]:
    """A registry's environment: its own variables, a PATH, and nothing of the caller's.

    AWS_CA_BUNDLE or REGISTRY_* of whoever calls would change what the program does. Distribution 3 sends traces
    to this machine's port 4318 unless configured otherwise, and complains of each that is not taken.
    """
    return {"PATH": SYSTEM_PATH, "OTEL_TRACES_EXPORTER": "none", **own}


def start(
    command: Sequence[str | Path],
    *,
    account: Account | None,
    environment: Mapping[str, str],
    cwd: Path,
    keep_open: Sequence[int] = (),
    output: IO[bytes] | int = subprocess.PIPE,
) -> subprocess.Popen[str]:
    """Start a program in a session of its own. It dies with ctl, even if ctl is killed.

    Args:
        command: the program and its arguments.
        account: whose rights it gets, or None for the caller's own.
        environment: all of its environment.
        cwd: where it runs.
        keep_open: file descriptors that it inherits.
        output: where its standard output and error go together: a pipe (`stdout`, as text) or a file.

    Raises:
        PreflightError: it cannot be started.
    """
    identity: dict[str, object] = {}
    if account is not None:
        identity = {"user": account.uid, "group": account.gid, "extra_groups": []}
    try:
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=cwd,
            env=dict(environment),
            umask=0o027,
            pass_fds=tuple(keep_open),
            start_new_session=True,
            preexec_fn=_die_with_parent(),
            **identity,
        )
    except (OSError, subprocess.SubprocessError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise PreflightError(f"{command[0]} cannot be started: {reason}") from error


def _die_with_parent() -> Callable[[], None]:
    """What the child does before the program begins; everything it needs is looked up in advance.

    It comes after the change of user, which would forget the signal (prctl(2)).
    """
    import ctypes  # only where a program is started

    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return ask


def end(process: subprocess.Popen[str]) -> None:
    """Kill a program and what it started, and wait until it is gone. Nothing to do where it has ended.

    Collectors and private instances lose nothing: each deletion is one request or one removal.
    """
    # the group is gone once its last process is
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
