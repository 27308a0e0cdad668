"""NGINX's own logs are rotated, and it goes on writing to the new ones."""

from __future__ import annotations

import re
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ctl.paths import Layout
from ctl.timer.outcome import Outcome, write_outcome
from tests.harness.root import Root
from tests.harness.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.one_registry("they are NGINX's logs")]


def test_a_large_log_is_rotated_and_written_anew(running: Root) -> None:
    running.settings('nginx["svlogd_size"] = 1_024', 'nginx["svlogd_num"] = 3')
    running.reconfigure()
    log = running.path / "var/log/gitlab/nginx/gitlab_registry_access.log"
    for number in range(20):
        running.client.manifest("before", f"v{number}")
    wait_for(lambda: log.stat().st_size > 1_024, what="a large log")

    write_outcome(Layout(running.path), "logrotate", Outcome(datetime.now(UTC) - timedelta(hours=1)))
    running.ctl("restart", "timer").ok()
    wait_for(log.with_name(f"{log.name}.1.gz").exists, what="rotation by the timer")
    wait_for(log.exists, what="the new log")
    assert log.stat().st_mode & 0o007 == 0

    def is_written() -> bool:
        running.client.manifest("after", "v1")
        return log.stat().st_size > 0

    wait_for(is_written, what="the new log")


@pytest.mark.one_registry
def test_the_vhost_logs_where_it_is_configured_to_and_is_rotated_there(running: Root) -> None:
    """The seed of many nodes: registry_nginx['log_directory'], with logs that are kept for a week."""
    folder = "/var/log/gitlab/registry-web"
    running.settings(
        f'registry["nginx"]["log_directory"] = "{folder}"',
        'logging["logrotate_size"] = "1"',
        'logging["logrotate_dateformat"] = "-%Y%m%d-%s"',
        'nginx["logrotate_compress"] = "nocompress"',
        'nginx["logrotate_rotate"] = 2',
    )
    running.reconfigure()
    log = running.path / folder.lstrip("/") / "gitlab_registry_access.log"
    other = log.with_name("of-another-program.log")
    other.write_text("a line\n")
    config = running.path / "var/opt/gitlab/logrotate"
    rotate = ["/usr/sbin/logrotate", "--state", str(config / "status"), str(config / "logrotate.conf")]
    for number in range(3):
        running.client.manifest(f"app-{number}", "v1")
        wait_for(lambda n=number: f"/v2/app-{n}" in log.read_text(), what="the request in the log")  # type: ignore[misc]
        subprocess.run(rotate, check=True, cwd="/")
        wait_for(lambda: int(time.time()) != rotated(log)[-1], what="the next second")
    assert len(rotated(log)) == 2, "the oldest has gone"
    assert other.read_text() == "a line\n"
    running.settings()
    running.reconfigure()


def rotated(log: Path) -> list[int]:
    """The times in the names of rotated logs."""
    found = [
        re.fullmatch(rf"{re.escape(log.name)}-[0-9]{{8}}-([0-9]+)", one.name) for one in log.parent.iterdir()
    ]
    return sorted(int(one[1]) for one in found if one)


@pytest.mark.one_registry
def test_logs_in_a_folder_with_an_odd_name(running: Root) -> None:
    """NGINX, svlogd, the shell and logrotate each quote it in their own way."""
    name = """/var/log/gitlab/web's {1} [new] "logs" """.strip()
    running.settings(f'nginx["log_directory"] = {name!r}', 'nginx["svlogd_size"] = 64')
    running.reconfigure()
    log = running.path / name.lstrip("/") / "gitlab_registry_access.log"
    running.client.manifest("odd", "v1")
    wait_for(lambda: "/v2/odd" in log.read_text(), what="the request in the log")
    assert (log.parent / "current").exists(), "svlogd writes there too"
    folder = running.path / "var/opt/gitlab/logrotate"
    rotate = ["/usr/sbin/logrotate", "--state", str(folder / "status"), str(folder / "logrotate.conf")]
    done = subprocess.run(rotate, check=True, cwd="/", capture_output=True, text=True)
    assert done.stderr == ""
    assert log.with_name(f"{log.name}.1.gz").exists()
    assert running.reconfigure().nothing
