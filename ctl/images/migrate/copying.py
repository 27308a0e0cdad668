"""Copies what the other storage does not have, and compares the two.

Uploads that are under way are left out: a client begins them anew. So are folders without anything in them, which
object storage does not know, and what is in quarantine.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ctl.collector.layout import BLOBS, QUARANTINE
from ctl.collector.progress import Reporter
from ctl.errors import PreflightError, RunFailed
from ctl.images.migrate.state import State
from ctl.storage.store import Missing, Object, Store

TOP = "docker/"
"""Everything that a registry writes."""
MARK = f"{QUARANTINE}/migrated.json"
"""Put into a storage that was left, so that what it alone has may go when it is gone back to."""
_UPLOADS = "/_uploads/"
_BATCH = 500
_SHORT = 200
"""Bytes of a link at most."""
_NANO = 10**9

Listing = dict[str, Object]


def listing(store: Store) -> Listing:
    """Everything that is copied."""
    found = {}
    for one in store.list(TOP):
        if not one.key.endswith(("/", ".ctl-part")) and _UPLOADS not in one.key:
            found[one.key] = one
    return found


@dataclass
class Copying:
    """A copy from one storage to another.

    Args:
        source, target: the storages.
        state: what was copied already.
        reporter: gets how it goes.
        jobs: how many objects at a time.

    Attributes:
        copied, size: how many objects, and bytes, this run has copied.
    """

    source: Store
    target: Store
    state: State
    reporter: Reporter
    jobs: int
    copied: int = 0
    size: int = 0
    damaged: list[str] = field(default_factory=list)

    def refuse_other_data(self, *, replace: bool) -> None:
        """Refuse a target that has what this migration has not copied: newer data, or data of another registry.

        Args:
            replace: whether older data that the source does not have may go into quarantine.

        Raises:
            PreflightError: it has; names the newest.
        """
        self.reporter.step(f"looking at {self.target.name}")
        here, there, known = listing(self.source), listing(self.target), self.state.copied()
        unknown = [one for one in there.values() if one.key not in known]
        if not unknown:
            return
        newest = max((one.mtime for one in here.values()), default=0)
        differing = [one for one in unknown if one.key in here and self._differs(here[one.key], one)]
        alone = [one for one in unknown if one.key not in here]
        newer = [one for one in alone if one.mtime > newest]
        newer += [one for one in differing if one.mtime > here[one.key].mtime]
        if newer:
            raise PreflightError(_refusal(self.target, newer, "newer"), hint=_OTHER_PLACE)
        left = _left_at(self.target)
        others = [one for one in alone if one.mtime > left]
        if others and not replace:
            hint = f"{_OTHER_PLACE} Or let --replace move them into quarantine there."
            raise PreflightError(_refusal(self.target, others, "other"), hint=hint)
        gone = {one.key for one in (*differing, *alone)}
        same = [here[one.key] for one in unknown if one.key not in gone]
        self.state.add(same)

    def _differs(self, here: Object, there: Object) -> bool:
        """Blobs have their digest for a name; links may have other content of the same length."""
        if here.size != there.size:
            return True
        if here.key.startswith(f"{BLOBS}/") or here.size > _SHORT:
            return False
        return self.source.read(here.key) != self.target.read(there.key)

    def copy(self) -> None:
        """Copy what is new or other at the source since it was copied last.

        Raises:
            PreflightError: the target is a disk with too little room.
            StorageError: one of them refuses; what was copied until then is remembered.
        """
        self.reporter.step(f"listing {self.source.name}")
        known = self.state.copied()
        wanted = [one for one in listing(self.source).values() if known.get(one.key) != one.identity]
        # what is named before what names it, for whoever looks at a copy that was cut off
        wanted.sort(key=lambda one: (not one.key.startswith(f"{BLOBS}/"), one.key))
        size = sum(one.size for one in wanted)
        self._refuse_small(size)
        self.reporter.step(f"copying {size:,} bytes, {len(wanted):,} objects")
        batch: list[Object] = []
        try:
            for one in self._all(wanted):
                batch.append(one)
                self.copied, self.size = self.copied + 1, self.size + one.size
                if len(batch) >= _BATCH:
                    self.state.add(batch)
                    batch = []
        finally:
            self.state.add(batch)

    def _refuse_small(self, size: int) -> None:
        """Refuse a disk that has no room for that many bytes, before hours are spent on copying the first of them."""
        if self.target.driver != "filesystem":
            return
        root = Path(self.target.name)
        there = os.statvfs(next(one for one in (root, *root.parents) if one.exists()))
        free = there.f_bavail * there.f_frsize
        if free < size:
            raise PreflightError(
                f"{self.target.name} has room for {free:,} bytes, and {size:,} must be copied",
                hint="Make room there, or name another place.",
            )

    def _all(self, wanted: Iterable[Object]) -> Iterator[Object]:
        """Copy each; those that are done. Few are begun ahead, so that a failure ends it soon."""
        with ThreadPoolExecutor(self.jobs) as pool:
            begun: deque[Future[Object | None]] = deque()
            for one in wanted:
                begun.append(pool.submit(self._one, one))
                if len(begun) > 4 * self.jobs:
                    yield from self._done(begun.popleft())
            while begun:
                yield from self._done(begun.popleft())

    def _done(self, one: Future[Object | None]) -> Iterator[Object]:
        found = one.result()
        self.reporter.advance()
        if found is not None:
            yield found

    def _one(self, one: Object) -> Object | None:
        made = hashlib.sha256()
        try:
            with self.source.reading(one.key) as parts:
                self.target.write(one.key, _hashed(parts, made.update), mtime=one.mtime)
        except Missing as error:
            if self.source.find(one.key) is None:  # deleted since it was listed
                return None
            raise error
        if f"{BLOBS}/sha256/" in one.key and made.hexdigest() != one.key.split("/")[-2]:
            self.damaged.append(one.key)
        return one

    def finish(self) -> dict[str, int]:
        """While nobody writes: copy the rest, move away what is at the target alone, and compare.

        Returns:
            Sums: objects, bytes, blobs; of both storages.

        Raises:
            RunFailed: they differ; names what.
        """
        self.copy()
        here, there = listing(self.source), listing(self.target)
        lost = [one for one in here.values() if one.key not in there or there[one.key].size != one.size]
        if lost:
            self.copy_again(lost)
        for key in there.keys() - here.keys():
            self.target.move(key, f"{QUARANTINE}/{self._place}/{key}")
        if self.target.driver == "filesystem":
            os.sync()
        return self.compare(here)

    def copy_again(self, objects: Iterable[Object]) -> None:
        """Copy what has got lost at the target since."""
        self.state.add(self._all(objects))

    @property
    def _place(self) -> str:
        if not (place := self.state.noted("place")):
            place = f"migration-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
            self.state.note("place", place)
        return place

    def compare(self, here: Mapping[str, Object]) -> dict[str, int]:
        """Compare the target with a listing of the source. Returns and raises as `finish`."""
        self.reporter.step("comparing")
        there, known = listing(self.target), self.state.copied()
        differing = [
            one.key
            for one in here.values()
            if one.key not in there or there[one.key].size != one.size or known.get(one.key) != one.identity
        ]
        more = sorted(there.keys() - here.keys())
        if differing or more:
            named = ", ".join([*differing, *more][:3])
            raise RunFailed(
                f"{self.target.name} is not the same as {self.source.name}: {len(differing):,} objects are missing or "
                f"differ, {len(more):,} are there alone: {named}",
                hint="Does another program write to one of them?",
            )
        blobs = sum(key.startswith(f"{BLOBS}/") for key in there)
        return {"objects": len(there), "bytes": sum(one.size for one in there.values()), "blobs": blobs}

    def mark_left(self) -> None:
        """Note in the source that it was left, and for where."""
        note = {"at": time.time_ns(), "to": self.target.name}
        self.source.write(MARK, [json.dumps(note).encode()])


def _left_at(store: Store) -> int:
    """When a migration left a storage, in nanoseconds; 0 where none did."""
    try:
        at = json.loads(store.read(MARK)).get("at")
    except (Missing, ValueError, AttributeError):
        return 0
    return at + _NANO if isinstance(at, int) else 0


def _hashed(parts: Iterator[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    for part in parts:
        update(part)
        yield part


_OTHER_PLACE = "Name an empty place."


def _refusal(store: Store, found: list[Object], what: str) -> str:
    latest = max(found, key=lambda one: one.mtime)
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(latest.mtime / _NANO))
    return (
        f"{store.name} has {what} data, which this migration has not copied: {len(found):,} objects, "
        f"the newest of {when} UTC: {latest.key}"
    )
