"""Whether a storage has no repository for a reason that is known: else its disk may not be mounted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ctl.collector.filesystem import Blob
from ctl.collector.tree import Tree


def all_blobs(storage: Tree) -> Iterator[Blob]:
    """Every blob of a storage."""
    return (blob for shard in storage.shards([]) for blob in storage.blobs(*shard, []))


def is_known_empty(storage: Tree, history: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the last collection has left no repository, and nothing was pushed since; or a bucket has no blob.

    Args:
        storage: without a repository.
        history: what earlier runs did, oldest first. One that was refused, or had damages, proves nothing.
    """
    last = next((one for one in reversed(history) if type(one.get("repositories")) is int), None)
    if last is None or last.get("damages") or last["repositories"] > last.get("repositories_deleted", 0):
        return not (storage.cheap or any(True for _ in all_blobs(storage)))
    began = last["at"] - int((last.get("seconds", 0) + 1) * 10**9)  # some storages round times to seconds
    return all(state is None or state[1] < began for state in map(storage.state, all_blobs(storage)))
