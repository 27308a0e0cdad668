"""Another local CA takes the place of the present one while clients of both are served."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ctl.node.timed_end import LOCAL_CA
from ctl.paths import Layout
from ctl.timer.outcome import Outcome, read_outcome, write_outcome
from ctl.timer.task import read_tasks
from tests.harness.https import Client
from tests.harness.load import Load
from tests.harness.root import Root, kill
from tests.harness.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.one_registry("certificates are NGINX's")]
RECORD = "var/opt/gitlab/ctl/ca-renewal.json"


def given_now(root: Root, name: str) -> Client:
    """A client that has ca.crt as it is now."""
    path = root.home / name
    path.write_bytes(root.ca.read_bytes())
    return Client(root.port, path, root.sign)


def trusts(client: Client) -> bool:
    try:
        return client.get("/v2/").status == 401
    except OSError:
        return False


def authorities(root: Root) -> int:
    return root.ca.read_text().count("BEGIN CERTIFICATE")


def listed(root: Root) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = root.ctl("certificates", "--json").ok().json()["certificates"]
    return found


def test_clients_that_have_both_notice_nothing(running: Root) -> None:
    before, docker = given_now(running, "before.crt"), f"etc/docker/certs.d/localhost:{running.port}/ca.crt"
    running.ctl("trust", "--docker").ok()
    result = running.ctl("certificates", "renew", "--ca").ok()
    assert "give it to all clients until" in result.err
    assert "not managed any more" not in result.err
    both = given_now(running, "both.crt")
    assert (authorities(running), trusts(before), trusts(both)) == (2, True, True)
    assert LOCAL_CA in [one.name for one in read_tasks(Layout(running.path))]
    assert "docker: renewed" in running.ctl("trust", "--docker").ok().out
    assert running.read(docker) == running.ca.read_text()
    present, next_one = (one for one in listed(running) if one["kind"] == "ca")
    assert (present["used_by"], present["key"]["state"]) == ("signs server certificates", "matches")
    assert "takes the place of the first from" in next_one["used_by"]
    assert (next_one["key"]["state"], next_one["key"]["path"][-11:]) == ("matches", "ca-next.key")
    assert running.reconfigure().nothing
    with Load([both], pullers=2, pushers=1) as load:
        running.ctl("certificates", "renew", "--ca", "--finish").ok()
        done = load.done.total()
        wait_for(lambda: load.done.total() > done + 20, what="requests after the change")
    assert load.failed == {}
    assert (authorities(running), trusts(both), trusts(running.client)) == (1, True, True)
    # the negative control: who was not given the new one
    assert not trusts(before)
    assert "docker: renewed" in running.ctl("trust", "--docker").ok().out
    assert running.read(docker) == running.ca.read_text()
    assert [one["used_by"] for one in listed(running) if one["kind"] == "ca"] == ["signs server certificates"]
    assert running.reconfigure().nothing


def test_the_timer_finishes_also_after_a_boot(running: Root) -> None:
    layout = Layout(running.path)
    running.ctl("certificates", "renew", "--ca", "--grace", "1s").ok()
    both = given_now(running, "both.crt")
    running.ctl("stop").ok()
    write_outcome(layout, LOCAL_CA, Outcome(datetime.now(UTC) - timedelta(days=2)))
    running.ctl("start").ok()
    wait_for(lambda: authorities(running) == 1, what="the new CA alone", seconds=30)
    wait_for(lambda: LOCAL_CA not in [one.name for one in read_tasks(layout)], what="the end of the task")
    wait_for(lambda: (found := read_outcome(layout, LOCAL_CA)) and found.ended, what="the end of the run")
    assert trusts(running.client)
    assert trusts(both)


def test_one_that_was_killed_is_finished_by_the_next(running: Root) -> None:
    seen = "etc/gitlab/ssl/ca.key"
    running.ctl("certificates", "renew", "--ca").ok()
    both, before = given_now(running, "both.crt"), running.read(seen)
    process = running.begin("certificates", "renew", "--ca", "--finish")
    wait_for(lambda: running.read(seen) != before, what=f"another {seen}", seconds=30)
    kill(process)
    running.reconfigure()
    assert trusts(both)
    if (running.path / RECORD).exists():
        running.ctl("certificates", "renew", "--ca", "--finish").ok()
    assert (authorities(running), trusts(both), trusts(running.client)) == (1, True, True)
    assert not (running.path / "etc/gitlab/ssl/ca-next.key").exists()


def test_a_new_ca_of_which_a_part_is_gone_is_made_again(running: Root) -> None:
    """A key that somebody tidied up, a ca.crt that was put back; a damaged one is named by its path."""
    renew = ("certificates", "renew", "--ca")
    running.ctl(*renew).ok()
    before, first = running.ca.read_text(), running.ca.read_text().partition("-----END CERTIFICATE-----\n")
    for lose in (
        running.ca.with_name("ca-next.key").unlink,
        lambda: running.ca.write_text(first[0] + first[1]),
    ):
        lose()
        refused = running.ctl(*renew, "--finish").exits(1)
        assert "the new CA is not whole" in refused.err
        assert "Make another: ctl certificates renew --ca" in refused.err
        assert "another is made" in running.ctl(*renew).ok().err
        assert authorities(running) == 2
        assert running.ca.read_text() != before
    both = given_now(running, "both.crt")
    good = running.ca.read_text()
    running.ca.write_text("nothing\n")
    for command in ((*renew, "--finish"), ("reconfigure",)):
        assert f"{running.ca} holds no certificate in PEM form" in running.ctl(*command).exits(1).err
    running.ca.write_text(good)
    running.ctl(*renew, "--finish").ok()
    assert (authorities(running), trusts(both), running.reconfigure().nothing) == (1, True, True)


def test_what_is_no_local_ca_is_refused(running: Root) -> None:
    assert "no new CA waits" in running.ctl("certificates", "renew", "--ca", "--finish").exits(2).err
    assert "--ca" in running.ctl("certificates", "renew").exits(2).err
    path = running.path / RECORD
    path.write_text("{")
    assert "ca-renewal.json is damaged" in running.ctl("certificates", "renew", "--ca").exits(1).err
    path.write_text(json.dumps({"until": 1}))
    assert "the new CA is not whole" in running.ctl("certificates", "renew", "--ca", "--finish").exits(1).err
    path.unlink()
    given = Path(running.path / "etc/gitlab/ssl")
    running.settings(
        f'registry["nginx"]["ssl_certificate"] = "{given}/localhost.crt"',
        f'registry["nginx"]["ssl_certificate_key"] = "{given}/localhost.key"',
    )
    assert "is not of a local CA" in running.ctl("certificates", "renew", "--ca").exits(2).err
