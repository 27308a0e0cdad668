"""Garbage collection by command: what it frees, what it keeps, and what survives its interruption."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from ctl.paths import Layout
from ctl.registry.gate import Gate
from tests.harness import images, tree
from tests.harness.people import Person
from tests.harness.root import Root, RootMaker, kill
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.real

STORAGE = "var/opt/gitlab/gitlab-rails/shared/registry"
COLLECT = "registry-garbage-collect"
SIZE = 300_000


def _bytes_stored(root: Root) -> int:
    """Of images, those in quarantine too; not of what the collector remembers of them."""
    files = (path for path in (root.path / STORAGE).rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files if not path.name.startswith("manifests.sqlite"))


def _untagged(root: Root, repository: str) -> images.Blob:
    """Push an image, take its tag away by pushing another there, and return the first."""
    old = images.image(f"{repository} old", size=SIZE)
    root.client.push(repository, old, "latest")
    root.client.push(repository, images.image(f"{repository} new", size=1_000), "latest")
    return old


def test_collection_frees_what_the_tags_left_behind(running: Root) -> None:
    old = _untagged(running, "grp/freed")
    before = _bytes_stored(running)
    assert running.client.pulls("grp/freed", old)
    result = running.ctl(COLLECT, "--stop", "-m", "--json").ok()
    freed = before - _bytes_stored(running)
    assert freed >= SIZE
    assert result.json()["bytes_freed"] == pytest.approx(freed, abs=2_000), "links count, too"
    assert not running.client.pulls("grp/freed", old)
    assert running.client.pulls("grp/freed", images.image("grp/freed new", size=1_000), "latest")


def test_a_collection_that_nobody_notices(running: Root) -> None:
    """By default: into quarantine, back from there, and for good; the process of the registry is started anew."""
    old = _untagged(running, "grp/quarantined")
    report = running.ctl(COLLECT, "-m", "--older-than", "0", "--json").ok().json()
    assert report["bytes_deleted"] >= SIZE
    assert not running.client.pulls("grp/quarantined", old)
    running.ctl(COLLECT, "--restore", report["run"]).ok()
    assert running.client.pulls("grp/quarantined", old)
    running.ctl(COLLECT, "-m", "--older-than", "0").ok()
    before = _bytes_stored(running)
    assert running.ctl(COLLECT, "--keep-for", "0", "--json").ok().json()["bytes_freed"] >= SIZE
    assert before - _bytes_stored(running) >= SIZE
    assert running.client.pulls("grp/quarantined", images.image("grp/quarantined new", size=1_000), "latest")
    owners = {path.lstat().st_uid for path in (running.path / STORAGE).rglob("*")}
    assert len(owners) == 1


def test_untagged_manifests_stay_without_m(running: Root) -> None:
    old = _untagged(running, "grp/kept")
    running.ctl(COLLECT, "--stop").ok()
    assert running.client.pulls("grp/kept", old)


def test_deleted_image_is_freed_without_m(running: Root) -> None:
    image = images.image("deleted", size=SIZE)
    running.client.push("grp/deleted", image, "v1")
    running.skopeo.delete("grp/deleted:v1", token=running.sign("grp/deleted", "pull,delete"))
    before = _bytes_stored(running)
    running.ctl(COLLECT, "--stop").ok()
    assert before - _bytes_stored(running) >= SIZE


def test_every_platform_of_a_tagged_index_stays(running: Root, tmp_path: Path) -> None:
    both = images.two_platforms("grp/multi", size=10_000)
    nested = images.index(images.two_platforms("grp/inner"), images.image("grp/beside"))
    running.client.push("grp/multi", both, "v1")
    running.client.push("grp/multi", nested, "nested")
    lonely = images.image("child without an index", size=SIZE)
    running.client.push("grp/multi", lonely)
    running.ctl(COLLECT, "--stop", "-m").ok()
    assert running.client.pulls("grp/multi", both, "v1")
    assert running.client.pulls("grp/multi", nested, "nested")
    assert not running.client.pulls("grp/multi", lonely)
    token = running.sign("grp/multi", "pull")
    for image in both.needs:
        assert image.platform is not None
        architecture = image.platform[1]
        back = running.skopeo.pull_platform(
            "grp/multi:v1", tmp_path / architecture, architecture, token=token
        )
        assert images.layout_digests(back) == set(image.family())


def test_platforms_of_a_replaced_index_go(running: Root) -> None:
    old = images.two_platforms("replaced", size=SIZE)
    running.client.push("grp/replaced", old, "v1")
    running.client.push("grp/replaced", images.two_platforms("replacing"), "v1")
    before = _bytes_stored(running)
    running.ctl(COLLECT, "--stop", "-m").ok()
    assert before - _bytes_stored(running) >= 2 * SIZE
    assert running.client.pulls("grp/replaced", images.two_platforms("replacing"), "v1")


def test_what_was_freed_can_be_pushed_again(running: Root, tmp_path: Path) -> None:
    """With a descriptor cache older than the collection, the registry would claim blobs it no longer has."""
    old = _untagged(running, "grp/again")
    running.ctl(COLLECT, "--stop", "-m").ok()
    layout = images.write_layout(tmp_path / "layout", {"back": old})
    token = running.sign("grp/again", "pull,push")
    assert running.skopeo.push(layout, "back", "grp/again", token=token) == old.digest
    back = running.skopeo.pull("grp/again:back", tmp_path / "back", "back", token=token)
    assert images.layout_digests(back) == set(old.family())


@pytest.mark.parametrize("options", [("-d",), ("-m", "-d"), ("--delete-untagged", "--dry-run")])
def test_dry_run_deletes_nothing_and_stops_nothing(running: Root, options: tuple[str, ...]) -> None:
    old = _untagged(running, "grp/dry")
    before, pids = tree.snapshot(running.path / STORAGE), running.lasting_pids()
    running.ctl(COLLECT, "--stop", *options).ok()
    assert tree.changed(before, tree.snapshot(running.path / STORAGE)) == set()
    assert running.lasting_pids() == pids
    assert running.client.pulls("grp/dry", old)


def test_collection_with_a_configuration_elsewhere(running: Root) -> None:
    image = images.image("elsewhere", size=SIZE)
    running.client.push("grp/elsewhere", image, "v1")
    running.client.authorised(
        "DELETE", f"/v2/grp/elsewhere/manifests/{image.digest}", repository="grp/elsewhere", actions="delete"
    )
    copy = running.path / "var/opt/gitlab/registry/other.yml"
    original = running.path / "var/opt/gitlab/registry/config.yml"
    shutil.copy2(original, copy)
    shutil.chown(copy, original.stat().st_uid, original.stat().st_gid)
    before = _bytes_stored(running)
    running.ctl(COLLECT, "--stop", str(copy)).ok()
    assert before - _bytes_stored(running) >= SIZE
    assert running.serves()


def test_missing_configuration_is_reported(running: Root) -> None:
    result = running.ctl(COLLECT, "--stop", "/nonexistent/config.yml")
    assert result.code in (1, 2)
    assert "/nonexistent/config.yml" in result.err
    assert running.serves()


def test_nothing_belongs_to_root_afterwards(running: Root) -> None:
    """Run as root, the collector would leave files that the registry cannot change."""
    _untagged(running, "grp/owned")
    running.ctl(COLLECT, "--stop", "-m").ok()
    owners = {path.stat().st_uid for path in (running.path / STORAGE).rglob("*")}
    assert len(owners) == 1
    running.client.push("grp/owned", images.image("after"), "v2")


def test_stopped_registry_stays_stopped(running: Root) -> None:
    running.client.push("grp/stopped", images.image("stopped"), "v1")
    running.ctl("stop", "registry").ok()
    running.ctl(COLLECT, "--stop", "-m").ok()
    assert "down: registry:" in running.ctl("status").exits(1).out
    assert running.client.get("/v2/").status == 503
    running.ctl("start", "registry").ok()
    assert running.client.pulls("grp/stopped", images.image("stopped"), "v1")


def test_empty_registry_is_success(make_root: RootMaker, person: Person) -> None:
    root = make_root(person)
    root.settings()
    root.reconfigure()
    root.ctl(COLLECT, "--stop").ok()
    root.ctl(COLLECT, "--stop", "-m").ok()
    root.ctl(COLLECT, "--stop", "-d").ok()
    assert root.serves()
    root.client.push("first/image", images.image("first"), "v1")


# --- interrupted: the collector is a program that takes its time, so that the middle can be met


SLOW = """#!/bin/sh
case "$1" in garbage-collect) touch {mark}; sleep 2;; esac
exec {program} "$@"
"""


@pytest.fixture
def slow(make_root: RootMaker, me: Person) -> Root:
    """A running registry with an image and an untagged one, whose collections last two seconds."""
    root = make_root()
    signs = root.home / "signs"
    mark = signs / "collecting"
    program = root.home / "slow-registry"
    program.write_text(SLOW.format(mark=mark, program=root.registry.program), encoding="ascii")
    program.chmod(0o755)
    signs.mkdir()
    signs.chmod(0o777)  # the collector's account is another one
    root.settings(f'registry["executable"] = "{program}"')
    root.reconfigure()
    _untagged(root, "grp/app")
    return root


def _in_the_middle(root: Root, *options: str) -> subprocess.Popen[str]:
    process = root.begin(COLLECT, "--stop", *options)
    wait_for((root.home / "signs/collecting").exists, what="the collector works")
    assert root.client.get("/v2/").status == 503
    return process


def _is_whole(root: Root) -> None:
    """Serves the tagged image, takes a new one, and the supervisor is content."""
    assert root.client.pulls("grp/app", images.image("grp/app new", size=1_000), "latest")
    root.client.push("grp/app", images.image("afterwards"), "afterwards")
    root.ctl("status").ok()
    root.ctl(COLLECT, "--stop", "-m").ok()
    assert root.client.pulls("grp/app", images.image("afterwards"), "afterwards")


@pytest.mark.parametrize("options", [(), ("-m",)])
def test_killed_collection_ends_and_the_registry_serves_by_itself(
    slow: Root, options: tuple[str, ...]
) -> None:
    kill(_in_the_middle(slow, *options))
    wait_for(slow.serves, seconds=15, what="the registry serves again with no command at all")
    _is_whole(slow)


def test_killed_collection_is_repaired_by_the_next_command(slow: Root) -> None:
    kill(_in_the_middle(slow, "-m"))
    slow.ctl("status")
    wait_for(slow.serves, seconds=15, what="the registry serves again")
    _is_whole(slow)


def test_killed_collection_leaves_a_stopped_registry_stopped(slow: Root) -> None:
    slow.ctl("stop", "registry").ok()
    kill(_in_the_middle(slow))
    slow.ctl("status")
    wait_for(lambda: not _collectors(slow), seconds=15, what="the collector ends")
    assert slow.client.get("/v2/").status == 503
    slow.ctl("start", "registry").ok()
    _is_whole(slow)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda one: one.name)
def test_interrupted_collection_puts_the_registry_back(slow: Root, number: signal.Signals) -> None:
    process = _in_the_middle(slow, "-m")
    os.killpg(process.pid, number)
    out, err = process.communicate(timeout=20)
    assert process.returncode not in (0, None)
    assert "Traceback" not in out + err
    assert not _collectors(slow)
    assert slow.serves()
    _is_whole(slow)


def test_dead_collector_puts_the_registry_back(slow: Root) -> None:
    process = _in_the_middle(slow)
    for one in _collectors(slow):
        os.kill(one, signal.SIGKILL)
    process.communicate(timeout=20)
    assert process.returncode == 1
    assert slow.serves()


def test_two_collections_never_run_at_once(slow: Root) -> None:
    first = _in_the_middle(slow)
    second = slow.ctl(COLLECT, "--stop").exits(75)
    assert str(first.pid) in second.err
    first.communicate(timeout=20)
    assert first.returncode == 0
    assert slow.serves()


def test_restart_during_a_collection_waits_for_its_end(slow: Root) -> None:
    """Two writers on one storage lose images: the registry may not come up before the collector is gone."""
    process = _in_the_middle(slow)
    begun = slow.begin("start", "registry")
    for _ in range(20):
        if _collectors(slow):
            assert slow.client.get("/v2/").status == 503
    process.communicate(timeout=20)
    begun.communicate(timeout=60)
    wait_for(slow.serves, seconds=10, what="the registry serves again")


def _collectors(root: Root) -> list[int]:
    """The collecting programs, the slow one and the real one."""
    return [
        one.pid
        for one in root.processes()
        if "garbage-collect" in one.arguments and "ctl" not in one.arguments and one.program != "python"
    ]


# --- in read-only mode


def _read_only_in_the_middle(root: Root) -> subprocess.Popen[str]:
    """Pulls go on, pushes are refused, and nothing was stopped."""
    supervised = root.status()["registry"]["pid"]
    process = root.begin(COLLECT, "--read-only", "-m")
    wait_for((root.home / "signs/collecting").exists, what="the collector works")
    assert root.client.pulls("grp/app", images.image("grp/app new", size=1_000), "latest")
    assert _begins_upload(root) == http.client.METHOD_NOT_ALLOWED
    assert "takes no pushes until its end" in root.ctl("status").exits(1).out
    assert root.status()["registry"]["pid"] == supervised
    return process


def _begins_upload(root: Root) -> int:
    path = "/v2/grp/app/blobs/uploads/"
    return root.client.authorised("POST", path, repository="grp/app", actions="pull,push").status


def test_in_read_only_mode_pulls_go_on(slow: Root) -> None:
    process = _read_only_in_the_middle(slow)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "deleted" in out
    assert _begins_upload(slow) == http.client.ACCEPTED
    assert not (slow.path / "var/opt/gitlab/ctl/read-only.lock").exists()
    _is_whole(slow)


def test_an_interrupted_collection_in_read_only_mode_switches_back(slow: Root) -> None:
    process = _read_only_in_the_middle(slow)
    os.killpg(process.pid, signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert _begins_upload(slow) == http.client.ACCEPTED, err
    _is_whole(slow)


def test_after_a_killed_one_recover_switches_back(slow: Root) -> None:
    process = _read_only_in_the_middle(slow)
    kill(process)
    assert _begins_upload(slow) == http.client.METHOD_NOT_ALLOWED
    wait_for(lambda: "run `ctl recover`" in slow.ctl("status").out, what="the gate is let go")
    assert "takes pushes again" in slow.ctl("recover").ok().err
    assert _begins_upload(slow) == http.client.ACCEPTED
    _is_whole(slow)


def test_reconfigure_and_collection_keep_out_of_each_others_way(running: Root) -> None:
    with Gate(Layout(running.path)):
        refused = running.ctl("reconfigure").exits(75)
    assert "garbage collection is under way" in refused.err
    with Gate(Layout(running.path), shared=True):
        assert "reconfigure" in running.ctl("registry-garbage-collect", "--stop").exits(75).err
    running.reconfigure()
