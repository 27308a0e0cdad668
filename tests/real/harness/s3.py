"""An S3 server on a loopback port, with nothing in it."""

from __future__ import annotations

import http.client
import subprocess
import sys
import tempfile
from types import TracebackType
from typing import Self

from tests.real.harness.ports import Ports
from tests.real.harness.waiting import listening, wait_for


class S3Server:
    """A server that speaks S3 and keeps objects in memory; use it as a context.

    Attributes:
        port: on 127.0.0.1.
    """

    def __init__(self) -> None:
        self._ports = Ports()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed on leaving
        self._process: subprocess.Popen[bytes] | None = None
        self.port = self._ports.take()

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        wait_for(self._up, seconds=20, what="the S3 server")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(timeout=10)
        self._log.close()
        self._ports.release()

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

    def _up(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            self._log.seek(0)
            raise AssertionError(f"the S3 server ended: {self._log.read().decode()}")
        return listening(self.port)

    def _request(self, method: str, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
