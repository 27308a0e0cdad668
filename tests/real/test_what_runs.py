"""Every run looks at the processes, and "0 changed" means that the machine is right."""

from __future__ import annotations

import os
import shutil
import signal

import psutil
import pytest

from tests.harness.root import Root
from tests.harness.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.one_registry("the supervisor's part is the same with any")]


def words(root: Root, *arguments: str) -> str:
    return root.ctl("reconfigure", *arguments).ok().out


def kill_runsv(root: Root, name: str) -> None:
    """Its process goes on, and keeps the address and the log's folder of the one that runsv's successor starts."""
    parents = psutil.Process(root.pids()[name]).parents()
    next(one for one in parents if one.name() == "runsv").kill()


def test_a_registry_that_runs_with_older_files_is_restarted(running: Root) -> None:
    pid, config = running.pids()["registry"], running.path / "var/opt/gitlab/registry/config.yml"
    os.utime(config)
    assert f"service[registry]: runs with an older {config}: restart" in words(running, "--dry-run")
    assert running.pids()["registry"] == pid
    assert "registry restarted" in words(running)
    assert running.pids()["registry"] != pid
    assert running.serves()
    assert running.reconfigure().nothing


def test_nginx_that_runs_with_older_files_is_reloaded(running: Root) -> None:
    pid, config = running.pids()["nginx"], running.path / "var/opt/gitlab/nginx/conf/nginx.conf"
    os.utime(config)
    report = running.reconfigure()
    assert report.reloaded == {"nginx"}
    assert not report.restarted
    assert running.pids()["nginx"] == pid
    assert running.reconfigure().nothing


def test_what_is_known_of_a_service_is_written_anew(running: Root) -> None:
    """A power cut may have left it empty: that is no reason for a run, nor a restart, to wait."""
    pids = running.lasting_pids()
    for name, content in (("registry", ""), ("nginx", "{")):
        running.write(f"opt/gitlab/sv/{name}/ctl.json", content)
    result = running.ctl("status", "--json").exits(1).json()
    assert "ctl.json is damaged: Expecting value" in result["reason"]
    assert "(`ctl reconfigure` writes it anew)" in result["reason"]
    assert words(running).splitlines()[-1].startswith("2 changed")
    assert running.lasting_pids() == pids
    running.ctl("status").ok()


def test_what_an_administrator_stopped_stays_stopped(running: Root) -> None:
    running.ctl("stop", "registry").ok()
    out = words(running)
    assert "registry is stopped, and stays so: `ctl start registry` starts it" in out
    assert "registry stays stopped" in out.splitlines()[-1]
    running.settings('registry["log_level"] = "debug"')
    out = words(running)
    assert "registry restarted" not in out
    assert running.status()["registry"]["state"] == "down"
    running.ctl("start", "registry").ok()
    assert running.reconfigure().nothing


@pytest.mark.parametrize("name", ["registry", "nginx"])
def test_a_service_that_has_lost_its_runsv_is_taken_back(running: Root, name: str) -> None:
    former = running.pids()[name]
    kill_runsv(running, name)
    wait_for(lambda: running.status()[name]["pid"] not in (None, former))
    running.reconfigure()
    assert running.serves()
    assert former not in [one.pid for one in running.processes()]
    assert running.reconfigure().nothing


def test_removed_definitions_come_back_and_nobody_is_asked_to_end_a_process(running: Root) -> None:
    shutil.rmtree(running.path / "opt/gitlab/sv")
    running.reconfigure()
    assert running.serves()
    assert running.reconfigure().nothing


def test_a_suspended_registry_goes_on(running: Root) -> None:
    pid = running.pids()["registry"]
    os.kill(pid, signal.SIGSTOP)
    assert "service[registry]: is suspended (SIGSTOP): continue" in words(running)
    assert running.serves()
    assert running.pids()["registry"] == pid


def test_a_registry_that_keeps_exiting_is_no_success(running: Root) -> None:
    """No file differs: only its processes show that it is not well; once its program can run again, it is."""
    fails = running.path / "bin/fails"
    text = f'#!/bin/sh\n[ "$1" = serve ] && [ -e {fails} ] && exit 7\nexec {running.registry.program} "$@"\n'
    program = running.write("bin/registry", text, mode=0o755)
    running.settings(f'registry["executable"] = "{program}"')
    running.reconfigure()
    fails.touch()
    os.kill(running.pids()["registry"], signal.SIGKILL)
    result = running.ctl("reconfigure").exits(1)
    assert "registry keeps exiting" in result.text
    assert "0 changed" not in result.out
    fails.unlink()
    running.reconfigure()
    assert running.serves()
    assert running.reconfigure().nothing
