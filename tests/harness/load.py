"""Clients that pull and push without retries while something else happens, and count what fails."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from tests.harness import images
from tests.harness.https import Client

REPOSITORY = "load/app"


class Load:
    """Pulls and pushes from entering to leaving the context, through several clients in turn.

    Args:
        clients: through NGINX, and by the registry's own address.
        pullers, pushers: threads.

    Attributes:
        done: requests that succeeded, by kind.
        failed: what failed, each with how often.
    """

    def __init__(self, clients: Sequence[Client], *, pullers: int = 6, pushers: int = 2) -> None:
        self.done: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self._clients = clients
        self._stop = threading.Event()
        self._image = images.image("load")
        jobs = [("pull", self._pull)] * pullers + [("push", self._push)] * pushers
        self._threads = [
            threading.Thread(target=self._run, args=(kind, job, number), daemon=True)
            for number, (kind, job) in enumerate(jobs)
        ]

    @property
    def requests(self) -> int:
        """Requests of the pulls and pushes that succeeded: one a manifest or blob at least."""
        return self.done.total() * len(self._image.family())

    def __enter__(self) -> Self:
        self._clients[0].push(REPOSITORY, self._image, "v1")
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=60)

    def _run(self, kind: str, job: Callable[[Client, str], str], number: int) -> None:
        turn = 0
        while not self._stop.is_set():
            turn += 1
            try:
                problem = job(self._clients[(number + turn) % len(self._clients)], f"{number}-{turn}")
            except (OSError, AssertionError) as error:
                problem = f"{type(error).__name__}: {error}"
            if problem:
                self.failed[f"{kind}: {problem}"] += 1
            else:
                self.done[kind] += 1

    def _pull(self, client: Client, _name: str) -> str:
        return "" if client.pulls(REPOSITORY, self._image, "v1") else "not with exactly its bytes"

    def _push(self, client: Client, name: str) -> str:
        client.push(REPOSITORY, images.image(name, size=20_000), "latest")
        return ""
