"""What a collection does, and what belongs to a registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

HOUR = 3_600 * 10**9
_SETTLE = (0.1, 0.4, 1.5)
"""Seconds between the last looks: a manifest that was checked before a blob went is linked within milliseconds."""

Links = Mapping[str, Sequence[str]]
"""Digests, each with the repositories that link to it."""


@dataclass(frozen=True)
class Options:
    """What a collection does.

    Args:
        untagged: delete also manifests that no tag leads to.
        dry_run: change nothing.
        older_than: nanoseconds for which new manifests and blobs, and links touched lately, are left alone.
        keep_for: nanoseconds after which what is in quarantine is deleted.
        uploads_after: nanoseconds after which an upload that does not go on is dead.
        paused: nobody writes: what goes is deleted at once, without a quarantine.
        settle: seconds between the last looks.
        allow_empty: that there is no repository at all is wanted, and no disk that is not mounted.
    """

    untagged: bool = False
    dry_run: bool = False
    older_than: int = 24 * HOUR
    keep_for: int = 24 * HOUR
    uploads_after: int = 24 * HOUR
    paused: bool = False
    settle: tuple[float, ...] = _SETTLE
    allow_empty: bool = False


@dataclass(frozen=True)
class Hooks:
    """What belongs to a registry, not to its storage.

    Args:
        forget: take exactly these digests out of a cache that several processes share.
        switch: start the registry's process anew, so that it forgets what it has cached.
        still: called before something is deleted while nobody writes: raises where somebody does.
    """

    forget: Callable[[Links], None] = lambda _: None
    switch: Callable[[], None] | None = None
    still: Callable[[], None] = lambda: None
