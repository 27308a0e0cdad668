"""Downloads that last as long as a test likes, so that something can happen meanwhile."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.harness.root import Root

_FIRST = 100_000


@dataclass
class Download:
    """A download that has begun.

    Args:
        content: what has come.
        begun: set once the first part has come.
        go_on: to be set by the test: until then, no more is taken, and the sender waits.
        ended: set at the end.
    """

    content: bytearray = field(default_factory=bytearray)
    begun: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)


@contextmanager
def halted_download(root: Root, path: str, repository: str) -> Iterator[Download]:
    """Begin to fetch something from the registry itself, larger than sockets hold, and halt after the first part."""
    download = Download()
    headers = {"Authorization": f"Bearer {root.sign(repository, 'pull')}"}
    connection = http.client.HTTPConnection("127.0.0.1", root.registry_port, timeout=60)
    connection.request("GET", path, headers=headers)

    def read() -> None:
        response = connection.getresponse()
        download.content.extend(response.read(_FIRST))
        download.begun.set()
        download.go_on.wait(60)
        while part := response.read(50_000):
            download.content.extend(part)
        download.ended.set()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        assert download.begun.wait(30), "the download does not begin"
        yield download
    finally:
        download.go_on.set()
        thread.join(timeout=60)
        connection.close()
