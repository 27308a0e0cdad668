"""Repairs: what is damaged goes into quarantine beside the images, whole, and can be brought back."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ctl.collector.layout import QUARANTINE
from ctl.errors import RunFailed
from ctl.images.fsck.fault import Fault, Folder, Quarantined, Step, Written
from ctl.storage.store import Missing, StorageError, Store

_RUN = re.compile(r"fsck-\d{8}T\d{6}Z-[0-9a-f]{4}")
"""Not the name of a collection's run: what an image needs would be brought back by the next one, damage and all."""
_WRITTEN = "it was written meanwhile, and is left alone; look again"


class Repair:
    """Repairs a storage.

    Args:
        store: the storage, with the rights of the registry's account.

    Attributes:
        run: its name, by which what was moved can be brought back.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.run = f"fsck-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        self._moved = False

    @property
    def place(self) -> str:
        """Where what was moved is; "" where nothing was."""
        return f"{self.store.name}/{QUARANTINE}/{self.run}" if self._moved else ""

    def repair(self, faults: Iterable[Fault]) -> list[Fault]:
        """Do what repairs each. Returns those that only people can repair, or that could not be, with the reason.

        Where a push has written since what is damaged, its repair would take that push away.
        """
        left: list[Fault] = []
        done = set[Step]()
        for fault in faults:
            try:
                if fault.steps and not done.intersection(fault.steps) and not self._is_still(fault):
                    left.append(replace(fault, remedy=_WRITTEN))
                    continue
                self._do_all(fault.steps, done)
            except StorageError as error:
                left.append(replace(fault, remedy=f"it could not be repaired: {error.message}"))
            else:
                left += [] if fault.steps else [fault]
        return left

    def _is_still(self, fault: Fault) -> bool:
        """Whether everything is as it was seen. Listed, as it was then: other answers have other times."""
        for key, identity in fault.seen:
            found = {one.key: one.identity for one in self.store.list(f"{key.rpartition('/')[0]}/")}
            if found.get(key, "") != identity:
                return False
        return True

    def _do_all(self, steps: Iterable[Step], done: set[Step]) -> None:
        for step in steps:
            if step not in done:
                self._do(step)
                done.add(step)

    def _do(self, step: Step) -> None:
        if isinstance(step, Written):
            self.store.write(step.key, [step.content])
        elif isinstance(step, Folder):
            self._make(step.key)
        elif isinstance(step, Quarantined):
            self._quarantine([step.key])
        else:
            self._quarantine([one.key for one in self.store.list(step.key)])

    def _make(self, key: str) -> None:
        """A folder is made on a file system only: elsewhere the first link below it makes it."""
        if self.store.driver == "filesystem":
            Path(self.store.name, key).mkdir(parents=True, exist_ok=True)

    def _quarantine(self, keys: Iterable[str]) -> None:
        for key in keys:
            try:
                self.store.move(key, f"{QUARANTINE}/{self.run}/{key}")
            except Missing:  # an earlier step has moved it
                continue
            self._moved = True


def restore(store: Store, run: str) -> int:
    """Bring back what a repair has moved into quarantine, except where something is there again.

    Returns:
        How many objects came back.

    Raises:
        RunFailed: there is no such run.
    """
    prefix = f"{QUARANTINE}/{run}/"
    found = list(store.list(prefix)) if _RUN.fullmatch(run) else []
    if not found:
        raise RunFailed(f"{store.name}/{QUARANTINE}: there is no repair {json.dumps(run)}")
    back = 0
    for one in found:
        key = one.key.removeprefix(prefix)
        if store.find(key) is None and not key.endswith("/empty-object"):
            store.move(one.key, key)
            back += 1
    return back
