"""Collections beside real registries in cases that are rare: a stopped process, two caches, a mount without atime."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from ctl.collector.collection import Hooks, Options, collect
from tests.harness import images
from tests.harness.bare_registry import started
from tests.harness.collecting import Silent
from tests.harness.https import Client
from tests.harness.namespaces import need_mounts
from tests.harness.registries import Registry

pytestmark = pytest.mark.real

CHECKOUT = Path(__file__).resolve().parents[2]
AT_ONCE = Options(older_than=0, settle=())
ROUNDS = 15


def _offer(client: Client, name: str, image: images.Blob) -> int:
    """Push as clients do: what the registry says that it has is not sent. Returns the status of the manifest."""
    for blob in image.needs:
        if client.request("HEAD", f"/v2/{name}/blobs/{blob.digest}").status != 200:
            client.upload_blob(name, blob)
    return _put(client, name, image)


def _put(client: Client, name: str, image: images.Blob) -> int:
    path = f"/v2/{name}/manifests/{image.digest}"
    return client.authorised(
        "PUT", path, repository=name, body=image.content, Content_Type=image.media_type
    ).status


def _is_whole(client: Client, name: str, image: images.Blob) -> bool:
    """Whether it can be pulled: of a blob that only a cache knows, the registry cuts the answer off."""
    try:
        return client.pulls(name, image)
    except ConnectionError:
        return False


def test_a_registry_that_is_stopped_between_check_and_link(
    registry_program: Registry, tmp_path: Path
) -> None:
    """Whatever it has checked before, the next mark brings the blobs back."""
    root, chance, taken = tmp_path / "images", random.Random(1), 0  # noqa: S311
    root.mkdir()
    with started(registry_program.program, root) as (client, process):
        client.push("always", images.image("always"), "v1")
        for number in range(ROUNDS):
            image, answers = images.image(f"stopped {number}"), list[int]()
            for blob in image.needs:
                client.upload_blob("app", blob)
            push = threading.Thread(target=lambda one=image, to=answers: to.append(_put(client, "app", one)))
            push.start()
            time.sleep(chance.random() * 0.004)
            process.send_signal(signal.SIGSTOP)
            collect(str(root), AT_ONCE, Silent())
            process.send_signal(signal.SIGCONT)
            push.join()
            collect(str(root), AT_ONCE, Silent())
            if answers == [201]:
                taken += 1
                assert client.pulls("app", image)
    assert taken


def test_two_processes_that_cache_in_memory(registry_program: Registry, tmp_path: Path) -> None:
    """Both are started anew before the last look; without that a push is broken, as the control shows."""
    for switches in (False, True):
        root = tmp_path / f"images-{switches}"
        root.mkdir()
        image = images.image("cached")
        with ExitStack() as first, ExitStack() as second:

            def start(stack: ExitStack, name: str, root: Path = root) -> Client:
                return stack.enter_context(
                    started(registry_program.program, root, cache="inmemory", name=name)
                )[0]

            clients = [start(first, "one"), start(second, "two")]
            clients[0].push("always", images.image("always"), "v1")
            clients[0].push("app", image)
            assert all(client.pulls("app", image) for client in clients)
            clients[0].request("DELETE", f"/v2/app/manifests/{image.digest}")

            def switch() -> None:
                first.close()
                second.close()

            collect(str(root), AT_ONCE, Silent(), Hooks(switch=switch) if switches else None)
            if switches:
                clients = [start(first, "one"), start(second, "two")]
            assert _offer(clients[1], "app", image) == 201
            assert _is_whole(clients[0], "app", image) is switches


@pytest.mark.one_registry("it is about the file system")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_on_a_mount_without_atime(tmp_path: Path) -> None:
    """All that holds for a collection holds there too: its own tests run on such a mount."""
    need_mounts()
    mount = f"mount -t tmpfs -o noatime none {tmp_path}"
    tests = "tests/collector/test_collection.py tests/collector/test_histories.py"
    run = f"{sys.executable} -m pytest -q -p no:cacheprovider -p no:xdist --basetemp {tmp_path}/t {tests}"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{mount} && exec {run}"],
        cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3_000:]
