"""The least that a token issuer does, as ASGI and as WSGI: read a query, let a process sign, answer JSON.

By it servers are compared; what ctl itself does beyond that is the same under each.
"""

from __future__ import annotations

import json
import os
import queue
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from ctl.auth.signers import Signers, fork_signers, usual_number
from ctl.registry.token import SigningKey, claims_of

_SOCKETS = fork_signers(SigningKey(Path(os.environ["BENCH_KEY"]).read_text()), usual_number())
_SIGNERS = Signers(_SOCKETS)
_FREE: queue.SimpleQueue[Any] = queue.SimpleQueue()
MINUTES = timedelta(minutes=5)
ACCESS = [{"type": "repository", "name": "team/app", "actions": ["pull", "push"]}]


async def asgi(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """For uvicorn and granian."""
    if scope["type"] == "lifespan":
        await receive()
        await _SIGNERS.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = _answer(await _SIGNERS.sign(_claims(scope["query_string"].decode())))
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def wsgi(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """For waitress."""
    line = _FREE.get()
    try:
        line.write(json.dumps(_claims(environ["QUERY_STRING"])).encode() + b"\n")
        line.flush()
        token = line.readline().decode().strip()
    finally:
        _FREE.put(line)
    body = _answer(token)
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _claims(query: str) -> dict[str, Any]:
    parse_qs(query)
    return claims_of(issuer="bench", subject="bench", access=ACCESS, lifetime=MINUTES)


def _answer(token: str) -> bytes:
    return json.dumps({"token": token, "access_token": token, "expires_in": 300}).encode()


if "waitress" in os.environ.get("BENCH_SERVER", ""):
    for one in _SOCKETS:
        _FREE.put(one.makefile("rwb"))
