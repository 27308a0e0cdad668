"""Collections without a command: with every age at nothing, unless a test says otherwise."""

from __future__ import annotations

from typing import Any

from ctl.collector.collection import HOUR, Options


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
