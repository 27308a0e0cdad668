"""Requests that fail while a registry changes, beside a plain restart of the same one: `python benchmarks/restart.py`.

Six clients pull and two push, without retries, through NGINX and by registry_http_addr; meanwhile a large layer is
fetched and one is sent, slowly, by each of both ways. The node goes through its changes: settings, the key pair, the
program from 2.8 to 3.1 and back, one that fails its health gate, NGINX. Then, under the same load, `sv restart`
restarts the registry, which must fail requests: otherwise the load would prove nothing.

Exits with 1 where a request failed that must not, or none did under `sv restart`.
"""

from __future__ import annotations

import argparse
import http.client
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.harness import distribution3, images, seeds
from tests.harness.https import Client
from tests.harness.load import Load
from tests.harness.people import myself
from tests.harness.root import Root

AIM = 10_000
"""Requests of the whole run, at least; none of them may fail."""
PACE = 1 << 20
PATIENCE = 300.0
"""Seconds for one run of ctl: the load takes what the machine has."""


class SlowTransfers:
    """Layers that are fetched and sent, a part at a time, through each client, for as long as the context lasts.

    Attributes:
        failed: what went wrong.
        done: transfers that ended well.
    """

    def __init__(self, clients: Sequence[Client], size: int, seconds: float) -> None:
        self.seconds, self.done = seconds, 0
        self.failed: list[str] = []
        self._blob = images.layer("slow", size=size)
        patient = replace(clients[0], timeout=PATIENCE)  # a large one is sent in one piece
        patient.push("slow/app", images.image("slow", shared=[self._blob]), "v1")
        self._stop = threading.Event()
        jobs = [(job, client) for client in clients for job in (self._fetch, self._send)]
        self._threads = [threading.Thread(target=self._run, args=both, daemon=True) for both in jobs]

    def __enter__(self) -> SlowTransfers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(self.seconds * 20)

    def _run(self, job: Callable[[Client], None], client: Client) -> None:
        while not self._stop.is_set():
            try:
                job(client)
                self.done += 1
            except (OSError, AssertionError, http.client.HTTPException) as error:
                self.failed.append(f"{job.__name__} at port {client.port}: {type(error).__name__}: {error}")

    def _pause(self) -> None:
        time.sleep(self.seconds * PACE / len(self._blob.content))

    def _fetch(self, client: Client) -> None:
        connection = client.connection()
        connection.request("GET", f"/v2/slow/app/blobs/{self._blob.digest}", headers=_token(client))
        answer, content = connection.getresponse(), bytearray()
        while part := answer.read(PACE):
            content += part
            self._pause()
        assert bytes(content) == self._blob.content, "a download was cut"

    def _send(self, client: Client) -> None:
        """One blob in one PATCH, committed by its digest."""
        begun = _ask(client, "POST", "/v2/slow/app/blobs/uploads/", 202)
        sent = _ask(client, "PATCH", _place(begun), 202, body=self._parts(), encode_chunked=True)
        _ask(client, "PUT", f"{_place(sent)}&digest={self._blob.digest}", 201)

    def _parts(self) -> Iterator[bytes]:
        for start in range(0, len(self._blob.content), PACE):
            yield self._blob.content[start : start + PACE]
            self._pause()


def _token(client: Client) -> dict[str, str]:
    assert client.tokens is not None
    return {"Authorization": f"Bearer {client.tokens('slow/app', 'pull,push')}"}


def _place(answer: http.client.HTTPResponse) -> str:
    place = answer.headers["Location"].partition("://")[2]
    return place[place.index("/") :]


def _ask(
    client: Client,
    method: str,
    path: str,
    status: int,
    **more: Any,  # noqa: ANN401 - those of http.client
) -> http.client.HTTPResponse:
    connection = client.connection()
    connection.request(method, path, headers=_token(client), **more)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == status, f"{method} was cut: {answer.status} {body[:200]!r}"
    return answer


def changes() -> list[tuple[str, ...]]:
    """Lines of settings, one tuple a change."""
    program = distribution3.path()
    other = f'registry["executable"] = "{program}"' if program else 'registry["log_formatter"] = "json"'
    key, certificate = seeds.pair(1)
    return [
        ('registry["log_level"] = "warn"',),
        ('registry["env"] = {"STAGE": "x"}',),
        (
            f'registry["internal_key"] = """{key}"""',
            f'registry["internal_certificate"] = """{certificate}"""',
        ),
        (),
        (other,),
        (),
        ('registry["nginx"]["custom_gitlab_server_config"] = "add_header X-Changed yes always;"',),
        (other, 'registry["storage_delete_enabled"] = True'),
        (),
        ('registry["autoredirect"] = True',),
    ]


def graceful(root: Root, requests: int) -> Load:
    """Every change under load, and more requests until there are enough."""
    with Load([root.client, root.direct]) as load:
        for change in changes():
            root.settings(*change)
            root.reconfigure(timeout=PATIENCE)
        refused(root)
        for service in ("registry", "nginx"):
            root.ctl("restart", service, timeout=PATIENCE).ok()
        while load.requests < requests:
            time.sleep(0.5)
    return load


def refused(root: Root) -> None:
    """A change that fails its health gate, and the way back from it."""
    broken = root.write("broken", "#!/bin/sh\necho a broken program >&2\nexit 3\n", mode=0o755)
    root.settings(f'registry["executable"] = "{broken}"')
    assert root.ctl("reconfigure", timeout=PATIENCE).code == 1, "a broken program was not refused"
    root.settings()
    root.reconfigure(timeout=PATIENCE)


def plain(root: Root) -> Load:
    """As many restarts as there were changes, each by sv itself."""
    with Load([root.client, root.direct]) as load:
        for _ in changes():
            subprocess.run(
                ["sv", "-w", "60", "restart", str(root.path / "opt/gitlab/service/registry")],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            time.sleep(2)
    return load


def report(name: str, load: Load) -> None:
    """One row, and what failed below it."""
    print(f"{name:<28} {load.requests:>7} well  {load.failed.total():>6} failed")
    for problem, count in load.failed.most_common(5):
        print(f"    {count} x {problem[:120]}")


def main() -> int:
    """Measure and print. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=AIM, help="at least so many, all in all")
    parser.add_argument("--megabytes", type=int, default=1_000, help="of each slow transfer")
    given = parser.parse_args()
    root = Root(myself())
    try:
        root.settings()
        root.reconfigure(timeout=PATIENCE)
        with SlowTransfers([root.client, root.direct], given.megabytes << 20, seconds=60) as slow:
            load = graceful(root, given.requests)
        report(f"{len(changes()) + 4} changes", load)
        print(f"{'slow transfers meanwhile':<28} {slow.done:>7} well  {len(slow.failed):>6} failed")
        print("".join(f"    {problem}\n" for problem in slow.failed), end="")
        restarted = plain(root)
        report(f"{len(changes())} times sv restart", restarted)
    finally:
        root.end()
    print(f"aim: 0 failed of at least {given.requests}")
    return 0 if restarted.failed and not load.failed and not slow.failed else 1


if __name__ == "__main__":
    sys.exit(main())
