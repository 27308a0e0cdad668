"""Collections without a command: with every age at nothing, unless a test says otherwise."""

from __future__ import annotations

from typing import Any

from ctl.collector.collection import HOUR, Hooks, Options, collect
from ctl.collector.report import Report
from tests.harness import images
from tests.harness.registry_store import Store

NAME = "grp/app"


class Silent:
    """A reporter that keeps warnings for a test to look at."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def step(self, text: str) -> None:
        """Take no notice."""

    def advance(self) -> None:
        """Take no notice."""

    def warn(self, text: str) -> None:
        """Keep it."""
        self.warnings.append(text)


SILENT = Silent()


def at_once(**changes: Any) -> Options:  # noqa: ANN401 - fields of Options
    """Options by which everything is old, and nothing is purged."""
    return Options(**{"older_than": 0, "keep_for": 24 * HOUR, "settle": (), **changes})


def run(store: Store, hooks: Hooks | None = None, **options: object) -> Report:
    """A collection of a storage."""
    return collect(str(store.root), at_once(**options), SILENT, hooks)


def pushed(store: Store, seed: str, *tags: str, name: str = NAME) -> images.Blob:
    """Push an image."""
    image = images.image(seed)
    store.push(name, image, *tags)
    return image
