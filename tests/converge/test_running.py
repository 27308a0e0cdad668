"""Every run looks at the processes: one that does not run with what is on disk is a change like any other."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ctl.converge import File, Item, Service, converge, reload, restart, to_json
from ctl.converge.model import Condition, Report
from tests.harness.supervisor import Bench

LATER = time.time() + 1_000_000  # also at the end of a long run of tests


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench.at(tmp_path)
    run(bench)
    bench.services.calls.clear()
    bench.observer.lines.clear()
    return bench


def items(bench: Bench, content: str = "1") -> list[Item]:
    files = [
        File(bench.layout.path("/etc/web.conf"), content=content, notifies=(restart("web"),)),
        File(bench.layout.path("/etc/web.site"), content="x", notifies=(reload("web"),)),
    ]
    return [*files, Service("web")]


def run(bench: Bench, content: str = "1", *, dry_run: bool = False) -> Report:
    return converge(
        items(bench, content),
        machine=bench.machine,
        layout=bench.layout,
        dry_run=dry_run,
        observer=bench.observer,
    )


def is_(bench: Bench, condition: Condition) -> None:
    bench.services.condition["web"] = condition


def test_one_in_order_is_no_change(bench: Bench) -> None:
    is_(bench, Condition(started=LATER, reloaded=LATER))
    report = run(bench)
    assert (report.changes, bench.services.calls) == ([], [])


@pytest.mark.parametrize(
    ("condition", "words", "call"),
    [
        (Condition(problem="keeps exiting"), "keeps exiting: restart", "restart web"),
        (Condition(suspended="is suspended (SIGSTOP)"), "is suspended (SIGSTOP): continue", "continue web"),
        (
            Condition(started=1.0, reloaded=LATER),
            "runs with an older {}/etc/web.conf: restart",
            "restart web",
        ),
        (Condition(started=LATER, reloaded=1.0), "runs with an older {}/etc/web.site: reload", "reload web"),
        (
            Condition(started=LATER, reloaded=LATER, log_problem="does not run"),
            "its log service does not run: restart it",
            "restart web/log",
        ),
    ],
)
def test_what_differs_is_mended_and_reported(
    bench: Bench, condition: Condition, words: str, call: str
) -> None:
    is_(bench, condition)
    report = run(bench, dry_run=True)
    assert bench.services.calls == []
    assert bench.observer.lines[0] == f"service[web]: {words.format(bench.layout.root)}"
    report = run(bench)
    assert bench.services.calls == [call]
    assert [change.resource for change in report.changes] == ["service[web]"]
    assert f"{report.notifications[0].action} {report.notifications[0].service}" == call
    assert report.unchanged == 2


def test_a_change_of_its_files_restarts_it_once(bench: Bench) -> None:
    is_(bench, Condition(problem="keeps exiting"))
    report = run(bench, "2")
    assert bench.services.calls == ["restart web"]
    assert [change.resource for change in report.changes] == [f"file[{bench.layout.path('/etc/web.conf')}]"]


def test_one_that_an_administrator_stopped_stays_so_and_every_run_says_it(bench: Bench) -> None:
    is_(bench, Condition(stopped=True))
    for content in ("1", "2"):
        bench.observer.lines.clear()
        report = run(bench, content)
        assert "web is stopped, and stays so: `ctl start web` starts it" in bench.observer.lines
        assert bench.services.calls == []
        assert (report.notifications, report.kept_stopped) == ([], ["web"])
    assert to_json(report)["kept_stopped"] == ["web"]


def test_a_file_from_the_future_is_no_reason(bench: Bench) -> None:
    """Another clock has written it; a service would be restarted in every run until then."""
    is_(bench, Condition(started=time.time(), reloaded=LATER))
    for name in ("web.conf", "web.site"):
        os.utime(bench.layout.path(f"/etc/{name}"), (LATER, LATER))
    assert run(bench).changes == []
