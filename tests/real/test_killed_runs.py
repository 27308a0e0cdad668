"""Runs that are killed or interrupted: what runs goes on serving, and the next run converges."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness import tree
from tests.harness.interrupted import (
    CONFIG,
    IMAGE,
    JOURNAL,
    JOURNAL_ONLY,
    VHOST,
    changes,
    kill_when,
    leftovers,
    shows,
    state,
    wanted,
    with_image,
)
from tests.harness.people import Person
from tests.harness.root import Root, RootMaker
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.real


@pytest.fixture
def running(running: Root) -> Root:
    return with_image(running)


def _recovers(root: Root, number: int) -> None:
    """Serves by itself, converges by one run, and then there is nothing left to do."""
    wait_for(lambda: root.client.pulls("grp/kept", IMAGE, "v1"), what="the registry serves after the kill")
    root.reconfigure()
    assert shows(root, number)
    assert not (root.path / JOURNAL).exists()
    assert root.reconfigure().nothing
    assert leftovers(root) == set()


MOMENTS: dict[str, Callable[[Root], Callable[[], bool]]] = {
    "the journal appears": lambda root: (root.path / JOURNAL).exists,
    "config.yml changes": lambda root: changes(root.path / CONFIG),
    "the vhost changes": lambda root: changes(root.path / VHOST),
    "the environment changes": lambda root: changes(root.path / "opt/gitlab/etc/registry/env/STATE"),
    "the registry restarts": lambda root: _ends(root, "registry"),
}


def _ends(root: Root, service: str) -> Callable[[], bool]:
    process = Path(f"/proc/{root.pids()[service]}")
    return lambda: not process.exists()


@pytest.mark.parametrize("moment", MOMENTS)
def test_run_killed_when(running: Root, moment: str) -> None:
    running.settings(*state(10))
    running.reconfigure()
    happened = MOMENTS[moment](running)
    running.settings(*state(11))
    assert kill_when(running, happened), f"the run ended before {moment}"
    _recovers(running, 11)


@JOURNAL_ONLY
@pytest.mark.parametrize("seed", range(10))
def test_run_killed_at_any_time(running: Root, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - wanted: the same moment for the same seed
    running.settings(*state(20 + seed))
    end = time.monotonic() + rng.uniform(0.15, 1.3)
    kill_when(running, lambda: time.monotonic() > end)
    _recovers(running, 20 + seed)


def test_killed_run_can_be_taken_back(running: Root) -> None:
    """After a kill the former settings may also be restored: nothing of the killed run stays."""
    running.settings(*state(40))
    running.reconfigure()
    before = {name: one.content for name, one in running.snapshot().items()}
    running.settings(*state(41))
    kill_when(running, changes(running.path / VHOST))
    running.settings(*state(40))
    running.reconfigure()
    assert shows(running, 40)
    assert {name: one.content for name, one in running.snapshot().items()} == before


@JOURNAL_ONLY
@pytest.mark.parametrize("seed", range(3))
def test_first_run_killed_at_any_time(make_root: RootMaker, person: Person, seed: int) -> None:
    root = make_root(person)
    root.settings(*state(30))
    rng = random.Random(f"{person.name} {seed}")  # noqa: S311 - wanted: the same moment for the same seed
    end = time.monotonic() + rng.uniform(0.2, 1.5)
    kill_when(root, lambda: time.monotonic() > end)
    root.reconfigure()
    root.client.push("grp/kept", IMAGE, "v1")
    _recovers(root, 30)
    assert root.client.pulls("grp/kept", IMAGE, "v1")


@pytest.mark.parametrize("number", ["INT", "TERM", "HUP"])
def test_interrupted_run_is_undone(running: Root, number: str) -> None:
    """Ctrl-C and the like: what was changed is put back before the process ends."""
    before, pids = running.snapshot(), running.pids()
    running.settings(*state(12))
    process = running.begin("reconfigure")
    happened = changes(running.path / CONFIG)
    while process.poll() is None and not happened():
        pass
    subprocess.run(["kill", f"-{number}", str(process.pid)], check=False)
    out, err = process.communicate(timeout=30)
    assert process.returncode not in (0, None)
    assert "Traceback" not in out + err
    changed = wanted(tree.changed(tree.timeless(before), tree.timeless(running.snapshot())))
    assert changed - {"etc/gitlab/gitlab.py"} == set()
    assert running.serves()
    assert set(running.pids()) == set(pids)
    running.reconfigure()
    assert shows(running, 12)
