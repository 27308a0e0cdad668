"""Changes of a running node that no client notices, and what clients see where the registry is stopped on purpose."""

from __future__ import annotations

import http.client
import os
import re
from pathlib import Path

import pytest

from ctl.graceful.control import Control
from ctl.graceful.instance import State
from ctl.machine.unix_socket import connect
from tests.harness import distribution3, images
from tests.harness.downloads import halted_download
from tests.harness.https import Client
from tests.harness.load import Load
from tests.harness.root import Root
from tests.harness.waiting import wait_for

pytestmark = [
    pytest.mark.real,
    pytest.mark.one_registry("the master does not know which program it starts; a test changes between both"),
]
SERVE = "opt/gitlab/sv/registry/serve"
BROKEN = "#!/bin/sh\necho 'a broken program' >&2\nexit 3\n"


def load(root: Root) -> Load:
    return Load([root.client, root.direct])


def drained(root: Root) -> bool:
    return len(root.status()["registry"]["processes"]) == 1


def test_no_request_fails_while_settings_and_program_change(running: Root) -> None:
    changes = ['registry["log_level"] = "warn"', 'registry["env"] = {"STAGE": "x"}']
    program = distribution3.path()
    changes += [f'registry["executable"] = "{program}"', ""] if program else [""]
    with load(running) as clients:
        for change in changes:
            running.settings(change)
            assert "registry" in str(running.reconfigure().restarted)
        running.ctl("restart", "registry").ok()
        before = clients.done.total()
        wait_for(lambda: clients.done.total() > before + 20, what="requests after the last change")
    assert clients.failed == {}
    assert clients.done["push"]


def test_a_registry_that_ends_by_itself_fails_requests(running: Root) -> None:
    """The negative control: the load would notice."""
    with load(running) as clients:
        os.kill(running.pids()["registry"], 9)
        wait_for(lambda: clients.failed, what="a failed request")
    wait_for(running.serves, what="the registry is back")


def test_a_broken_program_never_serves(running: Root) -> None:
    path = running.write("broken", BROKEN, mode=0o755)
    before = running.pids()["registry"]
    with load(running) as clients:
        running.settings(f'registry["executable"] = "{path}"')
        result = running.ctl("reconfigure")
    assert result.code == 1
    assert clients.failed == {}
    assert running.serves()
    running.settings()
    running.reconfigure()
    assert before == running.pids()["registry"] or drained(running)


def test_a_download_outlives_the_restart(running: Root) -> None:
    blob = images.layer("large", size=20_000_000)
    running.client.push("slow/app", images.image("slow", shared=[blob]), "v1")
    path = f"/v2/slow/app/blobs/{blob.digest}"
    with halted_download(running, path, "slow/app") as download:
        running.ctl("restart", "registry").ok()
        states = [one["state"] for one in running.status()["registry"]["processes"]]
        assert sorted(states) == ["current", "draining"]
        output = running.ctl("status").ok().out
        line = r"registry draining: \(pid \d+\) \d+s, 1 connection, ended in \d+s at the latest"
        assert re.search(line, output), output
        download.go_on.set()
        wait_for(download.ended.is_set, what="the end of the download")
        assert bytes(download.content) == blob.content
    wait_for(lambda: drained(running), what="the old process has ended", seconds=20)


def test_an_upload_goes_on_in_another_process(running: Root) -> None:
    blob = images.layer("upload", size=100_000)
    begun = running.client.authorised(
        "POST", "/v2/up/app/blobs/uploads/", repository="up/app", actions="pull,push"
    )
    place = begun.header("Location").partition(f"localhost:{running.port}")[2]
    running.ctl("restart", "registry").ok()
    done = running.client.authorised(
        "PUT", f"{place}&digest={blob.digest}", repository="up/app", actions="pull,push", body=blob.content
    )
    assert done.status == 201


@pytest.mark.parametrize("way", ["client", "direct"])
def test_a_stopped_registry_is_a_json_error_and_503(running: Root, way: str) -> None:
    running.ctl("stop", "registry").ok()
    try:
        answer = getattr(running, way).get("/v2/")
    finally:
        running.ctl("start", "registry").ok()
    assert answer.status == 503
    assert answer.header("Retry-After")
    assert answer.header("Content-Type") == "application/json"
    assert answer.json()["errors"][0]["code"] == "UNAVAILABLE"


def test_plain_http_on_the_port_of_tls_is_a_json_error(running: Root) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    connection.request("GET", "/v2/")
    answer = connection.getresponse()
    assert answer.status == 400
    assert b"expects https" in answer.read()
    connection.close()


def test_only_nginx_and_root_reach_the_socket(running: Root) -> None:
    folder = running.path / "var/opt/gitlab/run/registry"
    link = folder / "current.sock"
    assert link.is_symlink()
    assert link.stat().st_mode & 0o007 == 0
    assert (folder / "control.sock").stat().st_mode & 0o077 == 0
    assert Path(os.path.realpath(link)).parent == folder / "sockets"


def test_from_the_socket_to_an_address_of_its_own_and_back(running: Root) -> None:
    """NGINX lets go of the address before the registry, which its environment sends there, takes it."""
    own = f'registry["env"] = {{"REGISTRY_HTTP_ADDR": "127.0.0.1:{running.registry_port}"}}'
    running.settings(own)
    running.ctl("reconfigure").ok()
    assert running.serves()
    assert running.direct.get("/v2/").status == 401
    assert running.status()["registry"]["processes"] is None
    running.settings(
        'registry["log_level"] = "warn"',
        own,
    )
    output = running.ctl("reconfigure", "--dry-run").ok().out
    assert "registry answers nobody while it restarts" in output
    running.settings()
    running.ctl("reconfigure").ok()
    assert running.serves()
    assert running.direct.get("/v2/").status == 401
    assert running.reconfigure().nothing


def _draining_head(root: Root, path: str, repository: str) -> int:
    """What the process that drains answers, to somebody who still reaches it."""
    control = Control(root.path / "var/opt/gitlab/run/registry")
    (former,) = (one for one in control.instances() if one.state is State.DRAINING)
    connection = http.client.HTTPConnection("localhost", timeout=20)
    connection.sock = connect(former.socket, seconds=5.0)
    connection.request("HEAD", path, headers={"Authorization": f"Bearer {root.sign(repository, 'pull')}"})
    status = connection.getresponse().status
    connection.close()
    return status


def test_what_is_deleted_while_another_process_drains_is_gone_for_clients(running: Root) -> None:
    """Each process remembers blobs in memory, and the one that drains does not notice a deletion. But clients reach
    the one that serves, where it counts at once; the other gets no new connection, and its memory ends with it."""
    name, image = "del/app", images.image("deleted")
    digest = running.client.push(name, image, "v1")
    layer = next(one for one in image.family() if one != digest)
    large = images.layer("held", size=20_000_000)
    running.client.push(name, images.image("held", shared=[large]), "held")
    paths = [f"/v2/{name}/blobs/{layer}", f"/v2/{name}/manifests/{digest}"]

    def seen(client: Client, path: str) -> int:
        return client.authorised("HEAD", path, repository=name, Accept=images.MANIFEST).status

    assert [seen(running.client, path) for path in paths] == [200, 200]
    with halted_download(running, f"/v2/{name}/blobs/{large.digest}", name) as download:
        running.ctl("restart", "registry").ok()
        assert [seen(running.client, path) for path in paths] == [200, 200]
        for path in reversed(paths):
            gone = running.client.authorised("DELETE", path, repository=name, actions="*")
            assert gone.status == 202
        assert {seen(one, path) for one in (running.client, running.direct) for path in paths} == {404}
        assert _draining_head(running, paths[0], name) == 200, (
            "it still remembers the blob: the danger is real"
        )
        assert {seen(one, path) for one in (running.client, running.direct) for path in paths} == {404}
        download.go_on.set()
    wait_for(lambda: drained(running), what="the former process has ended", seconds=30)
    assert {seen(running.client, path) for path in paths} == {404}
