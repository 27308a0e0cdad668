"""`ctl registry-disk-usage`: names, forms of output, storages that cannot be read."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from ctl.collector.layout import DATABASE_LOCK
from tests.harness import images
from tests.harness.cli import Cli
from tests.harness.registry_store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two repositories behind the service's own configuration."""
    found = Store(tmp_path / "images")
    found.push("team/app", images.image("one"), "v1", "v2")
    found.push("team/web", images.image("other", size=90_000), "latest")
    configure(tmp_path, {"filesystem": {"rootdirectory": str(found.root)}})
    return found


def configure(root: Path, storage: object, **more: object) -> None:
    path = root / "var/opt/gitlab/registry/config.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"version": 0.1, "storage": storage, **more}))


@pytest.mark.usefixtures("store")
def test_the_largest_comes_first_and_sums_below(ctl: Cli) -> None:
    lines = ctl("registry-disk-usage").out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["REPOSITORY", "team/web", "team/app"]
    assert lines[3].startswith("all blobs:")
    assert ctl("registry-disk-usage", "--sort", "name", "-q").out.splitlines()[1].startswith("team/app")


@pytest.mark.usefixtures("store")
def test_some_repositories(ctl: Cli) -> None:
    found = json.loads(ctl("registry-disk-usage", "--json", "team/app").out)
    assert [one["name"] for one in found["repositories"]] == ["team/app"]
    assert (found["other_repositories"], found["repositories"][0]["tags"]) == (1, 2)
    result = ctl("registry-disk-usage", "team/ap")
    assert result.code == 2
    assert 'there is no repository "team/ap"' in result.err
    assert 'Did you mean "team/app"?' in result.err


@pytest.mark.usefixtures("store")
def test_csv_and_html(ctl: Cli, tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(ctl("registry-disk-usage", "--csv", "--sort", "name").out)))
    assert [row["repository"] for row in rows] == ["team/app", "team/web"]
    page = tmp_path / "usage.html"
    assert "written" in ctl("registry-disk-usage", "--html", str(page)).out
    assert '"name": "team/app"' in page.read_text()
    assert ctl("registry-disk-usage", "--csv", "--json").code == 2
    assert ctl("registry-disk-usage", "--html", str(tmp_path / "none" / "x.html")).code == 1


def test_damages_are_warnings_and_what_cannot_be_read_fails(ctl: Cli, store: Store) -> None:
    store.link("team/app", "v2").unlink()
    plain = store.write("docker/registry/v2/repositories/team/app/_manifests/tags/README", b"no tag")
    result = ctl("registry-disk-usage")
    assert result.code == 0
    assert f"{plain}: no registry writes such a name; move it out of the storage" in result.err
    assert f"warning: repository team/app: {store.link('team/app', 'v2')}" in result.err
    store.path("docker/registry/v2/repositories/shut").symlink_to("/nonexistent")
    result = ctl("registry-disk-usage", "--json")
    assert result.code == 1
    assert any(damage["blocks"] for damage in json.loads(result.out)["damages"])


def test_nothing_was_pushed_yet(ctl: Cli, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    configure(tmp_path, {"filesystem": {"rootdirectory": str(tmp_path / "images")}})
    assert ctl("registry-disk-usage").out.startswith("there is no repository")


def test_storages_whose_files_do_not_say_it(ctl: Cli, store: Store, tmp_path: Path) -> None:
    store.write(DATABASE_LOCK, b"")
    assert "metadata database" in ctl("registry-disk-usage").err
    configure(tmp_path, {"filesystem": {"rootdirectory": str(store.root)}}, database={"enabled": True})
    assert "keeps its metadata in a database" in ctl("registry-disk-usage").err
    configure(tmp_path, {"swift": {"container": "images"}})
    result = ctl("registry-disk-usage")
    assert (result.code, "no client for the storage driver swift" in result.err) == (1, True)
