"""Clients of a registry whose images move to another storage, and the command that moves them."""

from __future__ import annotations

import random
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.harness import images
from tests.harness.root import SETTINGS, Root, kill

MIGRATE = "registry-migrate-storage"
KEPT = images.two_platforms("migrated", size=50_000)
"""The image that the clients pull; it must be there as grp/app:v1."""


def migrate(root: Root, file: Path, *options: str) -> dict[str, Any]:
    found = root.ctl(MIGRATE, "--to", str(file), "--json", *options, timeout=600).ok().json()
    assert isinstance(found, dict)
    return found


def migrate_killed(root: Root, file: Path, times: int, chance: random.Random) -> int:
    """Migrate, and kill it so often after random times; then to its end. Returns how often it was killed.

    Each time the registry serves, and one time in three the killed one is undone before the next begins.
    """
    killed = 0
    for _ in range(times):
        process = root.begin(MIGRATE, "--to", str(file))
        try:
            process.wait(chance.uniform(0.5, 8))
        except subprocess.TimeoutExpired:
            kill(process)
            killed += 1
        else:
            output = "".join(process.communicate())
            assert process.returncode == 0, output
            break
        assert root.client.pulls("grp/app", KEPT, "v1"), "it does not serve"
        if chance.random() < 1 / 3:
            recovered = root.ctl("recover")
            assert recovered.code == 0 or "goes on" in recovered.text, recovered.text
    found = migrate(root, file)
    assert "readonly" not in root.read(SETTINGS)
    assert found.get("already") or found["objects"] > 0
    return killed


class Clients:
    """They keep pulling one image, and push a new one each time, once more where a push is refused.

    Attributes:
        failed: pulls that failed.
        refused: pushes that were refused.
        pushed: names of images that were pushed.
    """

    def __init__(self, root: Root, repository: str = "grp/during") -> None:
        self._client = replace(root.client, timeout=120)  # no time is judged here
        self._repository = repository
        self.failed = self.pulled = self.refused = 0
        self.pushed: list[str] = []

    @contextmanager
    def at_work(self) -> Iterator[None]:
        end = threading.Event()
        threads = [threading.Thread(target=self._all, args=(end, work)) for work in (self._pull, self._push)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            end.set()
            for thread in threads:
                thread.join()

    @staticmethod
    def _all(end: threading.Event, work: Any) -> None:  # noqa: ANN401
        while not end.wait(0.1):
            work()

    def _pull(self) -> None:
        self.pulled += 1
        try:
            self.failed += not self._client.pulls("grp/app", KEPT, "v1")
        except OSError:
            self.failed += 1

    def _push(self) -> None:
        name = f"n{len(self.pushed)}"
        try:
            self._client.push(self._repository, self._image(name), name)
        except AssertionError as error:
            if "refused: 405" not in str(error):
                raise
            self.refused += 1
        else:
            self.pushed.append(name)

    def _image(self, name: str) -> images.Blob:
        return images.image(f"{self._repository} {name}", size=3_000)

    def all_there(self) -> bool:
        return all(self._client.pulls(self._repository, self._image(name), name) for name in self.pushed)
