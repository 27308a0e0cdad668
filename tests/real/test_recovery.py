"""An interrupted run is undone before anything else: by the next run, by `ctl recover`, and before services start."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import processes
from tests.harness.root import Root, RootMaker

pytestmark = [
    pytest.mark.real,
    pytest.mark.one_registry("what is put back is what ctl wrote; test_interruption does it with both"),
]
JOURNAL = "var/opt/gitlab/ctl/journal"
DEFINITION = "opt/gitlab/sv/registry/ctl.json"
KILLER = """
from ctl.converge import Command
def recipe(node):
    yield Command("die", argv=["sh", "-c", "kill -9 $PPID"], guard=lambda: True)
"""
"""The last change of a run: it kills ctl between all files and the commit."""
FAILING = """
from ctl.node.runit_service import runit_service
from ctl.settings.component import Component
COMPONENT = Component("site-timer", wait=10, secondary=SECONDARY)
def recipe(node):
    yield from runit_service(node, COMPONENT, ["/bin/false"])
"""


@pytest.fixture
def root(make_root: RootMaker) -> Root:
    root = make_root()
    root.settings()
    root.reconfigure()
    return root


@pytest.fixture
def other_port(root: Root) -> int:
    return root.ports.take()


def _interrupted(root: Root, *lines: str) -> dict[str, bytes]:
    """Kill a run after its last file and before its commit. Returns the managed files as they were."""
    before = _files(root)
    recipe = root.write("etc/gitlab/recipes.d/die.py", KILLER)
    root.settings(*lines)
    assert root.ctl("reconfigure").code == -9
    assert (root.path / JOURNAL).exists()
    recipe.unlink()
    assert _files(root) != before
    return before


def _files(root: Root) -> dict[str, bytes]:
    names = [
        DEFINITION,
        "var/opt/gitlab/registry/config.yml",
        "var/opt/gitlab/nginx/conf/gitlab-registry.conf",
    ]
    return {name: (root.path / name).read_bytes() for name in names}


def _sv(root: Root, *arguments: str) -> None:
    environment = {"SVDIR": str(root.path / "opt/gitlab/service"), "PATH": os.environ["PATH"]}
    subprocess.run(["sv", *arguments], env=environment, check=True, capture_output=True)


def _port(root: Root, port: int) -> str:
    return f'registry["registry_http_addr"] = "127.0.0.1:{port}"'


def test_the_next_run_does_not_stumble_over_its_own_registry(root: Root, other_port: int) -> None:
    """The definition names a port that the running registry has not: it must not be taken for a stranger's."""
    _interrupted(root, _port(root, other_port))
    root.settings()
    report = root.reconfigure()
    assert report.nothing
    assert root.serves()
    assert root.direct.get("/v2/").status == 401


def test_neither_does_a_dry_run(root: Root, other_port: int) -> None:
    """It undoes nothing, and plans from what is there."""
    _interrupted(root, _port(root, other_port))
    root.settings()
    output = root.ctl("reconfigure", "--dry-run").ok()
    assert "an interrupted run would be undone first" in output.text
    assert (root.path / JOURNAL).exists()


def test_a_stranger_at_the_port_is_still_refused(root: Root, other_port: int) -> None:
    with socket.create_server(("127.0.0.1", other_port)):
        root.settings(_port(root, other_port))
        assert f"port {other_port}" in root.ctl("reconfigure").exits(1).err


@pytest.mark.parametrize("restarted", [False, True], ids=["goes on", "took up the torn files"])
def test_recover_puts_files_and_processes_back(root: Root, other_port: int, restarted: bool) -> None:
    before, pid = _interrupted(root, _port(root, other_port)), root.pids()["registry"]
    if restarted:
        _sv(root, "restart", "registry")
        _sv(root, "hup", "nginx")
    output = root.ctl("recover").ok()
    assert "an interrupted earlier run was undone: everything was put back" in output.text
    assert _files(root) == before
    assert root.pids()["registry"] != pid
    assert root.direct.get("/v2/").status == 401
    assert root.serves()
    assert "no run was interrupted" in root.ctl("recover").ok().text


def test_recover_in_json(root: Root, other_port: int) -> None:
    _interrupted(root, _port(root, other_port))
    found = root.ctl("recover", "--json").ok().json()
    assert found == {"interrupted": True, "remains": [], "broken_before": [], "journal_set_aside": None}
    assert root.ctl("recover", "--json").ok().json() == {"interrupted": False}


@pytest.mark.parametrize("verb", ["start", "restart", "hup"])
def test_no_service_starts_with_half_a_change(root: Root, other_port: int, verb: str) -> None:
    before = _interrupted(root, _port(root, other_port))
    if verb == "start":  # the first after a boot
        processes.end_all(root.path)
    root.ctl(verb).ok()
    assert _files(root) == before
    assert root.ctl("start").ok()
    assert root.direct.get("/v2/").status == 401
    assert root.serves()


def test_a_run_that_is_under_way_is_not_undone(root: Root) -> None:
    (root.path / "etc/gitlab/recipes.d").mkdir(parents=True)
    go = root.path / "go"
    waiting = KILLER.replace("kill -9 $PPID", f"until [ -e {go} ]; do sleep 0.05; done")
    root.write("etc/gitlab/recipes.d/wait.py", waiting)
    root.settings('registry["log_level"] = "debug"')
    run = root.begin("reconfigure")
    while not (root.path / JOURNAL).exists():
        assert run.poll() is None
    assert "another run is under way" in root.ctl("recover").exits(75).err
    root.ctl("start").ok()
    assert (root.path / JOURNAL).exists()
    go.touch()
    assert run.wait(timeout=60) == 0
    run.communicate()


def _damaged(root: Root) -> Iterator[bytes]:
    records = (root.path / JOURNAL / "records").read_bytes()
    lines = records.splitlines(keepends=True)
    body = json.dumps({"kind": "remove", "path": str(root.path)}).encode()
    impossible = b"%08x %b\n" % (zlib.crc32(body), body)
    yield b"".join([*lines[:2], b"\0" * len(lines[2]), *lines[3:], impossible])
    yield b"\0" * len(records)


@pytest.mark.parametrize("number", [0, 1], ids=["one record, and one that can never be carried out", "all"])
def test_a_damaged_journal_stops_no_run(root: Root, other_port: int, number: int) -> None:
    _interrupted(root, _port(root, other_port))
    records = root.path / JOURNAL / "records"
    records.write_bytes(list(_damaged(root))[number])
    root.settings()
    output = root.ctl("reconfigure").ok()
    assert "could not be read in the journal" in output.text
    assert "error in ctl" not in output.text
    assert (f"{root.path}: Is a directory" in output.text) is (number == 0)
    kept = list((root.path / "var/opt/gitlab/ctl").glob("journal-damaged-*"))
    assert len(kept) == 1
    assert str(kept[0]) in output.text
    assert root.serves()
    assert root.direct.get("/v2/").status == 401
    assert root.reconfigure().nothing


def _site_timer(root: Root, *, secondary: bool) -> None:
    root.write("etc/gitlab/recipes.d/timer.py", FAILING.replace("SECONDARY", str(secondary)))


def test_a_secondary_service_does_not_take_the_registry_down(make_root: RootMaker) -> None:
    root = make_root()
    root.settings()
    _site_timer(root, secondary=True)
    result = root.ctl("reconfigure").exits(1)
    assert "site-timer" in result.err
    assert "Everything else is as the settings say" in result.err
    assert root.serves()


def test_a_failed_first_run_leaves_no_process(make_root: RootMaker) -> None:
    """The control: a service that is not secondary does; then everything ends, the supervisor too."""
    root = make_root()
    root.settings()
    _site_timer(root, secondary=False)
    result = root.ctl("reconfigure").exits(1)
    assert "site-timer" in result.err
    assert "put back" in result.err
    assert root.processes() == []


def test_nothing_is_written_for_settings_that_are_wrong(make_root: RootMaker) -> None:
    root = make_root(seeded=False)
    root.settings('registry["log_levle"] = "info"')
    before = root.snapshot()
    root.ctl("reconfigure").exits(2)
    assert root.snapshot() == before
    assert not (root.path / "var").exists()


def test_the_report_of_recovery_is_in_json(root: Root, other_port: int) -> None:
    _interrupted(root, _port(root, other_port))
    root.settings()
    assert json.loads(root.ctl("reconfigure", "--json").ok().out)["recovered"] is True


def test_what_was_broken_before_is_reported_as_such(root: Root, tmp_path: Path) -> None:
    """The former configuration, changed by hand, lets no registry start: the run that fails did not break it."""
    config = root.path / "var/opt/gitlab/registry/config.yml"
    config.write_text(config.read_text().replace("version: 0.1", "version: 7"))
    pid = root.pids()["registry"]
    os.kill(pid, 9)
    recipe = root.write(
        "etc/gitlab/recipes.d/fail.py",
        KILLER.replace("kill -9 $PPID", "exit 1").replace("guard", 'undo=["true"], guard'),
    )
    root.settings('registry["log_level"] = "debug"')
    result = root.ctl("reconfigure", timeout=120).exits(1)
    assert "everything was put back" in result.err
    recipe.unlink()
    root.reconfigure()
    assert root.serves()
