"""Which of the wanted ports cannot be had, and who holds them."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ctl.errors import UsageFault

_WILDCARDS = frozenset(["", "*", "0.0.0.0", "::"])  # noqa: S104 - compared, never listened on
_UNIX = "unix:"


class Reason(StrEnum):
    """Why a port cannot be had."""

    TAKEN = "another process listens there"
    FORBIDDEN = "only root may listen there"
    ABSENT = "no interface of this machine has the address"


@dataclass(frozen=True)
class Taken:
    """A wanted port that cannot be had.

    Args:
        address, port: as wanted.
        reason: why.
        process: name of the process that holds it; "" if it cannot be seen.
        pid: its id, of a family of processes the eldest; None if it cannot be seen.
    """

    address: str
    port: int
    reason: Reason = Reason.TAKEN
    process: str = ""
    pid: int | None = None

    def __str__(self) -> str:
        port = f"port {self.port}" + ("" if self.address in _WILDCARDS else f" of {self.address}")
        if self.reason is Reason.FORBIDDEN:
            return f"{port} needs root: it is below 1024"
        if self.reason is Reason.ABSENT:
            return f"{port} cannot be listened on: {self.reason}"
        holder = f"{self.process} (pid {self.pid})" if self.pid else "a process that only root can see"
        return f"{port} is taken by {holder}"


def parse_address(text: str) -> tuple[str, int]:
    """Part "host:port" as NGINX and the registry write it: "*:5050", "[::]:5050", ":5000", "localhost:5000".

    Returns:
        Host without brackets ("" for every address) and port; ("unix:/path", 0) for a socket.

    Raises:
        UsageFault: there is no port.
    """
    if text.startswith(_UNIX):
        return text, 0
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal():
        raise UsageFault(f"{text!r} is not an address with a port, as 127.0.0.1:5000")
    return host.strip("[]"), int(port)


def taken(addresses: Sequence[tuple[str, int]]) -> list[Taken]:
    """Try every address; a bound port is given back at once, and nothing listens on it meanwhile.

    Connections of a former process that are still closing (TIME_WAIT) are no obstacle: NGINX and the registry
    listen with SO_REUSEADDR, and so does this.

    Args:
        addresses: host and port each; "*" and "0.0.0.0" are every IPv4 address, "::" every IPv6 address
            and "" both; sockets ("unix:/path") are ignored.

    Returns:
        Those that cannot be had, in order; each once.
    """
    problems = (_problem(host, port) for host, port in addresses if not host.startswith(_UNIX))
    return list(dict.fromkeys(problem for problem in problems if problem))


def _problem(host: str, port: int) -> Taken | None:
    try:
        places = _places(host, port)
    except socket.gaierror:
        return Taken(host, port, Reason.ABSENT)
    codes = [_bind(family, place) for family, place in places]
    if errno.EADDRINUSE in codes:
        return _held(host, port)
    if {errno.EACCES, errno.EPERM} & set(codes):
        return Taken(host, port, Reason.FORBIDDEN)
    # One of several will do: "localhost" may name an address family that this machine lacks.
    return Taken(host, port, Reason.ABSENT) if all(codes) else None


def _places(host: str, port: int) -> list[tuple[socket.AddressFamily, tuple[str, int]]]:
    if host == "":
        return [(socket.AF_INET, ("0.0.0.0", port)), (socket.AF_INET6, ("::", port))]  # noqa: S104
    bare = "0.0.0.0" if host == "*" else host  # noqa: S104
    found = socket.getaddrinfo(bare, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return [(family, (str(place[0]), port)) for family, _, _, _, place in found]


def _bind(family: socket.AddressFamily, place: tuple[str, int]) -> int:
    """Try to bind; returns 0 or the error's number."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(place)
    except OSError as error:
        return error.errno or errno.EADDRNOTAVAIL
    return 0


def _held(host: str, port: int) -> Taken:
    import psutil

    for one in psutil.net_connections(kind="tcp"):
        place = one.laddr
        if (
            not place
            or one.status != psutil.CONN_LISTEN
            or place.port != port
            or not _overlap(place.ip, host)
        ):
            continue
        if one.pid:
            pid = _eldest(one.pid, one.fd)
            return Taken(host, port, process=_name(pid), pid=pid)
    return Taken(host, port)


def _eldest(pid: int, descriptor: int) -> int:
    """Of the processes that share a socket, as NGINX's master and workers do, the one to stop."""
    import psutil

    try:
        shared = Path(f"/proc/{pid}/fd/{descriptor}").readlink()
        while _has_open((parent := psutil.Process(pid).ppid()), shared):
            pid = parent
    except (OSError, psutil.Error):
        # It has just ended, or its parent is not ours to look into: the youngest known must do.
        return pid
    return pid


def _has_open(pid: int, link: Path) -> bool:
    return any(entry.readlink() == link for entry in Path(f"/proc/{pid}/fd").iterdir())


def _overlap(held: str, wanted: str) -> bool:
    return held in _WILDCARDS or wanted in _WILDCARDS or held.removeprefix("::ffff:") in _literals(wanted)


def _literals(host: str) -> set[str]:
    return {str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}


def _name(pid: int) -> str:
    import psutil

    try:
        return psutil.Process(pid).name()
    except psutil.NoSuchProcess:
        return "a process that has just ended"
