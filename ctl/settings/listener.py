"""One address and port that a program takes, and whether two of them can be taken at once."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ALL = {"*": "4", "0.0.0.0": "4", "[::]": "6"}  # noqa: S104 - compared with, not listened on
_LOCAL = {"localhost", "127.0.0.1", "[::1]"}
_UNIX = "unix:"
_HOST = re.compile(r"(.*):[0-9]*")


@dataclass(frozen=True, eq=False, repr=False)
class Listener:
    """One address and port that a program takes.

    Args:
        what: the program or server, for errors.
        setting: the setting to change; "" for an address that no setting names.
        address: as ListenAddress or Address has it; "unix:/path" with port 0.
        port: its port.
        tls: whether it speaks TLS; None for a program that is not NGINX.
        name: server name; "" for a program that is not NGINX.
        modules: modules of NGINX without which it is left out.
    """

    what: str
    setting: str
    address: str
    port: int
    tls: bool | None = None
    name: str = ""
    modules: tuple[str, ...] = ()

    @classmethod
    def at(cls, address: str, what: str, setting: str = "") -> Listener:
        """That of a program at "host:port" or "unix:/path"."""
        if address.startswith(_UNIX):
            return cls(what, setting, address, 0)
        host, _, port = address.rpartition(":")
        return cls(what, setting, host, int(port))

    def __str__(self) -> str:
        return self.address if self.address.startswith(_UNIX) else f"{self.address}:{self.port}"

    @property
    def is_nginx(self) -> bool:
        """Whether NGINX can share this address between servers."""
        return self.tls is not None

    def overlaps(self, other: Listener) -> bool:
        """Whether both take the same address."""
        if self.port != other.port:
            return False
        mine, others = _families(self.address), _families(other.address)
        wild = _ALL.keys() & {self.address, other.address}
        return bool(mine & others) if wild else self.address == other.address or _both_local(self, other)

    def clash(self, other: Listener) -> str:
        """Why both cannot be taken, or ""."""
        if not self.overlaps(other):
            return ""
        if self.what == other.what:
            twice = self.address == other.address
            return f"{self.what} listens on {self.address} twice" if twice else ""
        where = f"{other.what} and {self.what} both listen on {self._place}"
        if not (self.is_nginx and other.is_nginx):
            return f"{where}, and only one can"
        if self.tls != other.tls:
            return f"{where}, one with TLS and one without"
        return f"{where} under the name {self.name}" if self.name == other.name else ""

    @property
    def _place(self) -> str:
        return f"port {self.port}" if self.port else self.address


def _families(address: str) -> set[str]:
    if address in _ALL:
        return {_ALL[address]}
    if address.startswith("["):
        return {"6"}
    return {"4"} if address[:1].isdigit() else {"4", "6"}


def _both_local(one: Listener, other: Listener) -> bool:
    addresses = {one.address, other.address}
    return "localhost" in addresses and addresses <= _LOCAL


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches "host", "host:port" or the path of a socket."""
    host = "[::1]" if address == "::1" else _host(address)
    return (
        host.startswith(("/", _UNIX))
        or host == "localhost"
        or bool(re.fullmatch(r"127(\.[0-9]+){1,3}|\[::1\]", host))
    )


def is_wildcard(address: str) -> bool:
    """Whether "host" or "host:port" means every address of this machine."""
    return _host(address) in ("", *_ALL) or not set(_host(address)) - set("[]:0")


def _host(address: str) -> str:
    found = None if address.startswith(("/", _UNIX)) or address.endswith("]") else _HOST.fullmatch(address)
    return (found[1] if found else address).lower()
