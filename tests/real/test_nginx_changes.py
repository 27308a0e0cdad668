"""NGINX is restarted, and its program exchanged, without a failed request; what cannot start never ends what serves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import images
from tests.harness.downloads import halted_download
from tests.harness.load import Load
from tests.harness.people import CHECKOUT
from tests.harness.processes import Process
from tests.harness.root import Root
from tests.harness.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.one_registry("they are NGINX's processes")]
PROGRAM = Path("/usr/sbin/nginx")


def load(root: Root) -> Load:
    return Load([root.client, root.direct], pullers=4, pushers=1)


def workers(root: Root) -> list[Process]:
    return [
        one for one in root.processes() if one.program.startswith("nginx") and one.pid != root.pids()["nginx"]
    ]


def test_no_request_fails_at_its_restart(running: Root) -> None:
    with load(running) as clients:
        for _ in range(3):
            before = running.pids()["nginx"]
            running.ctl("restart", "nginx").ok()
            assert running.pids()["nginx"] != before
        done = clients.done.total()
        wait_for(lambda: clients.done.total() > done + 20, what="requests after the last restart")
    assert clients.failed == {}
    assert clients.done["push"]


def test_a_plain_restart_fails_requests(running: Root) -> None:
    """The negative control: the load would notice."""
    with load(running) as clients:
        os.kill(running.pids()["nginx"], signal.SIGTERM)
        wait_for(lambda: clients.failed, what="a failed request")
    wait_for(running.serves, what="NGINX is back")


def test_another_program_is_taken_up_and_a_broken_one_never_serves(running: Root) -> None:
    program = running.path / "nginx"
    shutil.copy2(PROGRAM, program)
    with load(running) as clients:
        running.settings(f'nginx["executable"] = "{program}"')
        assert "nginx" in str(running.reconfigure().restarted)
        assert Path(f"/proc/{running.pids()['nginx']}/exe").resolve() == program.resolve()
        # as a package does it: another file in its place
        shutil.copy2(PROGRAM, program.with_name("next"))
        program.with_name("next").replace(program)
        assert "nginx" in str(running.reconfigure().restarted)
        running.settings()
        running.reconfigure()
        assert Path(f"/proc/{running.pids()['nginx']}/exe").resolve() == PROGRAM.resolve()
    assert clients.failed == {}


def test_a_master_that_is_killed_is_replaced_without_a_failed_request(running: Root) -> None:
    with load(running) as clients:
        before = running.pids()["nginx"]
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: running.pids()["nginx"] not in (before, None), what="the next master")
        done = clients.done.total()
        wait_for(lambda: clients.done.total() > done + 20, what="requests afterwards")
    assert clients.failed == {}


def test_a_download_outlives_the_restart(running: Root) -> None:
    blob = images.layer("large", size=20_000_000)
    running.client.push("slow/app", images.image("slow", shared=[blob]), "v1")
    with halted_download(running, f"/v2/slow/app/blobs/{blob.digest}", "slow/app") as download:
        running.ctl("restart", "nginx").ok()
        download.go_on.set()
        wait_for(download.ended.is_set, what="the end of the download")
        assert bytes(download.content) == blob.content
    wait_for(lambda: len(workers(running)) == 1, what="the end of the former worker", seconds=20)


def test_workers_serve_on_while_the_new_one_cannot_start(running: Root) -> None:
    """As where a file was broken by hand: it is put right, and NGINX comes by itself."""
    conf = running.path / "var/opt/gitlab/nginx/conf/nginx.conf"
    good = conf.read_text()
    with load(running) as clients:
        conf.write_text("rubbish;\n" + good)
        result = running.ctl("restart", "nginx")
        assert result.code == 1
        conf.write_text(good)
        wait_for(lambda: running.status()["nginx"]["healthy"] or None, what="NGINX is back", seconds=40)
    assert clients.failed == {}
    wait_for(lambda: len(workers(running)) == 1, what="the end of the former worker", seconds=20)


def test_where_sockets_cannot_be_taken_over_the_gap_is_announced(running: Root) -> None:
    program = running.path / "another-nginx"
    shutil.copy2(PROGRAM, program)
    running.settings(f'nginx["executable"] = "{program}"')
    plain = running.person.command(["--root", str(running.path), "reconfigure", "--dry-run"])
    gap = "nginx answers nobody while it restarts"
    for command, announced in (
        (plain, False),
        ([sys.executable, "-m", "tests.harness.seccomp", *plain], True),
    ):
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=CHECKOUT, env=running.environment()
        )
        assert (gap in done.stdout + done.stderr) == announced
    running.settings()
    running.reconfigure()


def test_no_request_fails_where_its_folder_moves(running: Root) -> None:
    """With the folder its pid file moves, by which the next one finds the workers of the former."""
    with load(running) as clients:
        for name in ("elsewhere", "nginx"):
            running.settings(f'nginx["dir"] = "{running.path}/var/opt/gitlab/{name}"')
            assert "nginx" in str(running.reconfigure().restarted)
        done = clients.done.total()
        wait_for(lambda: clients.done.total() > done + 20, what="requests after the last restart")
    assert clients.failed == {}
    wait_for(lambda: len(workers(running)) == 1, what="the end of the former worker", seconds=20)
