"""What is wrong with a service at this moment, in words; sv alone calls a hung or looping service `run`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ctl.machine.ports import answers
from ctl.services.definition import Definition
from ctl.services.processes import Processes
from ctl.services.status import Status

RECENT = 20
"""Seconds for which a process that came in the place of one that had exited by itself is a sign of trouble."""
DELAY = 2.0
"""Seconds between a command and the process that it starts; runsv waits up to one."""
STOPPED = "is stopped"
"""By an administrator: no fault of the service's."""
_TICKS = os.sysconf("SC_CLK_TCK")


def problems(folder: Path, status: Status, definition: Definition, processes: Processes) -> list[str]:
    """What is wrong, each to follow the name of the service; empty where all is well.

    Args:
        folder: its definition, where runsv keeps its notes.
        status: as sv sees it.
        definition: what ctl knows of it.
        processes: of the machine.
    """
    return list(_problems(folder, status, definition, processes))


def _problems(folder: Path, status: Status, definition: Definition, processes: Processes) -> Iterator[str]:
    if status.reason:
        yield status.reason
        return
    if status.log is not None:
        yield from _log_problems(status.log, definition)
    if status.stopped:
        yield STOPPED
    elif status.once:
        yield "runs only once (sv once): nothing starts it again (`ctl start` does)"
    elif status.crashing:
        yield "keeps exiting"
    elif not status.runs:
        yield f"does not run as it should ({status.line})"
    else:
        if suspended := processes.suspended(status.pids):
            named = ", ".join(f"{one.name} {one.pid}" for one in suspended)
            yield f"is suspended (SIGSTOP: {named}; `ctl reconfigure` lets it go on)"
        if exited_lately(folder, status):
            yield f"exited by itself, and was started again {status.seconds} s ago"
        yield from _unhealthy(definition)


def _unhealthy(definition: Definition) -> Iterator[str]:
    """Each declared check once; where one is about the same service through another, the direct one first."""
    if not definition.health:
        silent = [address for address in definition.listen if not answers(address)]
        if silent:
            yield f"does not answer at {', '.join(silent)}"
        return
    direct = [one.problem() for one in definition.health if not one.via]
    yield from filter(None, direct)
    if not any(direct):
        for check in (one for one in definition.health if one.via):
            yield from filter(None, (check.client_problem(),))


def unhealthy(definition: Definition) -> str:
    """What is wrong with a service that is waited for until it is well, and runs; "" where all is."""
    if not definition.health_seconds:
        return ""
    return next(filter(None, (one.problem() for one in definition.health)), "")


def _log_problems(log: Status, definition: Definition) -> Iterator[str]:
    why = unwritable(definition.log / "current", log.pid) if definition.log else ""
    if why:
        yield f"writes no log, and stops answering once the pipe is full: {why}"
    elif not log.runs:
        yield f"writes no log: {log.line}"


def unwritable(path: Path, pid: int | None) -> str:
    """Why svlogd cannot write its log, or "": it goes on trying for ever, and says so only to the supervisor."""
    try:
        owner, writer = path.stat().st_uid, Path(f"/proc/{pid}").stat().st_uid
        room = os.statvfs(path)
    except OSError:  # there is no log yet, or it cannot be looked at
        return ""
    if writer not in (0, owner):
        return f"{path} belongs to {_name(owner)}, and svlogd runs as {_name(writer)} (`ctl reconfigure` repairs it)"
    if room.f_bavail == 0 and room.f_blocks:
        return f"the disk of {path} is full"
    return ""


def exited_lately(folder: Path, status: Status) -> bool:
    """Whether it runs since a short while though nobody started it: it had exited, and runsv started it again.

    runsv counts nothing, but its control pipe has the time of the last command (`started` sets it for those of ctl,
    which may wait for the end of the former process), and there was none before runsv itself began.

    Args:
        folder: its definition.
        status: as sv sees it.
    """
    if status.pid is None or status.seconds >= RECENT:
        return False
    try:
        began = _started(status.pid)
        commanded = max((folder / "supervise/control").stat().st_mtime, _started(_parent(status.pid)))
    except (OSError, ValueError, IndexError):  # it has just ended, or belongs to somebody else
        return False
    return began - commanded > DELAY


def started(folder: Path) -> None:
    """Note that the process of a service is one that ctl has started."""
    with suppress(OSError):
        os.utime(folder / "supervise/control")


def _started(pid: int) -> float:
    """When a process began, as a time of the clock (proc(5))."""
    up = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    return time.time() - up + int(_facts(pid)[19]) / _TICKS


def _parent(pid: int) -> int:
    return int(_facts(pid)[1])


def _facts(pid: int) -> list[str]:
    """Of a process: its state, its parent, … (proc_pid_stat(5), from the third on)."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()


def _name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"
