"""A storage that is not there, and a run that is not named, are no reason to do something else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.harness import images
from tests.harness.cli import Cli
from tests.harness.registry_store import Store

COMMANDS = ("registry-garbage-collect", "registry-disk-usage", "registry-repositories", "registry-fsck")


def config(folder: Path, storage: Path) -> Path:
    path = folder / "config.yml"
    document = {"version": 0.1, "storage": {"filesystem": {"rootdirectory": str(storage)}}}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("is_file", "what"), [(False, "does not exist"), (True, "is no folder")])
def test_a_storage_that_is_not_there_is_not_empty(
    ctl: Cli, tmp_path: Path, command: str, is_file: bool, what: str
) -> None:
    storage = tmp_path / "images"
    if is_file:
        storage.write_text("", encoding="utf-8")
    result = ctl(command, "--config", str(config(tmp_path, storage)))
    assert result.code == 1
    assert f"{storage} {what}: the registry's images should be there" in result.err


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("registry-garbage-collect", "--restore"),
        ("registry-garbage-collect", "--switch"),
        ("registry-cleanup", "--undo"),
        ("registry-fsck", "--restore"),
    ],
)
def test_a_name_that_is_empty_is_wrong_usage(ctl: Cli, tmp_path: Path, command: str, option: str) -> None:
    """As of a variable of a script that is not set: nothing is collected in its place."""
    store = Store(tmp_path / "images")
    store.push("grp/app", images.image("kept"), "v1")
    store.write("docker/registry/v2/blobs/sha256/aa/" + "a" * 64 + "/data", b"garbage")
    store.age()
    result = ctl(command, "--config", str(config(tmp_path, store.root)), option, "")
    assert (result.code, "it is empty" in result.err) == (2, True)
    assert len(store.blobs()) == 4
