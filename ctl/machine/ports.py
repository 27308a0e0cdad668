"""Whether a service answers at its addresses: by asking, and by looking whose socket it is."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from ctl.machine.unix_socket import connect

_LISTEN = "0A"
"""TCP_LISTEN in /proc/net/tcp (proc(5))."""
_ANY = {"": "127.0.0.1", "*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - asked, not bound


def answers(address: str, *, seconds: float = 2.0) -> bool:
    """Whether something accepts a connection at an address.

    Args:
        address: "127.0.0.1:5000", "[::1]:5000", "*:443", ":5000", "localhost:5000" or "unix:/path".
        seconds: how long to wait for the connection.
    """
    try:
        with connect_to(address, seconds):
            return True
    except OSError:
        return False


def connect_to(address: str, seconds: float) -> socket.socket:
    """A connection to an address. Raises OSError."""
    if address.startswith("unix:"):
        return connect(address.removeprefix("unix:"), seconds)
    host, port = _parts(address)
    name = _ANY.get(host, host)
    # as bytes: to load the codec of names in other alphabets takes longer than most answers
    where = name.encode("ascii") if name.isascii() else name
    return socket.create_connection((where, int(port)), timeout=seconds)  # type: ignore[arg-type]


def excludes(held: str, wanted: str) -> bool:
    """Whether who listens at one address keeps the other from being bound: the same port, and one of both is all.

    Sockets of every IPv6 address leave those of IPv4 alone, as NGINX makes them (listen, 'ipv6only').
    """
    (host, port), (other, other_port) = _parts(held), _parts(wanted)
    if port != other_port or (":" in host) != (":" in other):
        return False
    return host == other or bool({host, other} & _ANY.keys())


def same(held: str, wanted: str) -> bool:
    """Whether two addresses are one, however they are written: "*:443" is "0.0.0.0:443"."""
    (host, port), (other, other_port) = _parts(held), _parts(wanted)
    return (
        port == other_port
        and _ANY.get(host, host) == _ANY.get(other, other)
        and (host in _ANY) == (other in _ANY)
    )


def _parts(address: str) -> tuple[str, str]:
    if address.startswith("unix:"):
        return address, ""
    host, _, port = address.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), port


class Sockets:
    """Who listens where, as it was at one moment: every table is read once, for however many questions."""

    def __init__(self) -> None:
        self._tables: dict[str, list[list[str]]] = {}
        self._parents: dict[int, int] = {}
        self._inodes: dict[int, set[str]] = {}

    def listens(self, pid: int, address: str) -> bool:
        """As the function of that name."""
        inodes = self._listening_inodes(address)
        try:
            return bool(inodes & self._of_family(pid))
        except PermissionError:
            return True

    def listening(self, pid: int) -> set[str]:
        """As the function of that name."""
        try:
            inodes = self._of_family(pid)
        except PermissionError:
            return set()
        return {_address(words[1]) for words in self._tcp() if words[9] in inodes}

    def accepting(self, pids: Iterable[int], addresses: Iterable[str]) -> set[int]:
        """As the function of that name."""
        inodes = {inode for address in addresses for inode in self._listening_inodes(address)}
        try:
            return {pid for pid in pids if inodes & _socket_inodes(pid)}
        except PermissionError:
            return set()

    def _of_family(self, pid: int) -> set[str]:
        """The sockets of a process, and of all that came from it: a run script may start the listener as a child."""
        if pid not in self._inodes:
            self._parents = self._parents or dict(_parents())
            family = {pid}
            while new := {child for child, parent in self._parents.items() if parent in family} - family:
                family |= new
            self._inodes[pid] = {inode for one in family for inode in _socket_inodes(one)}
        return self._inodes[pid]

    def _listening_inodes(self, address: str) -> set[str]:
        if address.startswith("unix:"):
            # a link is switched to another socket; a program in another folder may have bound a relative path
            real = os.path.realpath(address.removeprefix("unix:"))
            lines = self._table("unix", Path(real).name)
            return {words[6] for words in lines if words[-1] == real or _relative(words[-1], real)}
        port = f":{int(address.rpartition(':')[2]):04X}"
        return {words[9] for words in self._tcp() if words[1].endswith(port)}

    def _tcp(self) -> Iterator[list[str]]:
        lines = (words for name in ("tcp", "tcp6") for words in self._table(name, f" {_LISTEN} "))
        return (words for words in lines if words[3] == _LISTEN)

    def _table(self, name: str, holding: str) -> list[list[str]]:
        """The lines of a table that hold a text: the rest, all connections of the machine, is not taken apart."""
        key = f"{name} {holding}"
        if key not in self._tables:
            try:
                text = Path(f"/proc/net/{name}").read_text(encoding="utf-8", errors="surrogateescape")
            except FileNotFoundError:  # a kernel without IPv6
                text = ""
            self._tables[key] = [line.split() for line in text.splitlines()[1:] if holding in line]
        return self._tables[key]


def listens(pid: int, address: str) -> bool:
    """Whether a process, or one that came from it, has the listening socket of an address.

    A connection alone may be answered by a stranger, while the service fails because the port is taken.

    Returns:
        True also where the rights to look are missing.
    """
    return Sockets().listens(pid, address)


def listening(pid: int) -> set[str]:
    """The addresses at which a process, or one that came from it, listens by TCP, as "127.0.0.1:5000".

    None where the rights to look are missing.
    """
    return Sockets().listening(pid)


def _address(text: str) -> str:
    """An address of /proc/net/tcp: hexadecimal, each 32 bits in the order of this machine."""
    host, _, port = text.partition(":")
    words = (int(host[start : start + 8], 16).to_bytes(4, sys.byteorder) for start in range(0, len(host), 8))
    name = str(ip_address(b"".join(words)))
    return f"[{name}]:{int(port, 16)}" if ":" in name else f"{name}:{int(port, 16)}"


def accepting(pids: Iterable[int], addresses: Iterable[str]) -> set[int]:
    """Those of some processes that have the listening socket of any of the addresses.

    None of them where the rights to look are missing.
    """
    return Sockets().accepting(pids, addresses)


def children(pid: int) -> set[int]:
    """The direct children of a process."""
    return {child for child, parent in _parents() if parent == pid}


def _relative(bound: str, real: str) -> bool:
    return not bound.startswith(("/", "@")) and Path(bound).name == Path(real).name


def _socket_inodes(pid: int) -> set[str]:
    return {name[len("socket:[") : -1] for name in _open_files(pid) if name.startswith("socket:[")}


def _open_files(pid: int) -> Iterator[str]:
    # a process may end, or close a file, while it is looked at
    gone = (FileNotFoundError, ProcessLookupError)
    with suppress(*gone):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(*gone):
                yield str(link.readlink())


def _parents() -> Iterable[tuple[int, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
            except (FileNotFoundError, ProcessLookupError):  # it has ended
                continue
            yield int(entry.name), int(stat.rpartition(")")[2].split()[1])
