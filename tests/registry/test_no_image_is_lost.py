"""Storage in which the registry's own collector loses images, or stops without saying where."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ctl.collector.layout import BLOBS, DATABASE_LOCK, REPOSITORIES
from ctl.registry.programs import identify
from tests.harness import images, tree
from tests.harness.registry_stack import Stack
from tests.harness.registry_store import Store
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.real

NAME = "grp/app"


@pytest.fixture
def store(registry: Stack) -> Store:
    """The files of the registry."""
    return Store(registry.images)


def own_collector(registry: Stack) -> subprocess.CompletedProcess[str]:
    """The registry's own collector, as gitlab-ctl calls it."""
    command: list[str | Path] = [registry.program, "garbage-collect", registry.config]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_a_repository_without_layers_is_collected_with_its_images(registry: Stack, store: Store) -> None:
    """One PUT of an empty index makes a repository without `_layers`."""
    index = images.index()
    registry.client.push("only/index", index, "v1")
    assert not store.path(f"{REPOSITORIES}/only/index/_layers").exists()
    registry.client.push(NAME, images.image("other"), "v1")
    if identify(registry.program).version < "3":  # Distribution 3 cannot even look before the folder is made
        assert "would delete" not in registry.collect("-d")
    assert not store.path(f"{REPOSITORIES}/only/index/_layers").exists()
    registry.collect()
    assert registry.client.pulls("only/index", index, "v1")
    folder = store.path(f"{REPOSITORIES}/only/index/_layers")
    assert folder.stat().st_uid == folder.parent.stat().st_uid
    assert folder.stat().st_mode == folder.parent.stat().st_mode


def test_the_registrys_own_collector_loses_that_index_or_stops(registry: Stack) -> None:
    """A proof that the test above can fail."""
    index = images.index()
    registry.client.push("only/index", index, "v1")
    registry.client.push(NAME, images.image("other"), "v1")
    registry.sv("stop")
    stops = identify(registry.program).version >= "3"
    assert own_collector(registry).returncode == int(stops)
    registry.sv("start")
    wait_for(registry.serves)
    assert registry.client.pulls("only/index", index, "v1") is stops


def test_a_partial_restore_without_layers_loses_no_blob(registry: Stack, store: Store) -> None:
    image = images.image("restored")
    registry.client.push(NAME, image, "v1")
    registry.client.push("other", images.image("other"), "v1")
    shutil.rmtree(store.path(f"{REPOSITORIES}/{NAME}/_layers"))
    before = store.blobs()
    output = registry.collect("-m")
    assert store.blobs() == before
    assert f"{REPOSITORIES}/{NAME}/_layers: the folder was missing" in output


def test_a_tag_whose_link_is_missing_keeps_its_image(registry: Stack, store: Store) -> None:
    image, other = images.image("of a broken tag"), images.image("other")
    registry.client.push(NAME, image, "v1")
    registry.client.push(NAME, other, "v2")
    store.link(NAME, "v1").unlink()
    output = registry.collect("-m")
    assert registry.client.pulls(NAME, image)
    assert str(store.link(NAME, "v1")) in output


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("damage", "place"),
    [
        (empty, lambda store, image: store.revision(NAME, image.digest)),
        (empty, lambda store, image: store.data(image.digest)),
        (cut, lambda store, image: store.data(image.digest)),
        (Path.mkdir, lambda store, _: store.path(f"{BLOBS}/sha256/ab/no-digest")),
    ],
    ids=["empty link", "empty manifest", "cut manifest", "stray name"],
)
def test_a_broken_file_is_reported_with_its_path(
    registry: Stack,
    store: Store,
    damage: Callable[[Path], None],
    place: Callable[[Store, images.Blob], Path],
) -> None:
    image = images.image("broken")
    registry.client.push(NAME, image, "v1")
    path = place(store, image)
    path.parent.mkdir(exist_ok=True)
    damage(path)
    before = tree.snapshot(registry.images)
    line = registry.sv("status").split(")")[0]
    output = registry.collect(code=1)
    assert str(path) in output
    assert tree.changed(before, tree.snapshot(registry.images)) == set()
    assert registry.sv("status").startswith(line), "it was stopped for nothing"


def test_a_tag_without_revision_keeps_its_blobs(registry: Stack, store: Store) -> None:
    image = images.image("restored in part")
    registry.client.push(NAME, image, "v1")
    shutil.rmtree(store.revision(NAME, image.digest).parent)
    before = store.blobs()
    output = registry.collect(code=1)
    assert f"tag v1 names {image.digest}, which is no manifest of this repository" in output
    assert store.blobs() == before


def test_storage_of_a_metadata_database_is_not_collected(registry: Stack, store: Store) -> None:
    """Its tags are in PostgreSQL: in the files no image needs anything."""
    image = images.image("in a database")
    registry.client.push(NAME, image, "v1")
    shutil.rmtree(store.path(f"{REPOSITORIES}/{NAME}/_manifests"))
    lock = store.write(DATABASE_LOCK, b"")
    before = store.blobs()
    for options in ((), ("-m",), ("-d",)):
        output = registry.collect(*options, code=1)
        assert f"{lock} exists" in output
    assert store.blobs() == before


@pytest.mark.parametrize("enabled", ["prefer", True, "true"])
def test_a_registry_with_a_database_is_not_collected(registry: Stack, enabled: object) -> None:
    registry.client.push(NAME, images.image("tagged"), "v1")
    registry.write(database={"enabled": enabled})
    assert "keeps its metadata in a database" in registry.collect(code=1)


def test_named_settings_that_are_missing_are_an_error(registry: Stack) -> None:
    registry.client.push(NAME, images.image("tagged"), "v1")
    missing = registry.folder / "missing.py"
    output = registry.collect("--settings", str(missing), code=2)
    assert str(missing) in output


def test_a_pipe_in_the_place_of_the_configuration_ends(registry: Stack) -> None:
    pipe = registry.folder / "pipe.yml"
    os.mkfifo(pipe)
    assert f"{pipe} cannot be read: it is no regular file" in registry.collect(str(pipe), code=1)


def test_the_result_is_printed_though_the_registry_does_not_come_back(registry: Stack) -> None:
    registry.client.push(NAME, images.image("tagged"), "v1")
    script = registry.layout.sv / "registry" / "run"
    (script.parent / "ctl.json").write_text('{"listen": ["127.0.0.1:1"], "wait": 1}', encoding="utf-8")
    output = registry.collect(code=1)
    assert "nothing to collect; 1 manifest in 1 repository stays" in output
    assert "does not answer 1 s after the garbage collection" in output


def test_nobody_waits_for_a_registry_that_was_stopped_meanwhile(registry: Stack) -> None:
    registry.client.push(NAME, images.image("tagged"), "v1")
    with registry.held() as process:
        registry.sv("down")
        registry.go_on()
        assert process.wait(timeout=20) == 0
    assert registry.sv("status").startswith("down: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_an_interrupt_while_redis_hangs_is_an_interrupt(registry: Stack, number: signal.Signals) -> None:
    import socket

    with socket.socket() as server:  # takes connections, and never answers
        server.bind(("127.0.0.1", 0))
        server.listen()
        storage = registry.document()["storage"] | {"cache": {"blobdescriptor": "redis"}}
        address = f"127.0.0.1:{server.getsockname()[1]}"
        registry.client.push(NAME, images.image("tagged"), "v1")
        registry.write(storage=storage, redis={"addr": address, "addrs": [address]})
        process = registry.begin()
        connection, _ = server.accept()
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
        connection.close()
    assert process.returncode == 128 + number
    assert f"interrupted by {number.name}" in err
    assert "Redis" not in err
