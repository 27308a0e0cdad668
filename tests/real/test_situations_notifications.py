"""Notifications: which events are sent, with which headers, and what becomes of endpoints that fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

import pytest
import yaml

from tests.harness import images
from tests.harness.listener import Listener, listening
from tests.harness.root import Root, RootMaker
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.real

WARNINGS: list[str] = []
"""What the first run of this module's root printed on standard error."""
DEBUG: list[int] = []
"""The port of the registry's debug server, which says how it read its configuration."""
ENDPOINTS = """\
registry["default_notifications_headers"] = {{"X-Site": ["main"], "Authorization": ["everybody's"]}}
registry["default_notifications_timeout"] = "2s"
registry["default_notifications_backoff"] = "200ms"
registry["notifications"] = [
    {{"name": "all", "url": "{url}/all", "headers": {{"authorization": ["its own"]}}}},
    {{"name": "chosen", "url": "{url}/chosen",
      "ignore": {{"mediatypes": ["application/octet-stream"], "actions": ["pull"]}}}},
    {{"name": "older", "url": "{url}/older", "ignoredmediatypes": ["application/octet-stream"]}},
    {{"name": "failing", "url": "{url}/failing", "maxretries": 2, "backoff": "100ms"}},
    {{"name": "both", "url": "{url}/both", "threshold": 4, "maxretries": 7}},
    {{"name": "off", "url": "{url}/off", "disabled": True}},
]
"""


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    """The receiver of all endpoints; one of them refuses the first three deliveries."""
    with listening() as found:
        found.failures["/failing"] = 3
        yield found


@pytest.fixture(scope="module")
def module_root(module_root_maker: RootMaker, listener: Listener) -> Root:
    """A registry with five endpoints, to which one image was pushed, and pulled."""
    root = module_root_maker()
    DEBUG[:] = [root.ports.take()]
    root.settings(ENDPOINTS.format(url=listener.url), f'registry["debug_addr"] = "127.0.0.1:{DEBUG[0]}"')
    WARNINGS[:] = [root.ctl("reconfigure").ok().err]
    root.client.push("grp/noted", images.image("noted"), "v1")
    assert root.client.pulls("grp/noted", images.image("noted"), "v1")
    return root


def arrived(listener: Listener, path: str, what: str) -> set[tuple[str, str]]:
    """Action and media type of all that came to an endpoint, once this action has come for the manifest."""
    wanted = (what, images.MANIFEST)
    wait_for(lambda: wanted in {one.about for one in listener.at(path)}, seconds=30, what=f"{path} {wanted}")
    return {one.about for one in listener.at(path)}


def test_every_event_arrives_with_its_headers(running: Root, listener: Listener) -> None:
    found = arrived(listener, "/all", "pull")
    assert {("push", images.MANIFEST), ("push", "application/octet-stream")} <= found
    assert {one.repository for one in listener.at("/all")} == {"grp/noted"}
    for event in listener.at("/all"):
        assert event.headers.get_all("Authorization") == ["its own"], "it wins over the default, in any case"
        assert event.headers["X-Site"] == "main"
    for event in listener.at("/chosen"):
        assert event.headers.get_all("Authorization") == ["everybody's"]


def test_ignored_events_are_not_sent(running: Root, listener: Listener) -> None:
    arrived(listener, "/all", "pull")
    assert arrived(listener, "/chosen", "push") == {("push", images.MANIFEST)}
    older = arrived(listener, "/older", "pull")
    assert older == {("push", images.MANIFEST), ("pull", images.MANIFEST)}
    assert listener.at("/off") == []


def test_what_fails_is_sent_again_after_the_backoff(running: Root, listener: Listener) -> None:
    arrived(listener, "/all", "pull")
    found = arrived(listener, "/failing", "pull")
    assert ("push", images.MANIFEST) in found
    assert listener.refused == {"/failing": 3}

    def ids(path: str) -> list[str]:
        return sorted(one.content["id"] for one in listener.at(path))

    # blobs are pulled after the manifest, and their events may come later than its own
    wait_for(lambda: ids("/failing") == ids("/all"), seconds=30, what="every event: nothing was lost")


def test_retries_reach_the_program_as_its_threshold(running: Root) -> None:
    with urlopen(f"http://127.0.0.1:{DEBUG[0]}/debug/vars", timeout=10) as answer:
        endpoints = json.load(answer)["registry"]["notifications"]["endpoints"]
    thresholds = {one["name"]: one["Threshold"] for one in endpoints}
    assert thresholds == {"all": 10, "chosen": 10, "older": 10, "failing": 2, "both": 4}
    config: Any = yaml.safe_load(running.read("var/opt/gitlab/registry/config.yml"))
    assert not any("maxretries" in one for one in config["notifications"]["endpoints"])
    assert "deprecated" not in WARNINGS[0]
    assert "maxretries of both has no effect" in WARNINGS[0]


def test_headers_stay_out_of_the_log(running: Root) -> None:
    log = running.read("var/log/gitlab/registry/current")
    assert "its own" not in log
    assert "everybody's" not in log
