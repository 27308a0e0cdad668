"""One HTTP request as a client sends it: where the time went, which certificate and protocol it met."""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from email.message import Message
from functools import cached_property
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from ctl.machine.ports import connect_to

SECONDS = 5.0
"""For one answer of a program on this machine or near it."""
TOTAL = 10.0
"""For the whole of one."""
MOST = 4 << 20
"""Bytes of an answer."""
SMALL_BUFFER = 1 << 16
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Times:
    """Seconds of one request.

    Args:
        connect: until the connection was there, names resolved.
        tls: for the handshake; 0 without TLS.
        answer: from the request to the head of the answer.
        body: for the rest of it.
    """

    connect: float
    tls: float
    answer: float
    body: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.connect + self.tls + self.answer + self.body


@dataclass(frozen=True)
class Answer:
    """What a server answered.

    Args:
        status, reason: as 401, "Unauthorized".
        headers: in any case.
        body: its content.
        times: where the time went.
    """

    status: int
    reason: str
    headers: Message
    body: bytes
    times: Times

    def header(self, name: str) -> str:
        """A header; "" where there is none."""
        return str(self.headers.get(name, ""))

    def __str__(self) -> str:
        return f"{self.status} {self.reason}".strip()


@dataclass(frozen=True)
class Server:
    """A server, as its URL names it.

    Args:
        url: as "https://registry.example.com:5050".
        address: where to connect in place of the URL's host, as `ctl.machine.ports.answers` takes it.
        roots: a file of certificates that are trusted beside those of the system.
        proxy_protocol: whether it wants to get the client's address first.
    """

    url: str
    address: str = ""
    roots: Path | None = None
    proxy_protocol: bool = False

    @cached_property
    def parts(self) -> SplitResult:
        """The parts of its URL."""
        return urlsplit(self.url)

    @property
    def host(self) -> str:
        """Its name, without the port."""
        return self.parts.hostname or ""

    @property
    def port(self) -> int:
        """Its port."""
        return self.parts.port or (443 if self.tls else 80)

    @property
    def tls(self) -> bool:
        """Whether it is reached through TLS."""
        return self.parts.scheme == "https"

    def context(self, *, verify: bool = True) -> ssl.SSLContext:
        """TLS as a client of this machine speaks it; a new one, which the caller may change.

        Args:
            verify: whether to verify the server's certificate.
        """
        if not verify:
            return _trusting_anybody()
        context = ssl.create_default_context()
        if self.roots is not None and self.roots.exists():
            context.load_verify_locations(self.roots)
        return context

    def connect(self, seconds: float = SECONDS) -> socket.socket:
        """A connection without TLS. Raises OSError."""
        bracketed = f"[{self.host}]" if ":" in self.host else self.host
        link = connect_to(self.address or f"{bracketed}:{self.port}", seconds)
        if self.proxy_protocol:
            link.sendall(b"PROXY TCP4 127.0.0.1 127.0.0.1 1 1\r\n")
        return link

    def handshake(self, context: ssl.SSLContext, seconds: float = SECONDS) -> ssl.SSLSocket:
        """A connection with TLS. Raises OSError (ssl.SSLError)."""
        link = self.connect(seconds)
        try:
            with no_longer(link, TOTAL):
                return context.wrap_socket(link, server_hostname=self.host)
        except BaseException:
            link.close()
            raise

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        seconds: float = SECONDS,
        verify: bool = True,
    ) -> Answer:
        """Send one request on a connection of its own; redirects are not followed.

        Args:
            method, path: as "GET", "/v2/".
            headers: of the request.
            body: of the request. With a Content-Length among the headers and no body, only the head is sent.
            seconds: for each step.
            verify: whether to verify the server's certificate.

        Raises:
            OSError: no connection, a refused certificate (ssl.SSLCertVerificationError), no HTTP.
        """
        clock = _Clock()
        with self._asked(method, path, headers or {}, body, seconds, verify=verify, clock=clock) as response:
            content = _whole(response)
            clock.lap("body")
            return Answer(response.status, response.reason, response.headers, content, clock.times())

    @contextmanager
    def slowly(self, path: str, headers: Mapping[str, str]) -> Iterator[http.client.HTTPResponse]:
        """An answer that comes as slowly as the caller reads it: little of it waits here. Raises OSError."""
        with self._asked("GET", path, headers, None, SECONDS, buffer=SMALL_BUFFER, total=60.0) as response:
            yield response

    @contextmanager
    def _asked(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
        seconds: float,
        *,
        verify: bool = True,
        buffer: int = 0,
        total: float = TOTAL,
        clock: _Clock | None = None,
    ) -> Iterator[http.client.HTTPResponse]:
        context = self.context(verify=verify) if self.tls else None
        clock = clock or _Clock()
        clock.begin()  # the system's certificates take longer to load than most answers
        plain = self.connect(seconds)
        if buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        clock.lap("connect")
        connection = http.client.HTTPConnection(self.parts.netloc.rpartition("@")[2])
        try:
            with no_longer(plain, total):
                connection.sock = plain
                if context is not None:
                    connection.sock = context.wrap_socket(plain, server_hostname=self.host)
                clock.lap("tls")
                connection.request(method, path, body=body, headers={"User-Agent": "ctl", **headers})
                response = connection.getresponse()
                clock.lap("answer")
                yield response
        except http.client.HTTPException as error:
            raise ConnectionError(f"no answer in HTTP ({type(error).__name__})") from error
        finally:
            connection.close()
            plain.close()

    def at(self, url: str) -> Server:
        """The same trust for another URL, reached by its own name."""
        return replace(self, url=url, address="", proxy_protocol=False)


@contextmanager
def no_longer(link: socket.socket, seconds: float) -> Iterator[None]:
    """End a connection that goes on and on: the time limit of a socket is for each step, and a byte may be one."""
    over, handle = threading.Event(), socket.socket(fileno=os.dup(link.fileno()))

    def end() -> None:
        over.set()
        with suppress(OSError):  # the other side has just ended it
            handle.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
        if over.is_set():
            raise ConnectionError(f"no whole answer within {seconds:.0f} s")
    except (OSError, http.client.HTTPException) as error:
        if over.is_set():
            raise ConnectionError(f"no whole answer within {seconds:.0f} s") from error
        raise
    finally:
        timer.cancel()
        handle.close()


def _whole(response: http.client.HTTPResponse) -> bytes:
    """All of an answer; raises ConnectionError where that is more than a registry or GitLab ever sends here."""
    found = response.read(MOST + 1)
    if len(found) > MOST:
        raise ConnectionError(f"its answer is longer than {MOST >> 20} MB")
    if response.length:  # what is still to come, and does not
        raise http.client.IncompleteRead(found, response.length)
    return found


def _trusting_anybody() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@dataclass
class _Clock:
    """Measures one step after the other."""

    last: float = field(default_factory=time.monotonic)
    laps: dict[str, float] = field(default_factory=dict)

    def begin(self) -> None:
        """Count from now on."""
        self.last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name], self.last = now - self.last, now

    def times(self) -> Times:
        return Times(**self.laps)


def why(error: OSError) -> str:
    """Why a request failed, in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS: {error.reason or error}"
    if isinstance(error, TimeoutError):
        return f"no answer within {SECONDS:.0f} s"
    if isinstance(error, socket.gaierror):
        return f"its name is not resolved: {error.strerror}"
    return error.strerror or str(error)


def challenge(answer: Answer) -> dict[str, str]:
    """The parameters of WWW-Authenticate, as `realm`, `service`, `scope`, `error` (RFC 9110, 11.6.1)."""
    return dict(_PARAMETER.findall(answer.header("WWW-Authenticate")))
