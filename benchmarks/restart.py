"""Requests that fail while a registry changes, beside a plain restart of the same one: `python benchmarks/restart.py`.

Six clients pull and two push, without retries, through NGINX and by registry_http_addr; meanwhile one large layer is
fetched and one is sent, slowly. The node goes through ten changes: settings, and the program from 2.8 to 3.1 and
back. Then, under the same load, the registry is restarted as `sv restart` does it.
"""

from __future__ import annotations

import argparse
import http.client
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.harness import distribution3, images
from tests.harness.load import Load
from tests.harness.people import myself
from tests.harness.root import Root

AIM = 10_000
"""Requests of the whole run, at least; none of them may fail."""
PACE = 1 << 20


class SlowTransfers:
    """A layer that is fetched and one that is sent, a part at a time, for as long as the context lasts.

    Attributes:
        failed: what went wrong.
        done: transfers that ended well.
    """

    def __init__(self, root: Root, size: int, seconds: float) -> None:
        self.root, self.seconds, self.done = root, seconds, 0
        self.failed: list[str] = []
        self._blob = images.layer("slow", size=size)
        root.client.push("slow/app", images.image("slow", shared=[self._blob]), "v1")
        self._stop = threading.Event()
        jobs = (self._fetch, self._send)
        self._threads = [threading.Thread(target=self._run, args=(job,), daemon=True) for job in jobs]

    def __enter__(self) -> SlowTransfers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(self.seconds + 60)

    def _run(self, job: object) -> None:
        assert callable(job)
        while not self._stop.is_set():
            try:
                job()
                self.done += 1
            except (OSError, AssertionError, http.client.HTTPException) as error:
                self.failed.append(f"{type(error).__name__}: {error}")

    def _pause(self) -> None:
        time.sleep(self.seconds * PACE / len(self._blob.content))

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.root.sign('slow/app', 'pull,push')}"}

    def _fetch(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.root.registry_port, timeout=60)
        connection.request("GET", f"/v2/slow/app/blobs/{self._blob.digest}", headers=self._headers())
        answer, content = connection.getresponse(), bytearray()
        while part := answer.read(PACE):
            content += part
            self._pause()
        assert bytes(content) == self._blob.content, "a download was cut"

    def _send(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.root.registry_port, timeout=60)
        connection.request("POST", "/v2/slow/app/blobs/uploads/", headers=self._headers())
        answer = connection.getresponse()
        answer.read()
        place = answer.headers["Location"].partition(str(self.root.registry_port))[2]
        connection.request("PATCH", place, body=self._parts(), headers=self._headers(), encode_chunked=True)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 202, f"an upload was cut: {answer.status}"

    def _parts(self) -> Iterator[bytes]:
        for start in range(0, len(self._blob.content), PACE):
            yield self._blob.content[start : start + PACE]
            self._pause()


def changes() -> list[str]:
    """Ten settings, one a change."""
    program = distribution3.path()
    other = f'registry["executable"] = "{program}"' if program else 'registry["log_formatter"] = "json"'
    levels = [f'registry["log_level"] = "{level}"' for level in ("warn", "info", "error", "warn")]
    return [
        *levels,
        other,
        "",
        'registry["env"] = {"STAGE": "x"}',
        other,
        "",
        'registry["autoredirect"] = True',
    ]


def graceful(root: Root, requests: int) -> Load:
    """Every change under load, and more requests until there are enough."""
    with Load([root.client, root.direct]) as load:
        for change in changes():
            root.settings(change)
            root.reconfigure()
        while load.done.total() + load.failed.total() < requests:
            time.sleep(0.5)
    return load


def plain(root: Root) -> Load:
    """As many restarts as there were changes, each as `sv restart` does it."""
    with Load([root.client, root.direct]) as load:
        for _ in changes():
            root.ctl("term", "registry")
            time.sleep(3)
    return load


def report(name: str, load: Load) -> None:
    """One row, and what failed below it."""
    print(f"{name:<28} {load.done.total():>7} well  {load.failed.total():>6} failed")
    for problem, count in load.failed.most_common(5):
        print(f"    {count} x {problem[:120]}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=AIM, help="at least so many, all in all")
    parser.add_argument("--megabytes", type=int, default=1_000, help="of each slow transfer")
    given = parser.parse_args()
    root = Root(myself())
    try:
        root.settings()
        root.reconfigure()
        with SlowTransfers(root, given.megabytes << 20, seconds=60) as slow:
            load = graceful(root, given.requests)
        report("ten changes", load)
        print(f"{'slow transfers meanwhile':<28} {slow.done:>7} well  {len(slow.failed):>6} failed")
        report("ten plain restarts", plain(root))
    finally:
        root.end()
    print(f"aim: 0 failed of at least {given.requests}")


if __name__ == "__main__":
    main()
