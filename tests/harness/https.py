"""A client of the registry's HTTP API that trusts one CA file and nothing else."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

from ctl.machine.unix_socket import connect
from tests.harness.images import INDEX, MANIFEST, Blob

Tokens = Callable[[str, str], str]
"""Gives a token for a repository and actions such as "pull,push"."""


@dataclass(frozen=True)
class Answer:
    """What a server answered.

    Args:
        status: the HTTP status.
        headers: by name, in any case.
        body: the content.
    """

    status: int
    headers: Message
    body: bytes

    def header(self, name: str) -> str:
        """A header's value, "" where it is missing."""
        return str(self.headers.get(name, ""))

    def json(self) -> Any:  # noqa: ANN401 - whatever the server sends
        """The body read as JSON."""
        return json.loads(self.body)


class UnixConnection(http.client.HTTPConnection):
    """HTTP through a Unix socket."""

    def __init__(self, path: Path, seconds: float = 10.0) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = connect(self._path, self.timeout or 10.0)


@dataclass(frozen=True)
class Client:
    """Talks to https://localhost:PORT, or http:// without a CA file.

    Args:
        port: of the server.
        ca: the CA file it trusts, or None for plain HTTP.
        tokens: where tokens come from; without it, requests are anonymous.
        timeout: seconds.
        source: the address on loopback that it comes from; "" for the usual one.
        socket: of a server that has no port.
    """

    port: int
    ca: Path | None = None
    tokens: Tokens | None = None
    timeout: float = 10.0
    source: str = ""
    socket: Path | None = None

    def request(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """Send one request on a connection of its own; redirects are not followed.

        Raises:
            OSError: nothing answers, or its certificate is not trusted.
        """
        connection = self.connection()
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        except http.client.HTTPException as error:
            raise ConnectionError(f"{method} {path}: {error!r}") from error
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        """GET without a token."""
        return self.request("GET", path, headers=headers)

    def authorised(
        self,
        method: str,
        path: str,
        *,
        repository: str,
        actions: str = "pull",
        body: bytes | None = None,
        **more: str,
    ) -> Answer:
        """A request with a token for these actions on the repository; `more` are headers, _ for -."""
        assert self.tokens is not None
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        headers["Authorization"] = f"Bearer {self.tokens(repository, actions)}"
        return self.request(method, path, headers=headers, body=body)

    def push(self, repository: str, blob: Blob, *tags: str) -> str:
        """Push an image or an index with all that it needs; tags may be none. Returns its digest."""
        for digest, one in blob.family().items():
            if one.media_type in (MANIFEST, INDEX):
                self._put_manifest(repository, one, digest)
            else:
                self.upload_blob(repository, one)
        for tag in tags:
            self._put_manifest(repository, blob, tag)
        return blob.digest

    def manifest(self, repository: str, reference: str) -> Answer:
        """GET a manifest by tag or digest."""
        path = f"/v2/{repository}/manifests/{reference}"
        return self.authorised("GET", path, repository=repository, Accept=f"{MANIFEST}, {INDEX}")

    def pulls(self, repository: str, blob: Blob, reference: str = "") -> bool:
        """Whether the image or index, and everything it needs, can be fetched with exactly its bytes."""
        for digest, one in blob.family().items():
            wanted = reference if reference and one is blob else digest
            if one.media_type in (MANIFEST, INDEX):
                answer = self.manifest(repository, wanted)
            else:
                answer = self.authorised("GET", f"/v2/{repository}/blobs/{digest}", repository=repository)
            if answer.status != 200 or answer.body != one.content:
                return False
        return True

    def _put_manifest(self, repository: str, blob: Blob, reference: str) -> None:
        answer = self.authorised(
            "PUT",
            f"/v2/{repository}/manifests/{reference}",
            repository=repository,
            actions="pull,push",
            body=blob.content,
            Content_Type=blob.media_type,
        )
        assert answer.status == 201, f"manifest {reference} refused: {answer.status} {answer.body!r}"

    def upload_blob(self, repository: str, blob: Blob) -> None:
        """As clients do: a blob the registry says it has is not sent again."""
        path = f"/v2/{repository}/blobs/{blob.digest}"
        if self.authorised("HEAD", path, repository=repository, actions="pull,push").status == 200:
            return
        begun = self.authorised(
            "POST", f"/v2/{repository}/blobs/uploads/", repository=repository, actions="pull,push"
        )
        assert begun.status == 202, f"upload refused: {begun.status} {begun.body!r}"
        place = begun.header("Location").split("://", 1)[-1]
        place = place[place.index("/") :]
        joint = "&" if "?" in place else "?"
        done = self.authorised(
            "PUT",
            f"{place}{joint}digest={blob.digest}",
            repository=repository,
            actions="pull,push",
            body=blob.content,
            Content_Type="application/octet-stream",
        )
        assert done.status == 201, f"blob refused: {done.status} {done.body!r}"

    def connection(self) -> http.client.HTTPConnection:
        """A connection of its own for one request."""
        source = (self.source, 0) if self.source else None
        if self.socket is not None:
            return UnixConnection(self.socket, self.timeout)
        if self.ca is None:
            return http.client.HTTPConnection(
                "localhost", self.port, timeout=self.timeout, source_address=source
            )
        trust = ssl.create_default_context(cafile=str(self.ca))
        return http.client.HTTPSConnection(
            "localhost", self.port, timeout=self.timeout, context=trust, source_address=source
        )
