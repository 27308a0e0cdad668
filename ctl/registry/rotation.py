"""The end of the time in which the registry accepts also the former certificates of the token pair."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ctl.converge import File, Item, Service, mask_all, restart
from ctl.converge.inspect import group_name, look, owner_name
from ctl.node.overlap import Overlap, certificates, der, read_record, record, text_of
from ctl.node.timed_end import FORMER, tasks_after
from ctl.paths import Layout
from ctl.registry.token import key_set


def without_former(layout: Layout, at: float | None = None) -> Iterator[Item]:
    """The registry's files without former certificates; settings play no part, so that nothing else changes.

    Args:
        layout: the root.
        at: drop only those whose time is over by then, in seconds since 1970; None drops all.
    """
    found = read_record(layout)
    kept = tuple(one for one in found.former if at is not None and one.until > at)
    gone = {der(one.certificate) for one in found.former if one not in kept}
    left = "".join(one for one in certificates(text_of(Path(found.bundle))) if der(one) not in gone)
    if not gone or not left:
        return
    left_over = Overlap(kept, found.bundle, found.keys)
    yield record(layout, left_over)
    yield from tasks_after(layout, FORMER, left_over.end)
    yield from _replaced(found.bundle, left)
    yield from _replaced(found.keys, key_set(left))
    if (layout.service / "registry").is_symlink():
        yield Service("registry")


def _replaced(path: str, content: str) -> Iterator[Item]:
    """A file with other content and its present rights."""
    facts = look(Path(path)) if path else None
    if facts is not None:
        yield File(
            Path(path),
            content=content,
            mode=facts.mode,
            owner=owner_name(facts.uid),
            group=group_name(facts.gid),
            mask=mask_all,
            notifies=(restart("registry"),),
        )
