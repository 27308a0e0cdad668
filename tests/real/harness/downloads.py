"""Downloads that last, so that something can happen meanwhile."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.real.harness.root import Root


@contextmanager
def slow_download(root: Root, path: str, repository: str) -> Iterator[bytearray]:
    """Fetch something at about 5 MB a second while other things go on; what has come is in the bytearray."""
    received = bytearray()
    headers = {"Authorization": f"Bearer {root.sign(repository, 'pull')}"}
    connection = http.client.HTTPConnection("127.0.0.1", root.registry_port, timeout=30)
    connection.request("GET", path, headers=headers)

    def read() -> None:
        response = connection.getresponse()
        while part := response.read(50_000):
            received.extend(part)
            time.sleep(0.01)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    yield received
    thread.join(timeout=30)
    connection.close()
