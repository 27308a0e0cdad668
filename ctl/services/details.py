"""What a running service uses: memory, processor, files, addresses; for `status --json`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import psutil

from ctl.machine.ports import answers
from ctl.services.definition import Definition
from ctl.services.status import Status
from ctl.services.switched import processes

T = TypeVar("T")


def describe(status: Status, definition: Definition, problems: Sequence[str]) -> dict[str, object]:
    """A service as plain JSON values.

    Args:
        status: as sv sees it.
        definition: what ctl knows of it.
        problems: what is wrong with it (`ctl.services.condition`).

    Returns:
        name, state, healthy, pid, uptime (seconds in this state), want, reason, log (state and pid); of the
        process and all that came from it: memory (resident bytes), cpu_seconds, open_files (descriptors),
        listening (addresses); null where it does not run or the rights to look are missing; answers (each
        declared address, and whether it answers); processes (of a service that is restarted gracefully: number,
        state, pid, seconds in that state, connections, and after how many seconds it is ended at the latest),
        else null.
    """
    return {
        "name": status.name,
        "state": status.state,
        "healthy": not problems,
        "pid": status.pid,
        "uptime": status.seconds,
        "want": status.want,
        "reason": "; ".join(problems) or None,
        "log": {"state": status.log.state, "pid": status.log.pid} if status.log else None,
        **usage(status.pid),
        "processes": processes(definition),
        "answers": {address: answers(address) for address in definition.listen},
    }


def usage(pid: int | None) -> dict[str, object]:
    """Memory, processor time, open files and addresses of a process and its descendants.

    Args:
        pid: the process; None or one that has ended yields nothing but nulls.
    """
    family = _family(pid)
    return {
        "memory": _total(family, lambda process: process.memory_info().rss),
        "cpu_seconds": _total(family, lambda process: sum(process.cpu_times()[:2])),
        "open_files": _total(family, lambda process: process.num_fds()),
        "listening": _listening(family),
    }


def _family(pid: int | None) -> list[psutil.Process]:
    if pid is None:
        return []
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _total(family: list[psutil.Process], measure: Callable[[psutil.Process], float]) -> float | None:
    found = list(_readable(family, measure))
    return round(sum(found), 2) if found else None


def _readable(family: list[psutil.Process], read: Callable[[psutil.Process], T]) -> Iterator[T]:
    for process in family:
        try:
            yield read(process)
        except psutil.Error:  # it has ended, or belongs to somebody else: the others still count
            continue


def _listening(family: list[psutil.Process]) -> list[str] | None:
    found = list(_readable(family, _addresses))
    return sorted({address for addresses in found for address in addresses}) if found else None


def _addresses(process: psutil.Process) -> list[str]:
    connections = process.net_connections if hasattr(process, "net_connections") else process.connections
    tcp = [one.laddr for one in connections(kind="tcp") if one.status == psutil.CONN_LISTEN]
    unix = [f"unix:{one.laddr}" for one in connections(kind="unix") if one.laddr]
    return [f"[{at.ip}]:{at.port}" if ":" in at.ip else f"{at.ip}:{at.port}" for at in tcp] + unix
