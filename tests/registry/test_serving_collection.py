"""ctl's own collector beside real registries that serve: what goes and stays, caches, processes, interruption."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ctl.collector.layout import QUARANTINE, REPOSITORIES
from ctl.registry.read_only import read_only_file
from tests.harness import images, tree
from tests.harness.registry_stack import CHECKOUT, Stack, registry_uid
from tests.harness.registry_store import Store
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.real

NAME = "grp/app"
AT_ONCE = ("--quarantine", "--older-than", "0")


@pytest.fixture
def registry(registry: Stack) -> Stack:
    """One that is collected by ctl's own collector."""
    registry.mode = AT_ONCE
    return registry


@pytest.fixture
def store(registry: Stack) -> Store:
    """Its files."""
    return Store(registry.images)


def delete(registry: Stack, image: images.Blob, name: str = NAME) -> None:
    assert registry.client.request("DELETE", f"/v2/{name}/manifests/{image.digest}").status == 202


def test_images_of_every_kind(registry: Stack, store: Store) -> None:
    shared = images.image("shared by two indexes", size=1_000)
    stay = [
        images.image("tagged", size=1_000),
        images.two_platforms("two"),
        images.index(images.two_platforms("inner"), images.image("beside"), shared),
        images.index(),
    ]
    go = [images.image("untagged"), images.index(shared, images.image("only there"))]
    about = images.referrer(stay[1].needs[0])
    for number, blob in enumerate(stay):
        registry.client.push(NAME, blob, f"t{number}")
    for blob in (*go, about, images.referrer(go[0])):
        registry.client.push(NAME, blob)
    report = registry.report("-m")
    assert report["manifests_deleted"] == 4
    assert all(registry.client.pulls(NAME, blob, f"t{number}") for number, blob in enumerate(stay))
    assert registry.client.pulls(NAME, about)
    assert not any(registry.client.pulls(NAME, blob) for blob in go)
    registry.collect("--restore", report["run"])
    assert all(registry.client.pulls(NAME, blob) for blob in go)


def test_the_registrys_own_collector_agrees(registry: Stack, store: Store) -> None:
    """On a copy, it finds nothing more, and nothing that it would keep is gone."""
    kept, gone = images.two_platforms("kept"), images.image("gone")
    registry.client.push(NAME, kept, "v1")
    registry.client.push(NAME, gone, "v1-old")
    delete(registry, gone)
    registry.collect()
    command: list[str | Path] = [registry.program, "garbage-collect", "--dry-run", registry.config]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "eligible for deletion: sha256" not in done.stdout + done.stderr
    assert store.blobs() == set(kept.family())


def test_what_went_can_be_pushed_again(registry: Stack) -> None:
    """With a cache in memory, as here, the registry would claim what is gone: its process is started anew."""
    image = images.image("back and forth")
    registry.client.push(NAME, images.image("other"), "other")
    registry.client.push(NAME, image, "v1")
    assert registry.client.pulls(NAME, image, "v1")
    delete(registry, image)
    pid = registry.sv("status").split("pid ")[1].split(")")[0]
    output = registry.collect()
    assert "moved 3 blobs" in output
    assert registry.sv("status").split("pid ")[1].split(")")[0] != pid
    registry.client.push(NAME, image, "v1")
    assert registry.client.pulls(NAME, image, "v1")
    registry.collect("--keep-for", "0")
    assert registry.client.pulls(NAME, image, "v1")


def test_nothing_is_touched_where_nothing_goes(registry: Stack) -> None:
    registry.client.push(NAME, images.image("kept"), "v1")
    line = registry.sv("status").split(")")[0]
    before = tree.snapshot(registry.images)
    assert registry.collect("-m").startswith("nothing to collect; 1 manifest in 1 repository stays")
    after = {name: one for name, one in tree.snapshot(registry.images).items() if QUARANTINE not in name}
    assert tree.changed(before, after) == set()
    assert registry.sv("status").startswith(line), "it was restarted for nothing"


def test_a_dry_run_changes_nothing(registry: Stack) -> None:
    registry.client.push(NAME, images.image("kept"), "v1")
    gone = images.image("gone")
    registry.client.push(NAME, gone)
    before = tree.snapshot(registry.images)
    assert "would move 1 manifest and 3 blobs" in registry.collect("-m", "-d")
    output = registry.collect("-m", "-d", "-v")
    assert f"would delete manifest {NAME}@{gone.digest}" in output
    assert f"would delete blob {gone.needs[1].digest} of {NAME}" in output
    assert tree.changed(before, tree.snapshot(registry.images)) == set()


def test_a_registry_that_takes_no_pushes_is_not_stopped(registry: Stack, store: Store) -> None:
    registry.client.push(NAME, images.image("kept"), "v1")
    registry.client.push(NAME, images.image("gone"))
    storage = registry.document()["storage"] | {"maintenance": {"readonly": {"enabled": True}}}
    registry.write(storage=storage)
    registry.restart()
    line = registry.sv("status").split(")")[0]
    registry.collect("-m")
    registry.collect("--now", "-m")
    registry.mode = ("--stop",)
    registry.collect()
    assert registry.sv("status").startswith(line)
    assert len(store.blobs()) == 3
    assert registry.client.request("POST", f"/v2/{NAME}/blobs/uploads/").status == 405


def test_a_full_disk_is_freed_at_once(registry: Stack, store: Store) -> None:
    kept = images.image("kept")
    registry.client.push(NAME, kept, "v1")
    registry.client.push(NAME, images.image("gone", size=200_000))
    before = registry.stored()
    report = registry.report("-m", "--now")
    assert report["bytes_freed"] >= before - registry.stored() > 200_000
    assert store.blobs() == set(kept.family())
    wait_for(registry.serves)
    assert registry.client.pulls(NAME, kept, "v1")


@pytest.mark.parametrize("killed", [False, True])
def test_pulls_go_on_while_it_is_deleted_at_once(registry: Stack, store: Store, killed: bool) -> None:
    """There is no NGINX here that could hold pushes: they are refused meanwhile."""
    kept = images.image("kept")
    registry.client.push(NAME, kept, "v1")
    registry.client.push(NAME, images.image("gone"))
    process = registry.begin("-m", "--now")
    wait_for(lambda: not registry.silent() and _refuses_pushes(registry), what="read-only", pause=0.005)
    process.send_signal(signal.SIGSTOP)
    try:
        assert registry.client.pulls(NAME, kept, "v1")
        assert _refuses_pushes(registry)
    finally:
        process.send_signal(signal.SIGKILL if killed else signal.SIGCONT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == (-signal.SIGKILL if killed else 0), err
    assert registry.client.pulls(NAME, kept, "v1")
    if killed:
        registry.collect("-m", "--now")
    wait_for(registry.serves)
    assert store.blobs() == set(kept.family())
    registry.client.push(NAME, images.image("after"), "v2")
    assert not read_only_file(registry.layout).exists()


def _refuses_pushes(registry: Stack) -> bool:
    return registry.client.request("POST", f"/v2/{NAME}/blobs/uploads/").status == 405


def test_a_registry_is_stopped_unless_it_was_started_read_only(registry: Stack) -> None:
    registry.client.push(NAME, images.image("kept"), "v1")
    registry.client.push(NAME, images.image("gone"))
    registry.write(storage=registry.document()["storage"] | {"maintenance": {"readonly": {"enabled": True}}})
    line = registry.sv("status").split(")")[0]
    registry.collect("-m")
    assert not registry.sv("status").startswith(line)


def test_nothing_belongs_to_another_account(registry: Stack) -> None:
    registry.client.push(NAME, images.image("kept"), "v1")
    registry.client.push(NAME, images.image("gone"))
    registry.collect("-m")
    owners = {path.lstat().st_uid for path in registry.images.rglob("*")}
    assert owners == {registry_uid()}


def test_stopped_registry_stays_stopped(registry: Stack) -> None:
    registry.client.push(NAME, images.image("kept"), "v1")
    registry.client.push(NAME, images.image("gone"))
    registry.sv("stop")
    assert "moved 1 manifest and 3 blobs" in registry.collect("-m")
    assert registry.sv("status").startswith("down: registry: ")


def test_a_registry_that_does_not_come_back_gets_everything_back(registry: Stack, store: Store) -> None:
    registry.client.push(NAME, images.image("kept"), "v1")
    registry.client.push(NAME, images.image("gone"))
    before = store.blobs()
    (registry.layout.sv / "registry" / "ctl.json").write_text('{"listen": ["127.0.0.1:1"], "wait": 1}')
    output = registry.collect("-m", code=1)
    assert "does not answer 1 s after" in output
    assert store.blobs() == before


def test_a_registry_that_ctl_does_not_run_names_its_command(registry: Stack, store: Store) -> None:
    """As in a container or a cron job: from config.yml alone."""
    registry.client.push(NAME, images.image("kept"), "v1")
    registry.client.push(NAME, images.image("gone"))
    (registry.layout.service / "registry").unlink()
    config = ("-m", "--config", str(registry.config))
    assert "Name the command that starts it anew" in registry.collect(*config, code=1)
    before = store.blobs()
    output = registry.collect(*config, "--switch", "sh -c 'echo no such service >&2; exit 3'", code=1)
    assert "no such service; everything was brought back" in output
    assert store.blobs() == before
    sign = registry.signs / "switched"
    registry.collect(*config, "--switch", f"touch {sign}")
    assert sign.exists()
    assert len(store.blobs()) == 3


def test_it_runs_without_installation_or_program(registry: Stack, store: Store) -> None:
    registry.client.push(NAME, images.image("kept"), "v1")
    registry.client.push(NAME, images.image("gone"))
    document = registry.document()
    document["storage"].pop("cache")
    config = registry.folder / "alone.yml"
    config.write_text(json.dumps(document), encoding="utf-8")
    command = [sys.executable, "-m", "ctl", "--root", str(registry.folder / "nothing-here")]
    done = subprocess.run(
        [*command, "registry-garbage-collect", "--quarantine", "-m", "--older-than", "0", "--config", str(config)],
        env={"PATH": "/nonexistent", "PYTHONPATH": str(CHECKOUT)}, capture_output=True, text=True, check=False,
        cwd="/",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(store.blobs()) == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda one: one.name)
def test_interrupted_anywhere_the_next_run_goes_on(
    registry: Stack, store: Store, number: signal.Signals
) -> None:
    kept = images.image("kept")
    registry.client.push(NAME, kept, "v1")
    for seed in range(12):
        registry.client.push(NAME, images.image(f"gone {seed}"))
    process = registry.begin("-m")
    wait_for(
        lambda: list((registry.images / QUARANTINE).glob("20*/docker")),
        what="something is moved",
        pause=0.001,
    )
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert "Traceback" not in err
    assert process.returncode in (-number, 128 + number)
    wait_for(registry.serves)
    assert registry.client.pulls(NAME, kept, "v1")
    registry.collect("-m")
    assert store.blobs() == set(kept.family())
    assert registry.client.pulls(NAME, kept, "v1")


def test_two_at_once_and_the_registrys_own(registry: Stack) -> None:
    registry.client.push(NAME, images.image("kept"), "v1")
    registry.client.push(NAME, images.image("gone"))
    sign = registry.signs / "wait"
    sign.touch()
    first = registry.begin("-m", "--switch", f"sh -c 'while [ -e {sign} ]; do sleep 0.02; done'")
    wait_for(lambda: list((registry.images / QUARANTINE).glob("20*/docker")), what="something is moved")
    for registry.mode in (AT_ONCE, ("--stop",)):
        output = registry.collect(code=75)
        assert f"is under way (process {first.pid} on {os.uname().nodename})" in output
    sign.unlink()
    assert first.wait(timeout=20) == 0


def test_damages_are_reported_and_the_rest_goes_on(registry: Stack, store: Store) -> None:
    damaged, gone = images.image("damaged"), images.image("gone")
    registry.client.push(NAME, damaged, "v1")
    registry.client.push("other", images.image("other"), "v1")
    registry.client.push("other", gone)
    store.data(damaged.digest).write_bytes(b"")
    registry.client.push("broken/tag", images.image("of a tag"), "v1")
    store.link("broken/tag", "v1").unlink()
    output = registry.collect("-m")
    assert f"warning: repository {NAME}: {store.data(damaged.digest)}: manifest {damaged.digest}" in output
    assert f"warning: repository broken/tag: {store.link('broken/tag', 'v1')}: tag v1 has no link" in output
    assert "moved 1 manifest and 3 blobs" in output
    assert registry.client.pulls("broken/tag", images.image("of a tag"))


def test_what_cannot_be_read_is_an_error(registry: Stack, store: Store) -> None:
    registry.client.push(NAME, images.image("kept"), "v1")
    registry.client.push(NAME, images.image("gone"))
    before = store.blobs()
    shut = store.path(f"{REPOSITORIES}/shut")
    shut.symlink_to("/nonexistent")
    output = registry.collect("-m", code=1)
    assert str(shut) in output
    assert "nothing was deleted" in output
    assert store.blobs() == before


def test_the_history_shows_runs(registry: Stack) -> None:
    registry.client.push(NAME, images.image("kept"), "v1")
    assert "there was no collection yet" in registry.collect("--history")
    registry.client.push(NAME, images.image("gone"))
    report = registry.report("-m")
    line = registry.collect("--history")
    assert report["run"] in line
    assert "1 manifests, 3 blobs" in line
    assert line.rstrip().endswith("in quarantine")


def test_options_that_do_not_go_together_are_usage_errors(registry: Stack) -> None:
    assert "do not go together" in registry.collect("--now", "--stop", code=2)
    assert "is no duration" in registry.collect("--keep-for", "soon", code=2)


def test_a_copy_in_another_place_is_collected_by_its_own_configuration(registry: Stack) -> None:
    registry.client.push(NAME, images.image("kept"), "v1")
    registry.client.push(NAME, images.image("gone"))
    registry.sv("stop")
    shutil.copytree(registry.images, registry.folder / "copy")
    document = registry.document()
    document["storage"]["filesystem"]["rootdirectory"] = str(registry.folder / "copy")
    config = registry.folder / "copy.yml"
    config.write_text(json.dumps(document), encoding="utf-8")
    before = tree.snapshot(registry.images)
    registry.collect("-m", str(config))
    assert tree.changed(before, tree.snapshot(registry.images)) == set()
    assert len(Store(registry.folder / "copy").blobs()) == 3
