"""The registry's HTTP API, as far as a collection needs it (Docker Registry HTTP API V2)."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from ctl.errors import CtlError

ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.artifact.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "application/vnd.docker.distribution.manifest.v1+json",
    )
)
"""Every type of manifest: without its own type, an index is translated into one of its images."""
PAGE = 500
"""Tags asked for at once, where the registry has pages."""
_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?')
_TRIES = 2
"""A connection that was idle may be closed just when it is used again."""


class ApiError(CtlError):
    """The registry gave an answer that a collection cannot go on with."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer.

    Args:
        status: as 200.
        headers: of the answer.
        body: all of it.
    """

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class RegistryApi:
    """A registry without authentication. Usable from several threads, each with a connection of its own.

    Args:
        connect: makes a connection.
    """

    def __init__(self, connect: Callable[[], http.client.HTTPConnection]) -> None:
        self._connect = connect
        self._local = threading.local()
        self._open: list[http.client.HTTPConnection] = []

    def close(self) -> None:
        """Close every connection."""
        for connection in self._open:
            connection.close()

    def tags(self, repository: str) -> list[str]:
        """The tags of a repository; none where the last one is gone.

        Raises:
            ApiError: any other answer.
        """
        found: list[str] = []
        for answer in self._pages(f"/v2/{quote(repository)}/tags/list?n={PAGE}"):
            if answer.status == http.HTTPStatus.NOT_FOUND:
                break
            found += self._expect(answer, 200, f"the tags of {repository}").get("tags") or []
        return found

    def digest_of_tag(self, repository: str, tag: str) -> str | None:
        """The digest of the manifest that a tag names, or None where there is no such manifest.

        Raises:
            ApiError: any other answer.
        """
        answer = self._send("HEAD", f"/v2/{quote(repository)}/manifests/{quote(tag)}")
        if answer.status == http.HTTPStatus.NOT_FOUND:
            return None
        digest = answer.headers.get("Docker-Content-Digest")
        if answer.status != http.HTTPStatus.OK or not digest:
            raise ApiError(f"{repository}:{tag}: the registry answers {answer.status}")
        return digest

    def manifest(self, repository: str, digest: str) -> bytes:
        """The content of a manifest, checked against its digest.

        Raises:
            ApiError: it cannot be had, or is damaged.
        """
        answer = self._send("GET", f"/v2/{quote(repository)}/manifests/{digest}")
        if answer.status != http.HTTPStatus.OK:
            raise ApiError(f"{repository}@{digest}: the registry answers {answer.status}")
        algorithm, _, expected = digest.partition(":")
        if algorithm in ("sha256", "sha512") and hashlib.new(algorithm, answer.body).hexdigest() != expected:
            raise ApiError(f"{repository}@{digest}: its content does not have that digest")
        return answer.body

    def delete(self, repository: str, digest: str) -> bool:
        """Delete a manifest.

        Returns:
            False where it is no longer there.

        Raises:
            ApiError: the registry refuses.
        """
        answer = self._send("DELETE", f"/v2/{quote(repository)}/manifests/{digest}")
        if answer.status == http.HTTPStatus.NOT_FOUND:
            return False
        if answer.status != http.HTTPStatus.ACCEPTED:
            raise ApiError(f"{repository}@{digest}: the registry answers {answer.status} to its deletion")
        return True

    def _pages(self, target: str) -> Iterator[Answer]:
        seen: set[str] = set()
        while target and target not in seen:
            seen.add(target)
            answer = self._send("GET", target)
            yield answer
            link = _NEXT.search(answer.headers.get("Link", ""))
            parts = urlsplit(link[1]) if link else None
            target = f"{parts.path}?{parts.query}" if parts else ""

    @staticmethod
    def _expect(answer: Answer, status: int, what: str) -> dict[str, list[str]]:
        try:
            found = json.loads(answer.body) if answer.status == status else None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ApiError(f"{what}: the registry answers {answer.status}")
        return found

    def _send(self, method: str, target: str) -> Answer:
        for last in range(_TRIES):
            connection = self._connection()
            try:
                connection.request(method, target, headers={"Accept": ACCEPT})
                response = connection.getresponse()
                return Answer(response.status, response.headers, response.read())
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if last == _TRIES - 1:
                    raise ApiError(f"the private registry does not answer: {error}") from error
        raise AssertionError("unreachable")

    def _connection(self) -> http.client.HTTPConnection:
        found: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._local.connection = self._connect()
            self._open.append(found)
        return found
