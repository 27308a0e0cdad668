"""`ctl registry-garbage-collect`: what it prints, and what it does without a registry."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ctl.cli.collections import print_report, print_result
from ctl.cli.framework import cli
from ctl.collector.report import Report
from ctl.errors import CtlError, PreflightError
from ctl.output import Console
from ctl.registry.collect import result as results
from tests.harness import images
from tests.harness.registry_store import Store

STORAGE = {"filesystem": {"rootdirectory": "/srv"}}  # a folder without images


def run(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--root", str(root), "registry-garbage-collect", *arguments])


def configured(root: Path, **document: object) -> Path:
    path = root / "var/opt/gitlab/registry/config.yml"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"version": 0.1, "storage": STORAGE} | document), encoding="utf-8")
    return path


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is found as the registry, and must not be run but for its version."""
    folder = tmp_path / "bin"
    folder.mkdir()
    version = "registry github.com/docker/distribution v2.8.3"
    script = f'#!/bin/sh\n[ "$1" = --version ] && exec echo {version}\nexit 9\n'
    (folder / "registry").write_text(script, encoding="utf-8")
    (folder / "registry").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.mark.usefixtures("program")
def test_works_from_the_configuration_alone(tmp_path: Path) -> None:
    configured(tmp_path)
    result = run(tmp_path, "--quarantine", "-m")
    assert result.exit_code == 0, result.exception
    assert result.output == "nothing to collect\n"


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize("option", ["--quarantine", "--stop", "--now", "--dry-run"])
def test_a_storage_that_is_not_there_is_an_error(tmp_path: Path, option: str) -> None:
    root = tmp_path / "not-mounted"
    configured(tmp_path, storage={"filesystem": {"rootdirectory": str(root)}})
    result = run(tmp_path, option)
    assert result.exit_code == 1
    assert f"{root} does not exist" in str(result.exception or result.output)


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize("lost", ["repositories", "blobs"])
def test_images_that_are_half_there_are_not_nothing(tmp_path: Path, lost: str) -> None:
    store = Store(tmp_path / "images")
    store.push("app", images.image("one"), "v1")
    shutil.rmtree(store.path(f"docker/registry/v2/{lost}"))
    configured(tmp_path, storage={"filesystem": {"rootdirectory": str(store.root)}})
    before = len(store.blobs()) if lost != "blobs" else 0
    result = run(tmp_path, "--quarantine", "-m", "--older-than", "0")
    assert "nothing was deleted" in result.output
    assert "nothing to collect" not in result.output
    assert lost != "repositories" or len(store.blobs()) == before


@pytest.mark.usefixtures("program")
def test_json(tmp_path: Path) -> None:
    configured(tmp_path)
    found = json.loads(run(tmp_path, "--quarantine", "--json", "-d").stdout)
    assert set(found) >= {
        "run",
        "damages",
        "blobs_deleted",
        "bytes_deleted",
        "bytes_freed",
    }
    assert (found["mode"], found["dry_run"], found["bytes_freed"]) == ("unreferenced", True, 0)


@pytest.mark.usefixtures("program")
def test_json_of_the_registrys_own_collector(tmp_path: Path) -> None:
    configured(tmp_path)
    found = json.loads(run(tmp_path, "--stop", "--json", "-d").stdout)
    assert set(found) == {
        "mode",
        "dry_run",
        "repositories",
        "manifests_deleted",
        "manifests_kept",
        "blobs_deleted",
        "bytes_freed",
        "seconds",
    }
    assert (found["mode"], found["dry_run"], found["bytes_freed"]) == ("unreferenced", True, 0)


@pytest.mark.usefixtures("program")
def test_broken_settings_do_not_stand_in_the_way(tmp_path: Path) -> None:
    configured(tmp_path)
    (tmp_path / "etc/gitlab").mkdir(parents=True)
    (tmp_path / "etc/gitlab/gitlab.py").write_text("import os\n", encoding="utf-8")
    result = run(tmp_path)
    assert result.exit_code == 0, result.exception
    assert "going on with defaults" in result.stderr


def test_missing_configuration_is_reported(tmp_path: Path) -> None:
    for arguments in ((), (str(tmp_path / "config.yml"),)):
        result = run(tmp_path, *arguments)
        assert isinstance(result.exception, CtlError)
        assert "config.yml does not exist" in result.exception.message


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"storage": "inmemory"}, "inmemory storage driver"),
        (
            {"storage": {**STORAGE, "cache": {"blobdescriptor": "redis"}}},
            "cache in Redis, but names no server",
        ),
        ({"database": {"enabled": True}}, "metadata in a database"),
    ],
)
def test_registries_that_cannot_be_collected_so(
    tmp_path: Path, document: dict[str, object], words: str
) -> None:
    configured(tmp_path, **document)
    result = run(tmp_path, "-m", "--stop")
    assert isinstance(result.exception, PreflightError)
    assert words in result.exception.message


def reported(result: results.Result, capsys: pytest.CaptureFixture[str]) -> str:
    print_result(Console(colored=False), result)
    return capsys.readouterr().out


def test_lines_of_a_collection_into_quarantine(capsys: pytest.CaptureFixture[str]) -> None:
    one = Report(
        untagged=True, dry_run=False, run="20260101T000000Z-00aa", repositories=2, kept=7, seconds=0.24
    )
    one.counts = {
        "manifests_deleted": 1, "blobs_deleted": 2, "bytes_deleted": 3_000_000, "uploads_deleted": 1,
        "blobs_recent": 4, "blobs_restored": 1, "bytes_freed": 5,
    }  # fmt: skip
    print_report(Console(colored=False), one)
    assert capsys.readouterr().out.splitlines() == [
        "moved 1 manifest, 2 blobs and 1 dead upload to quarantine, 3.0 MB (3,000,000 bytes), in 0.2 s; "
        "7 manifests in 2 repositories stay",
        "    ctl registry-garbage-collect --restore 20260101T000000Z-00aa brings it back",
        "brought back 1 blob and 0 manifests that are needed again",
        "left 4 blobs for a later run: new, or in use lately",
        "freed 5 bytes",
    ]


def test_last_line_of_a_collection(capsys: pytest.CaptureFixture[str]) -> None:
    blobs: dict[str, int | None] = {"sha256:aa": 3_000_000, "sha256:bb": 14_290}
    one = results.Result(untagged=False, dry_run=False, repositories=1, kept=1, blobs=blobs, seconds=0.42)
    line = "deleted 2 blobs, freed 3.0 MB (3,014,290 bytes) in 0.4 s; 1 manifest in 1 repository stays\n"
    assert reported(one, capsys) == line
    many = results.Result(untagged=True, dry_run=False, manifests=[("a", "sha256:cc")], blobs=blobs)
    assert reported(many, capsys).startswith("deleted 1 manifest and 2 blobs, freed 3.0 MB")


def test_dry_run_lists_what_would_go(capsys: pytest.CaptureFixture[str]) -> None:
    one = results.Result(
        untagged=True, dry_run=True, manifests=[("grp/app", "sha256:cc")], blobs={"sha256:cc": 1_234}
    )
    assert reported(one, capsys).splitlines()[:2] == [
        "would delete manifest grp/app@sha256:cc",
        "would delete blob sha256:cc (1,234 bytes)",
    ]


def test_unknown_sizes_are_not_invented(capsys: pytest.CaptureFixture[str]) -> None:
    one = results.Result(untagged=False, dry_run=False, blobs={"sha256:aa": 5, "sha256:bb": None})
    assert one.bytes_freed is None
    assert one.as_json()["bytes_freed"] is None
    output = reported(one, capsys)
    assert "freed at least 5 bytes" in output
    assert "the storage driver does not give the size of 1 blob\n" in output
