"""Whatever signal ends or reaches a service's process: nothing that it started outlives it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from ctl.paths import Layout
from ctl.services.definition import read_definition
from ctl.services.processes import Processes
from tests.harness.people import Person
from tests.harness.root import Root, RootMaker
from tests.harness.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.one_registry("the run scripts are the same")]

SIGNALS = ("HUP", "USR1", "INT", "TERM", "KILL")


@pytest.fixture
def root(make_root: RootMaker, ordinary_user: Person) -> Root:
    """With every service of ctl's own; the issuer's account must be able to run this Python."""
    root = make_root(ordinary_user)
    root.settings('registry_auth["enable"] = True', f'registry["token_realm"] = "{root.url}"')
    root.reconfigure()
    return root


def _strays(root: Root, name: str) -> list[int]:
    layout = Layout(root.path)
    pid_file = read_definition(layout, name).pid_file
    return Processes().strays(layout.sv / name, pid_file)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def test_no_child_outlives_its_service(root: Root) -> None:
    names = sorted(root.status())
    assert {"nginx", "registry", "registry-auth"} < set(names)
    for word in SIGNALS:
        for one in root.status().values():
            os.kill(int(one["pid"]), signal.Signals[f"SIG{word}"])
        wait_for(
            lambda: all(one["pid"] for one in root.status().values()), what=f"all after {word}", seconds=60
        )
        for name in names:
            what = f"{name} after {word}: {[_command(pid) for pid in _strays(root, name)]}"
            wait_for(lambda name=name: not _strays(root, name), what=what, seconds=20)  # type: ignore[misc]
    wait_for(root.serves, what="the registry", seconds=30)
