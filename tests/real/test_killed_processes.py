"""Processes of a service that are killed, as when memory runs out: the service comes back whole, and by itself."""

from __future__ import annotations

import os
import signal

import pytest

from tests.harness.root import Root
from tests.harness.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.one_registry("NGINX is killed")]


def workers(root: Root) -> set[int]:
    """NGINX's processes but its master."""
    master = root.pids()["nginx"]
    return {
        one.pid
        for one in root.processes()
        if one.arguments[0].startswith("nginx: worker") and one.pid != master
    }


def test_a_killed_master_takes_its_workers_with_it(running: Root) -> None:
    """They would keep the ports, so that no other NGINX could serve what the settings say."""
    old, left = running.pids()["nginx"], workers(running)
    assert left
    os.kill(old, signal.SIGKILL)
    wait_for(
        lambda: not left & {one.pid for one in running.processes()}, what="the end of its workers", seconds=60
    )
    running.ctl("restart", "nginx").ok()  # returns once this very process listens at every address
    running.settings('registry["nginx"]["custom_gitlab_server_config"] = "add_header X-New yes always;"')
    running.reconfigure()
    assert running.client.get("/v2/").header("X-New") == "yes"
