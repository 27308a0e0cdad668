"""NGINX's own logs are rotated, and it goes on writing to the new ones."""

from __future__ import annotations

import subprocess

import pytest

from tests.real.harness.root import Root
from tests.real.harness.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.one_registry("they are NGINX's logs")]


def test_a_large_log_is_rotated_and_written_anew(running: Root) -> None:
    running.settings('nginx["svlogd_size"] = 1_024', 'nginx["svlogd_num"] = 3')
    running.reconfigure()
    log = running.path / "var/log/gitlab/nginx/gitlab_registry_access.log"
    for number in range(20):
        running.client.get(f"/v2/?before={number}")
    wait_for(lambda: log.stat().st_size > 1_024, what="a large log")

    folder = running.path / "var/opt/gitlab/logrotate"
    rotate = ["/usr/sbin/logrotate", "--state", str(folder / "status"), str(folder / "logrotate.conf")]
    subprocess.run(rotate, check=True, cwd="/")
    assert log.with_name(f"{log.name}.1.gz").exists()
    assert log.stat().st_mode & 0o007 == 0

    def is_written() -> bool:
        running.client.get("/v2/")
        return log.stat().st_size > 0

    wait_for(is_written, what="the new log")


def test_the_rotating_service_ends_without_leaving_anything(running: Root) -> None:
    def sleepers() -> list[int]:
        return [process.pid for process in running.processes() if process.program == "sleep"]

    wait_for(lambda: len(sleepers()) == 1, what="its pause")
    running.ctl("stop", "logrotate").ok()
    assert sleepers() == []
    running.ctl("start", "logrotate").ok()
