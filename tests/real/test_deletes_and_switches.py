"""A blob that is deleted while the registry's process is exchanged: each process remembers blobs in its own memory."""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from ctl.graceful.control import Control
from ctl.graceful.instance import Instance
from tests.harness import images
from tests.harness.https import Client, UnixConnection
from tests.harness.root import Root, RootMaker
from tests.harness.s3 import S3Server
from tests.harness.slow_s3 import Deletions, slow_deletions
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.real
NAME = "del/app"


def pushed(root: Root, seed: str) -> str:
    """Push an image. Returns the path of its layer."""
    image = images.image(seed)
    digest = root.client.push(NAME, image, seed)
    return f"/v2/{NAME}/blobs/{next(one for one in image.family() if one != digest)}"


def seen(client: Client, path: str) -> int:
    return client.authorised("HEAD", path, repository=NAME).status


def ask(root: Root, instance: Instance, method: str, path: str, actions: str = "pull") -> int:
    """What one process answers, past NGINX."""
    link = UnixConnection(Path(instance.socket), seconds=60.0)
    link.request(method, path, headers={"Authorization": f"Bearer {root.sign(NAME, actions)}"})
    status = link.getresponse().status
    link.close()
    return status


def control(root: Root) -> Control:
    return Control(root.path / "var/opt/gitlab/run/registry")


def test_what_is_deleted_before_a_switch_is_gone_for_clients_after_it(running: Root) -> None:
    """The former process remembered it, the next one has nothing to remember."""
    path = pushed(running, "before")
    assert seen(running.client, path) == 200
    assert running.client.authorised("DELETE", path, repository=NAME, actions="*").status == 202
    running.ctl("restart", "registry").ok()
    assert {seen(one, path) for one in (running.client, running.direct)} == {404}
    wait_for(lambda: [one.state for one in control(running).instances()] == ["current"], what="one switch")


def test_clients_do_not_see_which_process_answers(running: Root) -> None:
    current = control(running).current()
    assert current is not None
    link = UnixConnection(Path(current.socket))
    link.request("GET", "/v2/")
    assert link.getresponse().getheader("Process") == Path(current.socket).name
    link.close()
    assert [one.get("/v2/").header("Process") for one in (running.client, running.direct)] == ["", ""]


def test_what_is_deleted_while_the_next_process_waits_is_gone_for_clients(running: Root) -> None:
    """It has started, and is asked for its health, before the deletion; that asks for no blob."""
    path = pushed(running, "candidate")
    assert seen(running.client, path) == 200
    master = control(running)
    candidate = master.start(60)
    wait_for(candidate.accepts, what="the next process")
    assert running.client.authorised("DELETE", path, repository=NAME, actions="*").status == 202
    master.promote(candidate.number)
    assert {seen(one, path) for one in (running.client, running.direct)} == {404}


def test_what_a_process_was_asked_before_it_remembers_after_a_deletion_by_another(running: Root) -> None:
    """The control: were the next process asked for blobs, it would answer with what has gone."""
    path = pushed(running, "remembered")
    master = control(running)
    candidate = master.start(60)
    wait_for(candidate.accepts, what="the next process")
    assert ask(running, candidate, "HEAD", path) == 200
    assert running.client.authorised("DELETE", path, repository=NAME, actions="*").status == 202
    assert ask(running, candidate, "HEAD", path) == 200
    master.promote(candidate.number)
    assert seen(running.client, path) == 200
    running.ctl("restart", "registry").ok()
    assert seen(running.client, path) == 404


@contextmanager
def deletion_under_way(root: Root, path: str) -> Iterator[tuple[Instance, list[int]]]:
    """A deletion that has reached the process that serves, which is stopped.

    Yields:
        That process, and what the client was answered, once it goes on.
    """
    former, found = control(root).current(), []
    assert former is not None
    os.kill(former.pid, signal.SIGSTOP)
    ask_for_it = root.client.authorised
    client = threading.Thread(
        target=lambda: found.append(ask_for_it("DELETE", path, repository=NAME, actions="*").status)
    )
    client.start()
    wait_for(lambda: former.connections() > 0, what="the deletion waits in the former process")
    try:
        yield former, found
    finally:
        with suppress(ProcessLookupError):  # it had only that to do
            os.kill(former.pid, signal.SIGCONT)
        client.join()


def test_a_deletion_under_way_at_a_switch_is_seen_by_the_next_process(running: Root) -> None:
    """Requests wait for some moments until the former process has answered its own."""
    path = pushed(running, "across")
    master, answers = control(running), []
    candidate = master.start(60)
    wait_for(candidate.accepts, what="the next process")
    with deletion_under_way(running, path) as (former, found):
        promotion = threading.Thread(target=master.promote, args=[candidate.number])
        promotion.start()
        wait_for(lambda: stopped(candidate), what="the switch")
        client = threading.Thread(target=lambda: answers.append(seen(running.client, path)))
        client.start()
        wait_for(lambda: candidate.connections() > 0, what="a question for the blob")
        os.kill(former.pid, signal.SIGCONT)
        promotion.join()
        client.join()
    assert (found, answers) == ([202], [404])
    assert {seen(one, path) for one in (running.client, running.direct)} == {404}


@pytest.fixture
def bucket(make_root: RootMaker) -> Iterator[tuple[Root, Deletions]]:
    """A registry whose images are in a slow S3."""
    with S3Server() as server, slow_deletions(server.port) as deletions:
        server.make_bucket("images")
        keys = {"accesskey": "test", "secretkey": "test-key", "region": "us-east-1", "bucket": "images"}
        storage = {"s3": {**keys, "regionendpoint": deletions.endpoint}, "redirect": {"disable": True}}
        root = make_root()
        root.settings(f'registry["storage"] = {storage!r}')
        root.reconfigure()
        yield root, deletions


def test_a_deletion_that_takes_longer_is_seen_when_it_has_ended(bucket: tuple[Root, Deletions]) -> None:
    """A fresh process takes over. Not during a run, which may have written half of its files: that is the control."""
    root, deletions = bucket
    path = pushed(root, "long")
    master, found = control(root), []
    assert seen(root.client, path) == 200
    candidate = master.start(60)
    wait_for(candidate.accepts, what="the next process")
    deletions.go_on.clear()
    delete = partial(root.client.authorised, "DELETE", path, repository=NAME, actions="*")
    client = threading.Thread(target=lambda: found.append(delete().status))
    client.start()
    wait_for(deletions.waits.is_set, what="the deletion waits in S3")
    master.promote(candidate.number)
    assert seen(root.client, path) == 200
    with under_way(root):
        deletions.go_on.set()
        client.join()
        assert found == [202]
        wait_for(lambda: [one.number for one in master.instances()] == [candidate.number], what="its drain")
        assert seen(root.client, path) == 200
    wait_for(lambda: seen(root.client, path) == 404, what="a process that knows of it")
    assert {seen(one, path) for one in (root.client, root.direct)} == {404}
    wait_for(lambda: len(master.instances()) == 1, what="one process")
    assert [one.number for one in master.instances()] == [candidate.number + 1]


@contextmanager
def under_way(root: Root) -> Iterator[None]:
    """While this lasts, a run of ctl seems to be under way."""
    with (root.path / "var/opt/gitlab/ctl/run.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def stopped(instance: Instance) -> bool:
    return Path(f"/proc/{instance.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
