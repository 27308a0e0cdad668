"""A collection that is killed leaves no outcome: who looks next reports it."""

from __future__ import annotations

import os
import signal

import pytest

from ctl.collector.collection import collect
from ctl.collector.quarantine import Quarantine
from ctl.collector.under_way import interrupted, under_way
from tests.harness import images
from tests.harness.collecting import SILENT, Silent, at_once
from tests.harness.registry_store import Store


class Ends(Silent):
    """Ends its process, or its run, when blobs are about to be moved."""

    def __init__(self, error: BaseException | None = None) -> None:
        super().__init__()
        self._error = error

    def step(self, text: str) -> None:
        """Do it."""
        if text != "moving blobs":
            return
        if self._error is not None:
            raise self._error
        os.kill(os.getpid(), signal.SIGKILL)


def killed(store: Store) -> int:
    """A collection that is killed. Returns its process."""
    child = os.fork()
    if child == 0:
        try:
            collect(str(store.root), at_once(), Ends())
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    return child


def modes(store: Store) -> list[str]:
    return [one["mode"] for one in Quarantine(str(store.root)).history()]


def test_a_killed_collection_is_reported_until_the_next_one_which_notes_it(store: Store) -> None:
    store.push("grp/app", images.image("kept"), "v1")
    child = killed(store)
    assert under_way(store.root) is None
    found = interrupted(store.root)
    assert found is not None
    assert f"process {child} on " in found
    warned = Silent()
    collect(str(store.root), at_once(), warned)
    assert [f"process {child} on " in one and "was interrupted" in one for one in warned.warnings] == [True]
    assert modes(store) == ["interrupted", "unreferenced"]
    assert interrupted(store.root) is None
    collect(str(store.root), at_once(), warned)
    assert len(warned.warnings) == 1


def test_ctrl_c_counts_as_such_and_an_error_does_not(store: Store) -> None:
    store.push("grp/app", images.image("kept"), "v1")
    with pytest.raises(OSError, match="on purpose"):
        collect(str(store.root), at_once(), Ends(OSError("on purpose")))
    assert interrupted(store.root) is None
    with pytest.raises(KeyboardInterrupt):
        collect(str(store.root), at_once(), Ends(KeyboardInterrupt()))
    assert interrupted(store.root) is not None
    collect(str(store.root), at_once(), SILENT)
    assert modes(store) == ["interrupted", "unreferenced"]
