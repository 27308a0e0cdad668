"""The quarantine in object storage: a copy of each object, made before the object is deleted.

In a bucket of S3 that keeps versions no blob is copied: an empty object names the version that the deletion leaves.

Its keys are as the paths in a folder (quarantine.py): `ctl-quarantine/RUN/docker/registry/v2/…`. Its lock is an object
that is written only where there is none; its time is the storage's clock, and shows that its owner is alive.
"""

from __future__ import annotations

import contextlib
import json
import math
import secrets
import tempfile
import time
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from ctl.collector import lock_owner
from ctl.collector.history import history_in, interruption, is_idle, is_interrupt, parsed
from ctl.collector.holding import HeldRun
from ctl.collector.layout import BLOBS, CURRENT, DATABASE_LOCK, QUARANTINE, REVISIONS, TAGS
from ctl.collector.managed import refuse_managed, refuse_managed_store
from ctl.collector.object_run import ObjectRun
from ctl.collector.quarantine import RUN
from ctl.errors import LockHeld
from ctl.storage.store import Missing, Object, Store

_REPORT = "run.json"
_NANO = 10**9
_ALIVE = 600 * _NANO
"""Nanoseconds for which a lock counts without being renewed: its owner was killed."""
_RENEWED = 60
"""Seconds after which it is renewed."""
_MOMENT = 1.0
"""Seconds within which no other collection can begin and end."""
_HISTORY = 1_000
"""Lines of the history that are kept."""


class ObjectQuarantine:
    """The quarantine of a bucket or container, held: `with ObjectQuarantine(store) as quarantine: …`.

    Args:
        store: its client.
        looked: what a listing has found in it, and when: used where it is of this moment.
        kept: gets the versions of what is in quarantine without a copy.

    Raises:
        LockHeld: another collection is under way.
        PreflightError: a metadata database manages the storage.
        StorageError: it cannot be written.
    """

    def __init__(
        self,
        store: Store,
        looked: tuple[float, Sequence[Object]] = (-math.inf, []),
        kept: dict[str, str] | None = None,
    ) -> None:
        self._store = store
        self._kept = {} if kept is None else kept
        self._looked = looked
        self.interrupted = ""
        self._lock = f"{QUARANTINE}/lock"
        self._history, self._idle = f"{QUARANTINE}/history.jsonl", f"{QUARANTINE}/idle.json"
        self._held = self._versioned = False
        self._renewed, self._made, self._began = 0.0, 0, 0
        self._listing: Sequence[Object] | None = None
        self._cache = _Cache(store)

    @property
    def cache(self) -> Path:
        """A copy of the file for what manifests refer to; it is put back at the end."""
        return self._cache.path

    def __enter__(self) -> ObjectQuarantine:
        owner = lock_owner.this_process_and_place().encode()
        began, listing = self._looked
        if began == -math.inf:
            refuse_managed_store(self._store)
        refuse_managed(self._store.name, any(one.key == DATABASE_LOCK for one in listing))
        if time.monotonic() - began > _MOMENT:
            began, listing = time.monotonic(), list(self._store.list(f"{QUARANTINE}/"))
        # asked first, for servers that know no conditions; the listing says what else there is, too
        keys = {one.key for one in listing}
        if self._lock in keys or not self._store.create(self._lock, owner):
            self._take_over(owner)
        elif time.monotonic() - began < _MOMENT:  # no other collection can have been between
            self._listing = listing
            self._cache.is_there = self._cache.key in keys
        self._held, self._owner = True, owner
        made = self._store.find(self._lock)
        self._versioned = self._cache.versioned = made is not None and made.version != ""
        self._began = self._made = made.mtime if made is not None else 0
        return self

    def _take_over(self, owner: bytes) -> None:
        """Take the lock of a collection that was killed: it has not renewed it for some minutes.

        Raises:
            LockHeld: it is alive.
        """
        found = self._store.find(self._lock)
        age = self._clock() - found.mtime if found is not None else _ALIVE
        former = self._text(self._lock)
        who = former.partition("\n")[0]
        if age < _ALIVE and not lock_owner.is_gone(former):
            raise LockHeld(
                f"a garbage collection of {self._store.name} is under way ({who})",
                hint="Wait for its end; the lock of one that was killed counts for 10 minutes.",
            )
        # not deleted only: to some servers an object is still there whose newest version is a deletion
        self._store.erase_all(self._lock)
        if not self._store.create(self._lock, owner):
            raise LockHeld(f"a garbage collection of {self._store.name} is under way")
        if found is not None:
            self.interrupted = who or "an unknown process"
            self.note(interruption(self.interrupted, found.mtime))

    def __exit__(self, *raised: object) -> None:
        if self._held and is_interrupt(raised):
            self.note(interruption(self._owner.decode().partition("\n")[0], self._began))
        self._cache.put_back(writable=self._held)
        if self._held and self._versioned:
            self._store.erase_all(f"{QUARANTINE}/clock")
            self._store.erase_all(self._lock)
        elif self._held:
            self._store.delete(self._lock)
        self._held = False

    def now(self) -> int:
        """The time of the storage: that of the lock, when it was just made; later that of a probe."""
        made, self._made = self._made, 0
        return made or self._clock()

    def _clock(self) -> int:
        probe = f"{QUARANTINE}/clock"
        self._store.write(probe, [b""])
        found = self._store.find(probe)
        return found.mtime if found is not None else time.time_ns()

    def _renew_lock(self) -> None:
        if self._held and time.monotonic() - self._renewed > _RENEWED:
            self._store.write(self._lock, [self._owner])
            self._renewed = time.monotonic()

    # --- runs

    def runs(self) -> list[HeldRun]:
        """What earlier collections have moved, oldest first: by one listing."""
        found: list[HeldRun] = []
        listing, self._listing = self._listing, None
        listed = self._store.list(f"{QUARANTINE}/") if listing is None else listing
        objects = (one for one in listed if one.key.startswith(f"{QUARANTINE}/") and one.key.count("/") > 1)
        for name, group in groupby(objects, lambda one: one.key.split("/")[1]):
            if not RUN.fullmatch(name):
                continue
            prefix = f"{QUARANTINE}/{name}/"
            sizes = {one.key.removeprefix(prefix): one.size for one in group}
            report = self._report(prefix) if sizes.pop(_REPORT, None) is not None else {}
            closed = report.get("closed")
            run = ObjectRun.of(name, closed if isinstance(closed, int) else None, report, sizes)
            self._kept.update(run.versions)
            found.append(run)
        return found

    def _report(self, prefix: str) -> dict[str, Any]:
        return parsed(self._store.read(prefix + _REPORT).decode("utf-8", "replace"))

    def begin(self, now: int) -> HeldRun:
        """A new run; nothing is written yet."""
        stamp = datetime.fromtimestamp(now / _NANO, UTC).strftime("%Y%m%dT%H%M%SZ")
        return ObjectRun(f"{stamp}-{secrets.token_hex(2)}")

    def label(self, run: HeldRun, report: Mapping[str, Any]) -> None:
        """Note what a run is going to do."""
        self._store.write(f"{run.where}/{_REPORT}", [json.dumps(report).encode()])

    def close(self, run: HeldRun, report: Mapping[str, Any]) -> bool:
        """Note that a run has moved its last; False where it moved nothing."""
        if not _own(run).sizes:
            return False
        content = json.dumps({**report, "closed": self.now()}).encode()
        self._store.write(f"{run.where}/{_REPORT}", [content])
        return True

    def note(self, report: dict[str, Any]) -> None:
        """Add a line to the history. Of collections that did nothing, one after the other, only the last is kept."""
        line = json.dumps(report)
        if is_idle(report):
            _replace(self._store, self._idle, line.encode(), versioned=self._versioned)
            return
        lines = [*map(json.dumps, self.history()), line][-_HISTORY:]
        content = "".join(f"{one}\n" for one in lines).encode()
        _replace(self._store, self._history, content, versioned=self._versioned)

    def history(self) -> list[dict[str, Any]]:
        """What earlier collections did, oldest first."""
        lines = history_in(self._text(self._history))
        return [*lines, *(one for one in history_in(self._text(self._idle)) if one not in lines)]

    def _text(self, key: str) -> str:
        try:
            return self._store.read(key).decode("utf-8", "replace")
        except Missing:
            return ""

    # --- moving

    def take(self, run: HeldRun, path: str) -> bool:
        """Copy what is below a path into a run, then delete it; False where nothing is there."""
        self._renew_lock()
        return bool([key for key in self._keys(path) if self._take(_own(run), key)])

    def _take(self, run: ObjectRun, key: str) -> bool:
        try:
            version, size = self._store.version(key) if self._is_kept(key) else ("", -1)
            if not version:
                self._store.copy(key, f"{run.where}/{key}")
        except Missing:
            return False
        run.sizes[key] = size  # it is in there from now on, whatever fails
        if version:
            run.versions[key] = self._kept[key] = version
            self._store.write(run.object(key), [b""])
        self._store.delete(key)
        return True

    def _is_kept(self, key: str) -> bool:
        """Whether a deletion leaves it: a blob of a bucket with versions. Links are small, and read in quarantine."""
        return self._versioned and key.startswith(f"{BLOBS}/")

    def _keys(self, path: str) -> list[str]:
        if path.startswith(f"{BLOBS}/"):
            return [f"{path}/data"]
        if f"/{REVISIONS}/" in path or "/_layers/" in path:
            return [f"{path}/link"]
        return [one.key for one in self._store.list(f"{path}/")]

    def bring_back(self, run: HeldRun, path: str) -> bool:
        """Copy it back, then delete it in the run; False where a tag was pushed again, which then stays."""
        own = _own(run)
        keys = own.keys(path)
        if not keys or (f"/{TAGS}/" in path and not self._bring_back_current(own, f"{path}/{CURRENT}")):
            return False
        for key in keys:
            if self._store.find(key) is None and key in own.versions:
                self._store.undelete(key)
            elif self._store.find(key) is None:
                self._store.copy(own.object(key), key)
            self._store.delete(own.object(key))
            del own.sizes[key]
            if own.versions.pop(key, None):
                self._kept.pop(key, None)
        return True

    def _bring_back_current(self, own: ObjectRun, key: str) -> bool:
        """Let a tag name what it named; False where it names something else by now."""
        if key not in own.sizes:  # an undoing was killed
            return True
        content = self._store.read(own.object(key))
        with contextlib.suppress(Missing):  # asked first, as for the lock
            return self._store.read(key) == content
        return self._store.create(key, content)

    def renew(self, path: str) -> None:
        """A copy is new; what was undeleted is written once more."""
        for key in filter(self._is_kept, self._keys(path)):
            former = self._store.version(key)[0]
            with self._store.reading(key) as parts:
                self._store.write(key, parts)
            self._store.erase(key, former)

    def delete(self, path: str) -> int:
        """Delete what is below a path of the storage for good, while nobody writes. Returns its bytes."""
        found = list(self._store.list(f"{path}/"))
        self._store.erase_all(f"{path}/")
        return sum(one.size for one in found)

    def purge(self, run: HeldRun, path: str) -> int:
        """Delete something in a run for good. Returns its bytes."""
        self._renew_lock()
        own, freed = _own(run), 0
        for key in own.keys(path):
            if key in own.versions:
                self._store.erase(key, own.versions[key])
                if self._store.find(key) is None:
                    self._store.undelete(key)  # of the deletion, too, nothing is left
            self._store.delete(own.object(key))
            if own.versions.pop(key, None):
                self._kept.pop(key, None)
            freed += max(0, own.sizes.pop(key))
        return freed

    def drop(self, run: HeldRun) -> None:
        """Remove what is left of a run that is empty, with all versions."""
        if not _own(run).sizes:
            self._store.erase_all(f"{run.where}/")


class _Cache:
    """A file that is kept in the storage between runs.

    Args:
        store: of the storage.

    Attributes:
        versioned: whether the storage keeps what is overwritten.
        is_there: whether it may be in the storage.
    """

    key = f"{QUARANTINE}/manifests.sqlite"

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._sum = 0
        self.versioned = False
        self.is_there = True

    @property
    def path(self) -> Path:
        """The copy; it is fetched when it is first asked for."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="ctl-manifests-")
            try:
                content = self._store.read(self.key) if self.is_there else b""
            except Missing:
                content = b""
            if content:
                self._path.write_bytes(content)
            self._sum = zlib.crc32(content)
        return self._path

    @property
    def _path(self) -> Path:
        assert self._folder is not None  # noqa: S101 - who asks has made it
        return Path(self._folder.name, "manifests.sqlite")

    def put_back(self, *, writable: bool) -> None:
        """Write it to the storage if it has changed."""
        if self._folder is None:
            return
        content = self._path.read_bytes() if self._path.exists() else b""
        if writable and content and zlib.crc32(content) != self._sum:
            _replace(self._store, self.key, content, versioned=self.versioned)
        self._folder.cleanup()
        self._folder = None


def _replace(store: Store, key: str, content: bytes, *, versioned: bool) -> None:
    """Write an object, and keep nothing of what it was before."""
    former = ""
    if versioned:
        with contextlib.suppress(Missing):
            former = store.version(key)[0]
    store.write(key, [content])
    if former:
        store.erase(key, former)


def _own(run: HeldRun) -> ObjectRun:
    assert isinstance(run, ObjectRun)  # noqa: S101 - of a quarantine in object storage
    return run
