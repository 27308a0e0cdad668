"""An S3 server on a loopback port, with nothing in it."""

from __future__ import annotations

import http.client
import sys

from tests.real.harness.server import Server


class S3Server(Server):
    """A server that speaks S3 and keeps objects in memory; use it as a context."""

    def __init__(self) -> None:
        super().__init__([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "{port}"])

    def make_bucket(self, name: str) -> None:
        """Make an empty bucket.

        Raises:
            AssertionError: the server refuses.
        """
        status, body = self._request("PUT", f"/{name}")
        assert status == 200, f"bucket {name}: {status} {body!r}"

    def objects(self, bucket: str) -> dict[str, int]:
        """The size of each object of a bucket in bytes, by its key."""
        from xml.etree import ElementTree

        status, body = self._request("GET", f"/{bucket}?list-type=2&max-keys=1000")
        assert status == 200, f"bucket {bucket}: {status} {body!r}"
        found = ElementTree.fromstring(body).findall(".//{*}Contents")  # noqa: S314 - from our own server
        return {str(one.findtext("{*}Key")): int(str(one.findtext("{*}Size"))) for one in found}

    def _request(self, method: str, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
