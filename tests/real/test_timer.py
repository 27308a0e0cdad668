"""The timer under runit: takes over from the services before it, and its failures are seen."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ctl.paths import Layout
from ctl.timer.outcome import Outcome, note_outcome, read_outcome, write_outcome
from tests.harness import images
from tests.harness.root import Root
from tests.harness.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.one_registry("it has nothing to do with the registry")]
FORMER = ("letsencrypt", "logrotate")


def test_the_services_of_an_earlier_version_end(running: Root) -> None:
    for name in FORMER:
        running.write(f"opt/gitlab/sv/{name}/run", "#!/bin/sh\nexec sleep 1000\n", mode=0o755)
        (running.path / "opt/gitlab/service" / name).symlink_to(f"../sv/{name}")
    found = lambda name: running.status().get(name, {}).get("pid")  # noqa: E731
    wait_for(lambda: all(map(found, FORMER)), what="the former services")
    result = running.reconfigure()
    assert result.stopped == set(FORMER)
    assert not set(FORMER) & running.status().keys()
    assert [one.pid for one in running.processes() if one.program == "sleep"] == []
    assert running.reconfigure().nothing


def test_a_failed_task_is_in_the_status(running: Root) -> None:
    layout = Layout(running.path)
    wait_for(lambda: (layout.timer / "outcomes/logrotate.json").exists(), what="the timer")
    running.ctl("stop", "timer").ok()
    note_outcome(layout, "logrotate", 1, "the disk is full")
    running.ctl("start", "timer").ok()
    result = running.ctl("status")
    assert result.code == 1
    assert "scheduled logrotate failed on" in result.out
    found = json.loads(running.ctl("status", "--json").out)
    (task,) = found["tasks"]
    assert (task["name"], task["outcome"]["status"], found["healthy"]) == ("logrotate", 1, False)
    assert task["next"]
    note_outcome(layout, "logrotate", 0)
    running.ctl("status").ok()


@pytest.mark.parametrize("mode", ["quarantine", "read-only"])
def test_garbage_is_collected_by_time(running: Root, mode: str) -> None:
    old = images.image(f"old {mode}", size=100_000)
    running.client.push("grp/timed", old, "latest")
    running.client.push("grp/timed", images.image(f"new {mode}"), "latest")
    _age(running.path / "var/opt/gitlab/gitlab-rails/shared/registry/docker")
    layout, name = Layout(running.path), "registry-garbage-collect"
    write_outcome(layout, name, Outcome(datetime.now(UTC) - timedelta(days=9)))
    running.settings(
        'registry_garbage_collect["enable"] = True',
        f'registry_garbage_collect["mode"] = "{mode}"',
        'registry_garbage_collect["schedule"] = "30 3 * * 0"',
        'registry_garbage_collect["delete_untagged"] = True',
        'registry_garbage_collect["now_below"] = 0',
    )
    running.reconfigure()

    def ended() -> Outcome | None:
        found = read_outcome(layout, name)
        return found if found and found.ended and found.status == 0 else None

    wait_for(ended, seconds=90, what="the collection by the timer")
    assert not running.client.pulls("grp/timed", old)
    assert running.client.pulls("grp/timed", images.image(f"new {mode}"), "latest")
    running.settings()
    running.reconfigure()
    assert [one["name"] for one in json.loads(running.ctl("status", "--json").out)["tasks"]] == ["logrotate"]


def _age(folder: Path) -> None:
    """Let everything be two days old: what is newer is left alone."""
    then = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (then, then))
