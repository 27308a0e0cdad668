"""The token issuer over HTTP: an ASGI application with /jwt/auth and /health."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from ctl.auth.decisions import Decision, Log
from ctl.auth.issuer import Issued, Issuer
from ctl.auth.requests import MOST_QUERY, Refusal, TokenRequest, from_form, from_query, malformed
from ctl.machine.http import HEALTH_PATH

TOKEN_PATH = "/jwt/auth"  # noqa: S105 - a path
BODY_SECONDS = 10.0
"""In which the content of a request must have come."""
MOST_HEADERS = 32 << 10
"""Bytes of all header fields; NGINX lets 32 KiB through."""

UNKNOWN = "unix:"
"""The address of a client of which NGINX says nothing."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True)
class Answer:
    """An answer of HTTP: JSON, and never kept by anybody on the way."""

    status: int
    content: object
    headers: dict[str, str] = field(default_factory=dict)

    async def send(self, send: Send, *, body: bool = True) -> None:
        """Send it; for HEAD without its content."""
        data = json.dumps(self.content).encode()
        headers = {
            "content-type": "application/json",
            "content-length": str(len(data)),
            "cache-control": "no-store",
            **self.headers,
        }
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        await send({"type": "http.response.body", "body": data if body else b""})


class App:
    """The application.

    Args:
        issuer: decides.
        realm: URL of the registry.
        log: of decisions.
        start, stop: run in the server's event loop before the first and after the last request.
    """

    def __init__(
        self,
        issuer: Issuer,
        *,
        realm: str,
        log: Log,
        start: Callable[[], Awaitable[None]],
        stop: Callable[[], None],
    ) -> None:
        self._issuer, self._log = issuer, log
        quoted = f"{realm}{TOKEN_PATH}".replace("\\", "\\\\").replace('"', '\\"')
        self._challenge = f'Basic realm="{quoted}", charset="UTF-8"'
        self._start, self._stop = start, stop

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request, or the life of the server (ASGI 3)."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        answer = await self._answer(scope, receive)
        await answer.send(send, body=scope["method"] != "HEAD")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self._start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Message, receive: Receive) -> Answer:
        path, method = scope["path"], scope["method"]
        if path == HEALTH_PATH and method in ("GET", "HEAD"):
            return Answer(200, {"status": "ok"})
        if path != TOKEN_PATH:
            return Answer(404, _errors("NOT_FOUND", "there is nothing here"))
        if method not in ("GET", "POST"):
            return Answer(
                405, _errors("UNSUPPORTED", "the method must be GET or POST"), {"allow": "GET, POST"}
            )
        decision = Decision(client_address(scope))
        try:
            request = await _read(scope, receive)
            return _token(await self._issuer.issue(request, decision), form=request.form)
        except Refusal as refusal:
            decision.outcome = refusal.outcome
            return self._refused(refusal, form=method == "POST")
        except Exception as error:  # logged without its text, which may hold anything
            decision.outcome = f"failed: {type(error).__name__} at {_place(error)}"
            return Answer(500, _errors("UNKNOWN", "the token issuer failed; its log says more"))
        finally:
            self._log.decision(decision)

    def _refused(self, refusal: Refusal, *, form: bool) -> Answer:
        headers = {"www-authenticate": self._challenge} if refusal.status == 401 else {}
        if refusal.wait:
            headers["retry-after"] = str(refusal.wait)
        content = _errors(refusal.code, refusal.message)
        if form:
            content |= {"error": refusal.error, "error_description": refusal.message}
        return Answer(refusal.status, content, headers)


def _place(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename}:{frame.lineno}"


def _errors(code: str, message: str) -> dict[str, object]:
    """An error in the form of registries (Distribution API specification, 'Errors')."""
    return {"errors": [{"code": code, "message": message, "detail": None}]}


def _token(issued: Issued, *, form: bool) -> Answer:
    """A token, in the form of either specification."""
    content: dict[str, object] = {
        "access_token": issued.token,
        "expires_in": issued.expires_in,
        "issued_at": issued.issued_at,
    }
    if form:
        scopes = (f"{one['type']}:{one['name']}:{','.join(one['actions'])}" for one in issued.access)
        content |= {"token_type": "Bearer", "scope": " ".join(scopes)}
    else:
        content = {"token": issued.token, **content}
    if issued.refresh_token:
        content["refresh_token"] = issued.refresh_token
    return Answer(200, content)


async def _read(scope: Message, receive: Receive) -> TokenRequest:
    headers = scope["headers"]
    if sum(len(name) + len(value) for name, value in headers) > MOST_HEADERS:
        raise Refusal(431, f"more than {MOST_HEADERS} bytes of header fields", "malformed: too long")
    if scope["method"] == "GET":
        return from_query(scope["query_string"], list(_header(headers, b"authorization")))
    content_type = next(_header(headers, b"content-type"), "")
    return from_form(await _body(receive), content_type)


async def _body(receive: Receive) -> bytes:
    """The content of a request. Raises Refusal where it is too long, too slow, or ends early."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _received(receive)
    except TimeoutError:
        raise Refusal(408, f"no more came within {BODY_SECONDS:.0f} s", "malformed: too slow") from None


async def _received(receive: Receive) -> bytes:
    found: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise malformed("the request ended early")
        found += message.get("body", b"")
        if len(found) > MOST_QUERY:
            raise Refusal(413, f"more than {MOST_QUERY} bytes", "malformed: too long")
        if not message.get("more_body"):
            return found


def _header(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> Iterator[str]:
    return (value.decode("latin-1") for name, value in headers if name == wanted)


def client_address(scope: Message) -> str:
    """Who asks: what NGINX says of it, where it is NGINX on this machine that says so; else the peer itself.

    Args:
        scope: of ASGI; without a client where the connection came by the socket, which is open to NGINX only.
    """
    client = scope.get("client")
    peer: str = client[0] if client else UNKNOWN
    if client and not _is_loopback(peer):
        return peer
    forwarded = ",".join(_header(scope["headers"], b"x-forwarded-for")).rpartition(",")[2]
    for given in (next(_header(scope["headers"], b"x-real-ip"), ""), forwarded):
        try:
            return str(ipaddress.ip_address(given.strip()))
        except ValueError:
            continue  # absent, or no address: a name of a socket, or a forged text
    return peer


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
