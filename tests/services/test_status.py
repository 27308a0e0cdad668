"""sv's lines, as measured with runit 2.1.2, read into their parts."""

from __future__ import annotations

import pytest

from ctl.services.status import Status, parse_status

LOG = "; run: log: (pid 5138) 12s"


def test_running_service_with_log() -> None:
    status = parse_status(f"run: registry: (pid 5139) 12s{LOG}")
    assert (status.name, status.state, status.pid, status.seconds) == ("registry", "run", 5139, 12)
    assert status.line == "run: registry: (pid 5139) 12s"
    assert status.log == Status("log", "run", "run: log: (pid 5138) 12s", pid=5138, seconds=12)
    assert status.runs
    assert status.healthy
    assert not status.stopped


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("run: registry: (pid 5139) 0s, want down", {"want": "down"}),
        ("run: registry: (pid 5615) 0s, got TERM", {"got": "TERM"}),
        ("run: registry: (pid 3) 1s, want down, got TERM", {"want": "down", "got": "TERM"}),
        ("run: registry: (pid 5755) 1s, normally down, want down", {"normally": "down", "want": "down"}),
        ("run: registry: (pid 9) 4s, paused", {"paused": True}),
        ("down: registry: 0s, normally up", {"normally": "up", "want": None, "pid": None}),
        ("down: registry: 0s, normally up, want up", {"normally": "up", "want": "up"}),
        ("finish: registry: (pid 7) 0s, want down", {"pid": 7, "want": "down"}),
    ],
)
def test_not_well(line: str, parts: dict[str, object]) -> None:
    for status in (parse_status(line), parse_status(line + LOG)):
        assert {name: getattr(status, name) for name in parts} == parts
        assert status.line == line
        assert not status.runs
        assert not status.healthy


@pytest.mark.parametrize(
    ("line", "stopped", "crashing"),
    [
        ("down: x: 5s, normally up", True, False),
        ("down: x: 5s", True, False),
        ("down: x: 0s, normally up, want up", False, True),
        ("run: x: (pid 1) 5s, want down, got TERM", True, False),
        ("run: x: (pid 1) 5s, got TERM", False, False),
        ("finish: x: (pid 1) 5s, want down", True, False),
        ("run: x: (pid 1) 5s", False, False),
        ("fail: x: runsv not running", False, False),
    ],
)
def test_stopped_on_purpose_or_crashing(line: str, stopped: bool, crashing: bool) -> None:
    status = parse_status(line)
    assert (status.stopped, status.crashing) == (stopped, crashing)


def test_service_without_a_working_log_is_not_healthy() -> None:
    status = parse_status("run: xx: (pid 3830) 3s; down: log: 0s, normally up, want up")
    assert status.runs
    assert not status.healthy


def test_log_that_is_not_yet_in_charge() -> None:
    status = parse_status("run: registry: (pid 5) 0s; fail: registry/log: runsv not running")
    assert status.runs
    assert not status.healthy
    assert status.log
    assert status.log.reason == "runsv not running"


@pytest.mark.parametrize("outcome", ["ok", "timeout", "kill"])
def test_lines_of_other_commands(outcome: str) -> None:
    status = parse_status(f"{outcome}: run: registry: (pid 5) 1s")
    assert (status.state, status.pid) == ("run", 5)


def test_service_that_sv_cannot_look_at() -> None:
    missing = parse_status("fail: nosuch: unable to change to service directory: file does not exist")
    assert (missing.state, missing.healthy, missing.denied) == ("fail", False, False)
    denied = parse_status("warning: registry: unable to open supervise/ok: access denied")
    assert denied.denied
    assert denied.reason == "unable to open supervise/ok: access denied"


@pytest.mark.parametrize("line", ["", "usage: sv", "run: x", "sv: fatal: out of memory"])
def test_what_is_no_status_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="not a line of sv"):
        parse_status(line)
