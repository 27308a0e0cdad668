"""How a collection takes something out of the storage: into quarantine, for good while nobody writes, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ctl.collector.holding import HeldRun, Holding
from ctl.collector.report import Report


class Removal(Protocol):
    """Takes folders out of the storage."""

    def take(self, path: str) -> bool:
        """Take a folder; False where it is no longer there."""

    def bring_back(self, path: str) -> bool:
        """Undo that; False where it cannot be, or need not be."""

    def holds(self, path: str) -> bool:
        """Whether something that was taken is still away."""


class Nothing:
    """A dry run."""

    def take(self, path: str) -> bool:
        """It would be taken."""
        return True

    def bring_back(self, path: str) -> bool:
        """Nothing was taken."""
        return False

    def holds(self, path: str) -> bool:
        """It would be away."""
        return True


@dataclass(frozen=True)
class IntoQuarantine:
    """While the registry serves.

    Args:
        quarantine: of the storage.
        run: that takes it.
    """

    quarantine: Holding
    run: HeldRun

    def take(self, path: str) -> bool:
        """Move it."""
        return self.quarantine.take(self.run, path)

    def bring_back(self, path: str) -> bool:
        """Move it back."""
        return self.quarantine.bring_back(self.run, path)

    def holds(self, path: str) -> bool:
        """Whether it is in quarantine."""
        return self.run.holds(path)


@dataclass(frozen=True)
class ForGood:
    """While nobody writes.

    Args:
        quarantine: of the storage; nothing is put into it.
        report: counts the bytes.
        still: raises where somebody writes after all.
    """

    quarantine: Holding
    report: Report
    still: Callable[[], None]

    def take(self, path: str) -> bool:
        """Delete it."""
        self.still()
        self.report.count("bytes_freed", self.quarantine.delete(path))
        return True

    def bring_back(self, path: str) -> bool:
        """It is gone."""
        return False

    def holds(self, path: str) -> bool:
        """It is gone."""
        return True
