"""Challenges of kind HTTP-01 (RFC 8555, 8.3): files that NGINX shows, and whether it really does."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ctl.converge.atomic import TEMPORARY_PREFIX, write_atomic
from ctl.errors import CtlError
from ctl.node.node import Node

URL_PATH = "/.well-known/acme-challenge"
PATIENCE = 5.0
"""Seconds in which NGINX, just started or reloaded, serves a file."""
_BETWEEN = 0.1
_LONGEST_ANSWER = 4_096
_ANY = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "::1"}  # noqa: S104 - asked, not bound


@contextmanager
def serving(folder: Path, files: Mapping[str, str]) -> Iterator[None]:
    """Let NGINX show files; they are gone afterwards, and so are those that a killed run left.

    Args:
        folder: of the challenges; exists.
        files: contents by name.

    Raises:
        CtlError: the folder is not there.
    """
    _sweep(folder)
    try:
        for name, content in files.items():
            write_atomic(folder / name, content.encode("ascii"), mode=0o644)
        yield
    finally:
        for name in files:
            (folder / name).unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    try:
        left = [path for path in folder.iterdir() if not path.name.startswith(TEMPORARY_PREFIX)]
    except FileNotFoundError:
        raise CtlError(
            f"{folder} does not exist: NGINX is not configured for Let's Encrypt yet",
            hint="Run: sudo ctl reconfigure",
        ) from None
    for path in left:
        with suppress(IsADirectoryError, PermissionError):  # none of ours
            path.unlink()


@dataclass(frozen=True)
class Listener:
    """Where NGINX answers challenges on this machine.

    Args:
        address, port: to connect to.
        proxied: whether it expects the PROXY protocol before each request.
    """

    address: str
    port: int
    proxied: bool = False

    @classmethod
    def of(cls, node: Node) -> Listener:
        """The first of the node's."""
        vhost = node.attributes.registry.nginx
        address = _ANY.get(vhost.listen_addresses[0], vhost.listen_addresses[0]).strip("[]")
        return cls(address, vhost.redirect_http_to_https_port, vhost.proxy_protocol)

    @property
    def endpoint(self) -> str:
        """For people."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    def fetch(self, host: str, path: str) -> tuple[int, str]:
        """Status and body of a request over plain HTTP. Raises OSError."""
        with socket.create_connection((self.address, self.port), timeout=5) as connection:
            family = "TCP6" if ":" in self.address else "TCP4"
            end = "::1 ::1" if ":" in self.address else "127.0.0.1 127.0.0.1"
            greeting = f"PROXY {family} {end} 80 80\r\n" if self.proxied else ""
            connection.sendall(f"{greeting}GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode("ascii"))
            answer = b""
            while len(answer) < _LONGEST_ANSWER and (more := connection.recv(_LONGEST_ANSWER)):
                answer += more
        head, _, body = answer.decode("utf-8", "replace").partition("\r\n\r\n")
        words = head.split(None, 2)
        if len(words) < 2 or not words[1].isdigit():
            raise OSError("the answer is no HTTP")
        return int(words[1]), body


def require_answer(listener: Listener, folder: Path, host: str, *, patience: float = PATIENCE) -> None:
    """Whether this machine's NGINX serves the files in the folder: nobody else need be asked where it does not.

    Args:
        patience: seconds to go on trying.

    Raises:
        CtlError: it does not; says what it answers instead.
    """
    name, content = f"self-check-{secrets.token_hex(8)}", secrets.token_hex(16)
    end = time.monotonic() + patience
    with serving(folder, {name: content}):
        while problem := _problem(listener, host, f"{URL_PATH}/{name}", content):
            if time.monotonic() > end:
                raise CtlError(
                    f"NGINX on this machine does not answer challenges on {listener.endpoint}: {problem}",
                    hint="Is it running, and reconfigured? sudo ctl status nginx; sudo ctl reconfigure",
                )
            time.sleep(_BETWEEN)


def _problem(listener: Listener, host: str, path: str, content: str) -> str:
    try:
        status, body = listener.fetch(host, path)
    except OSError as error:
        return str(error.strerror or error)
    if status != 200:
        return f"it says {status}"
    return "" if body.strip() == content else "another server answers there"
