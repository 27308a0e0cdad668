"""The commands on repositories, tags and images where these are in object storage: each kind by a real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from ctl.collector.layout import CURRENT, DATABASE_LOCK, REPOSITORIES, layer_folder
from ctl.collector.restoring import restore
from ctl.images import object_tags
from ctl.images.removal import Remover
from ctl.registry.collect.setup import DEFAULT_ENVIRONMENT
from ctl.registry.config import read_environment
from ctl.storage.store import Store
from tests.harness import distribution3, images
from tests.harness.cli import Cli
from tests.harness.cloud import Kept, storage
from tests.harness.registry_store import Store as Folder

pytestmark = pytest.mark.real
Run = Callable[..., Any]
NOW = datetime.now(UTC)
OF_VERSION_3: dict[str, dict[str, object]] = {
    "s3": {"forcepathstyle": True},
    "azure": {"credentials": {"type": "shared_key"}},
}
INDEX = images.two_platforms("both")


def aged(name: str, days: int) -> images.Blob:
    return images.dated(name, (NOW - timedelta(days=days)).isoformat())


@pytest.fixture(scope="module", params=["s3", "gcs", "azure"])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    with storage(request.param, tmp_path_factory.mktemp("images")) as made:
        yield made


@pytest.fixture
def store(kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The storage with some images."""
    monkeypatch.setattr(object_tags, "_SETTLED", 0)  # all of it has just been pushed
    folder = Folder(tmp_path / "images")
    for number in range(6):
        folder.push("team/app", aged(f"app {number}", number * 10), f"build-{number}")
    folder.push("team/app", INDEX, "latest", "v1")
    folder.push("team/other", INDEX, "v1")
    found = kept.open()
    for one in list(found.list("")):
        found.delete(one.key)
    for path in folder.root.rglob("*"):
        if path.is_file():
            found.write(str(path.relative_to(folder.root)), [path.read_bytes()])
    return found


@pytest.fixture
def run(store: Store, kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on it; gives its JSON."""
    config = tmp_path / "config.yml"
    driver = {**kept.parameters, **OF_VERSION_3.get(kept.driver, {})}
    config.write_text(yaml.safe_dump({"version": 0.1, "storage": {kept.driver: driver}}))
    ctl = Cli(tmp_path / "root", capsys)
    if program := distribution3.path():
        ctl.settings(f'registry["executable"] = {str(program)!r}\n')  # the other one has S3 only
    environment = ctl.root / str(DEFAULT_ENVIRONMENT).lstrip("/")
    environment.mkdir(parents=True)
    for name, value in kept.environment.items():
        (environment / name).write_text(value)
    assert read_environment(environment).keys() == kept.environment.keys()

    def run(command: str, *arguments: str, code: int = 0) -> Any:  # noqa: ANN401
        given = [] if command in ("registry-fsck", "registry-check-storage") else ["--config"]
        found = ctl(command, *arguments, *given, str(config), "--json")
        assert found.code == code, found.out + found.err
        return json.loads(found.out)

    return run


def keys(store: Store) -> dict[str, bytes]:
    """All that a registry has written."""
    return {one.key: store.read(one.key) for one in store.list("docker/")}


def test_what_there_is(run: Run) -> None:
    found = run("registry-repositories")["repositories"]
    assert [(one["name"], one["tags"], one["manifests"]) for one in found] == [
        ("team/app", 8, 9),
        ("team/other", 1, 3),
    ]
    tags = {one["name"]: one for one in run("registry-tags", "team/app")["tags"]}
    assert tags["v1"]["digest"] == INDEX.digest
    assert tags["v1"]["platforms"] == ["linux/amd64", "linux/arm64"]
    assert {one["problem"] for one in tags.values()} == {None}
    image = run("registry-inspect", "team/app:v1")
    assert (image["tags"], image["problems"], len(image["manifests"])) == (["latest", "v1"], [], 2)
    assert "Did you mean" in str(run("registry-tags", "team/ap", code=2))


def test_usage(run: Run, store: Store) -> None:
    usage = run("registry-disk-usage")
    app, other = usage["repositories"]
    assert app["shared"] == other["shared"] == sum(len(one.content) for one in INDEX.family().values())
    assert (app["own"] > 0, other["own"]) == (True, 0)
    assert usage["totals"]["unreferenced"] == {"count": 0, "bytes": 0}
    blobs = list(store.list("docker/registry/v2/blobs/"))
    assert usage["totals"]["blobs"] == {"count": len(blobs), "bytes": sum(one.size for one in blobs)}


def test_delete_and_bring_back(run: Run, store: Store) -> None:
    before = keys(store)
    for what in ("team/app:v1", f"team/app@{INDEX.digest}", "team/other"):
        removed = run("registry-delete", what, "--yes")
        after = keys(store)
        assert before.keys() - after.keys() == {key for key in before if key not in after} != set()
        if what == "team/app:v1":
            assert all("/tags/v1/" in key for key in before.keys() - after.keys())
            assert "v1" not in [one["name"] for one in run("registry-tags", "team/app")["tags"]]
        _restore(run, removed["run"])
        assert keys(store) == before
    assert run("registry-disk-usage")["totals"]["quarantined"]["count"] == 0


def _restore(run: Run, name: str) -> None:
    assert run("registry-cleanup", "--undo", name)["run"] == name


def test_clean_up(run: Run, store: Store) -> None:
    before = keys(store)
    policy = ("--name-regex", "build-.*", "--keep-n", "1", "--older-than", "15d")
    (app, _) = run("registry-cleanup", *policy, "--explain")["repositories"]
    assert app["removed"] == [f"build-{number}" for number in (2, 3, 4, 5)]
    assert keys(store) == before
    found = run("registry-cleanup", *policy, "--yes")
    assert (found["tags_deleted"], found["manifests_deleted"]) == (4, 4)
    left = {one["name"] for one in run("registry-tags", "team/app")["tags"]}
    assert left == {"build-0", "build-1", "latest", "v1"}
    again = run("registry-cleanup", *policy, "--dry-run")  # by the dates that were remembered
    assert again["tags_deleted"] == 0
    _restore(run, found["run"])
    assert keys(store) == before


def test_a_push_during_the_removal_wins(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = f"{REPOSITORIES}/team/app/_manifests/tags/build-1"
    newer, delete = aged("app 2", 20).digest, store.delete
    pushed: list[str] = []

    def delete_late(key: str) -> None:
        if key == f"{folder}/{CURRENT}" and not pushed:
            pushed.append(key)  # a registry's two writes, just before what is there is deleted
            store.write(f"{folder}/index/{newer.replace(':', '/')}/link", [newer.encode()])
            store.write(key, [newer.encode()])
        delete(key)

    monkeypatch.setattr(store, "delete", delete_late)
    with Remover(store, lambda _: None, note="delete") as remover:
        scan = remover.storage.repository("team/app")
        assert scan is not None
        remover.tags(scan, {"build-1": aged("app 1", 10).digest, "build-2": "sha256:" + 64 * "0"})
    assert pushed
    assert store.read(f"{folder}/{CURRENT}").decode() == newer
    kept = sorted(remover.removed.kept)
    assert kept == [f"team/app:build-{number} was pushed meanwhile" for number in (1, 2)]
    assert remover.removed.tags == []


def test_a_push_while_its_repository_goes_is_whole(store: Store, tmp_path: Path) -> None:
    """A registry has looked at the layers before they went, and links the manifest afterwards."""
    image, folder = images.image("late", shared=INDEX.needs[0].needs[1:]), Folder(tmp_path / "late")
    folder.push("team/other", image, "late")

    def push(paths: Iterable[Path]) -> None:
        for path in paths:
            if path.is_file():
                store.write(str(path.relative_to(folder.root)), [path.read_bytes()])

    push(path for path in folder.root.rglob("*") if "_manifests" not in path.parts)
    with Remover(store, lambda _: push(folder.root.rglob("_manifests/**/*")), note="delete") as remover:
        scan = remover.storage.repository("team/other")
        assert scan is not None
        remover.repository(scan)
    assert len(remover.removed.kept) == 1
    links = {one.key for one in store.list(f"{REPOSITORIES}/team/other/_layers/")}
    assert links == {f"{layer_folder('team/other', blob.digest)}/link" for blob in image.needs}
    restore(store, remover.removed.run)
    assert store.read(f"{REPOSITORIES}/team/other/_manifests/tags/v1/{CURRENT}").decode() == INDEX.digest


@pytest.mark.skipif(distribution3.path() is None, reason="the other registry has no driver of two of these")
def test_damage_is_repaired_and_permissions_are_tried(run: Run, store: Store) -> None:
    assert run("registry-fsck", "--checksums")["damages"] == []
    link = f"{REPOSITORIES}/team/other/_manifests/tags/v1/{CURRENT}"
    whole = store.read(link)
    store.write(link, [b""])
    (damage,) = run("registry-fsck", code=1)["damages"]
    assert (damage["repository"], damage["repaired"]) == ("team/other", False)
    tags = run("registry-tags", "team/other")["tags"]
    assert (tags[0]["digest"], tags[0]["problem"]) == (None, "its link holds no digest")
    assert run("registry-disk-usage")["repositories"][1]["complete"] is False
    assert run("registry-fsck", "--repair")["left"] == 0
    assert store.read(link) == whole
    before = {one.key for one in store.list("")}
    checks = run("registry-check-storage")["checks"]
    assert {"delete", "list", "write", "read", "copy", "begin an upload"} <= {
        one["operation"] for one in checks
    }
    assert {one["ok"] for one in checks} == {True}
    assert {one.key for one in store.list("")} == before


def test_a_storage_of_a_database_is_refused(run: Run, store: Store) -> None:
    removed = run("registry-delete", "team/app:build-1", "--yes")["run"]
    store.write(DATABASE_LOCK, [b""])
    before = keys(store)
    for command in (
        ("registry-garbage-collect", "--restore", removed),
        ("registry-cleanup", "--undo", removed),
        ("registry-delete", "team/app:v1", "--yes"),
        ("registry-fsck", "--repair"),
        ("registry-fsck", "--restore", removed),
    ):
        assert f"{DATABASE_LOCK} exists" in run(*command, code=1)["error"]
    assert keys(store) == before


def test_an_empty_storage_is_no_fault(run: Run, store: Store) -> None:
    for one in list(store.list("")):
        store.delete(one.key)
    assert run("registry-repositories") == {"repositories": [], "damages": []}
    assert run("registry-disk-usage")["repositories"] == []
    assert run("registry-cleanup", "--keep-n", "1", "--dry-run")["tags_deleted"] == 0
    assert run("registry-fsck")["damages"] == []
    for command in (("registry-tags", "a"), ("registry-inspect", "a:b"), ("registry-delete", "a", "--yes")):
        assert run(*command, code=2)["error"] == 'there is no repository "a"'


def test_other_settings_warn_of_what_would_no_longer_be_served(
    run: Run, kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("registry-repositories")["repositories"]
    ctl = Cli(tmp_path / "root", capsys)
    folder = ctl.root / "var/opt/gitlab/registry"
    folder.mkdir(parents=True)
    (tmp_path / "config.yml").rename(folder / "config.yml")
    ctl.settings('registry_external_url = "http://localhost:5050"\n')
    said = " ".join(ctl("check-config").text.split())
    assert "9 tags of 2 repositories" in said
    assert "ctl registry-migrate-storage --to" in said
