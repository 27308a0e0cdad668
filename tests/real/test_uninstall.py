"""`ctl uninstall` leaves data, `ctl cleanse` leaves nothing but a backup; both name what stays."""

from __future__ import annotations

import json
import tarfile
import time
from pathlib import Path

import pytest

from tests.harness import images
from tests.harness.root import Root, RootMaker
from tests.harness.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.one_registry]

IMAGE = images.image("uninstalled")
DATA = ("etc/gitlab/gitlab.py", "etc/gitlab/gitlab-secrets.json", "var/opt/gitlab", "var/log/gitlab/registry")


@pytest.fixture
def root(make_root: RootMaker) -> Root:
    """A running registry with an image; beside it a service and a cron file that are not ctl's."""
    root = make_root()
    root.settings()
    root.reconfigure()
    root.client.push("grp/app", IMAGE, "v1")
    root.write("opt/gitlab/sv/mine/run", "#!/bin/sh\nexec sleep 1000\n", mode=0o755)
    root.write("etc/cron.d/mine", "# mine\n")
    return root


def test_uninstall_leaves_data_and_what_is_not_of_ctl(root: Root) -> None:
    trial = {"until": time.time() + 3600, "back_to": "x", "token": "x"}
    root.write("var/opt/gitlab/ctl/trial.json", json.dumps(trial), mode=0o600)
    found = root.ctl("uninstall", "--json").ok().json()
    wait_for(lambda: root.processes() == [], what="nothing waits for the end of a trial")
    assert sorted(path.name for path in (root.path / "opt/gitlab/sv").iterdir()) == ["mine"]
    assert not (root.path / "opt/gitlab/service").exists()
    assert (root.path / "etc/cron.d/mine").exists()
    assert all((root.path / name).exists() for name in DATA)
    assert f"{root.path}/opt/gitlab/sv/registry" in found["removed"]
    left = [one["path"] for one in found["left"]]
    assert left == [f"{root.path}/{name}" for name in ("etc/gitlab", "var/opt/gitlab", "var/log/gitlab")]
    assert [path.name for path in (root.path / "opt/gitlab").iterdir()] == ["sv"]
    again = root.ctl("uninstall").ok()
    assert "removed:" not in again.out
    root.reconfigure()
    assert root.client.pulls("grp/app", IMAGE, "v1")


def test_cleanse_asks_then_leaves_a_backup(root: Root, tmp_path: Path) -> None:
    elsewhere = root.path / "srv/images"
    elsewhere.mkdir(parents=True)
    root.settings(f'registry["storage"] = {{"filesystem": {{"rootdirectory": "{elsewhere}"}}}}')
    root.reconfigure()
    before = root.pids()
    refused = root.ctl("cleanse").exits(2)
    assert "ctl cleanse --yes" in refused.err
    assert root.pids() == before
    found = root.ctl("cleanse", "--yes", "--json").ok().json()
    assert root.processes() == []
    for name in ("etc/gitlab", "var/opt/gitlab", "var/log/gitlab", "opt/gitlab/service"):
        assert not (root.path / name).exists()
    assert (root.path / "opt/gitlab/sv/mine/run").exists()
    assert elsewhere.exists()
    assert {"what": "images", "path": str(elsewhere)} in found["left"]
    backup = Path(found["backup"])
    assert backup.stat().st_mode & 0o777 == 0o600
    with tarfile.open(backup) as archive:
        secrets = archive.extractfile("etc/gitlab/gitlab-secrets.json")
        assert secrets is not None
        assert "registry" in json.load(secrets)
    assert "nothing was installed" in root.ctl("cleanse", "--yes").ok().out


def test_cleanse_does_not_remove_what_has_changed_since(root: Root) -> None:
    key = root.path / "srv/key/gitlab-registry.key"
    root.settings(f'gitlab_rails["registry_key_path"] = "{key}"')
    root.reconfigure()
    key.write_text("mine")
    left = root.ctl("cleanse", "--yes", "--json").ok().json()["left"]
    assert {"what": "written by ctl", "path": str(key)} in left
    assert key.read_text() == "mine"


def test_reconfigure_names_what_it_leaves(root: Root) -> None:
    """A site recipe that was removed, and a GitLab that has left; it says so once."""
    recipe = root.write(
        "etc/gitlab/recipes.d/mine.py",
        "from ctl.converge import File\n\n\n"
        'def recipe(node):\n    yield File(node.layout.path("/etc/cron.d/site"), content="# site")\n',
    )
    root.reconfigure()
    recipe.unlink()
    key = root.path / "var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key"
    root.settings('gitlab_rails["enable"] = False')
    found = root.ctl("reconfigure").ok()
    for path in (root.path / "etc/cron.d/site", key):
        assert path.exists()
        assert f"left: {path} (written by ctl, and not managed any more)" in found.err
    assert "left:" not in root.ctl("reconfigure").ok().err
