"""Who gets to know how a collection goes."""

from __future__ import annotations

from typing import Protocol


class Reporter(Protocol):
    """Gets steps, progress and warnings."""

    def step(self, text: str) -> None:
        """Something else begins: "marking manifests"."""
        ...

    def advance(self) -> None:
        """One more thing of this step is done."""
        ...

    def warn(self, text: str) -> None:
        """Something that people should know, though the collection goes on."""
        ...
