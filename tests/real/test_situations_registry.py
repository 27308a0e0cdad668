"""Settings of the registry itself at work: what a client, or whoever reads its log, sees of each."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness import images, schema1, seeds, tree
from tests.harness.downloads import halted_download
from tests.harness.https import Answer
from tests.harness.images import Blob
from tests.harness.root import SETTINGS, Root, RootMaker
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.real

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LOG = "var/log/gitlab/registry/current"
IMAGE = images.image("situations")
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
SECRET = 'registry["http_secret"] = "{}"'
TWO_MAJOR = 2


@pytest.fixture(scope="module")
def site(module_root_maker: RootMaker) -> Root:
    """A root of which each test makes what it needs; images that one pushes stay there for the others."""
    return module_root_maker()


def use(root: Root, *lines: str) -> None:
    """Reconfigure with these settings, unless the root has them already from another test."""
    file = root.path / SETTINGS
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    root.settings(*lines)
    if file.read_text(encoding="utf-8") != before:
        root.reconfigure()


def begin_upload(root: Root, repository: str) -> Answer:
    path = f"/v2/{repository}/blobs/uploads/"
    return root.client.authorised("POST", path, repository=repository, actions="pull,push")


def finish_upload(root: Root, begun: Answer, repository: str, blob: Blob, *, elsewhere: bool = False) -> int:
    """Go on with an upload where the registry points, or as another node would see it. Returns the status."""
    place = begun.header("Location").split("://", 1)[-1]
    if elsewhere:
        place = place.partition("&upload_key=")[0]
    path = f"{place[place.index('/') :]}&digest={blob.digest}"
    answer = root.client.authorised(
        "PUT", path, repository=repository, actions="pull,push", body=blob.content,
        Content_Type="application/octet-stream",
    )  # fmt: skip
    return answer.status


def put_manifest(root: Root, repository: str, content: bytes, kind: str) -> Answer:
    path = f"/v2/{repository}/manifests/v1"
    return root.client.authorised(
        "PUT", path, repository=repository, actions="pull,push", body=content, Content_Type=kind
    )


def lines_with(root: Root, mark: str) -> list[str]:
    return [line for line in root.read(LOG).splitlines() if mark in line]


# --- the log


@pytest.mark.parametrize("formatter", ["json", "logstash"])
def test_log_in_json(site: Root, formatter: str) -> None:
    """Every line of a request parses: the access log in Apache's form goes with a variable, a boolean."""
    use(
        site,
        f'registry["log_formatter"] = "{formatter}"',
        'registry["log_level"] = "debug"',
        'registry["env"] = {"REGISTRY_LOG_ACCESSLOG_DISABLED": True}',
    )
    begin_upload(site, f"grp/{formatter}")
    mark = f"/v2/grp/{formatter}/blobs/uploads/"

    def entries() -> list[dict[str, Any]]:
        """Of the request; the word "completed" comes last."""
        found = lines_with(site, mark)
        return [json.loads(line) for line in found] if any("completed" in line for line in found) else []

    found = wait_for(entries, what="the request in the log")
    assert {"debug", "info"} <= {one["level"] for one in found}


@pytest.mark.one_registry
def test_log_in_text_without_what_is_less_than_a_warning(site: Root) -> None:
    """svlogd's stamp is back; and the access log, since its variable is gone."""
    use(site, 'registry["log_level"] = "warn"')
    site.client.manifest("a-text-log", "v1")
    found = wait_for(lambda: lines_with(site, "a-text-log"), what="the request in the log")
    assert all(line[:2] == "20" for line in found)
    assert any('"GET /v2/a-text-log' in line for line in found)
    assert not [line for line in found if "level=info" in line]


# --- tokens, uploads, manifests


def test_autoredirect_sends_clients_to_the_registrys_own_host(site: Root) -> None:
    use(site, 'registry["autoredirect"] = True')
    realm = site.client.get("/v2/").header("WWW-Authenticate")
    assert f'realm="{site.url}/auth/token"' in realm


def test_a_shared_secret_lets_uploads_go_on_elsewhere(site: Root) -> None:
    """What began with one secret goes on in a process that has the same, and in no other."""
    blob = IMAGE.needs[1]
    use(site, SECRET.format("shared by all"))
    first, second, third = (begin_upload(site, "grp/secret") for _ in range(3))
    site.ctl("restart", "registry").ok()
    assert finish_upload(site, first, "grp/secret", blob) == 201
    use(site, SECRET.format("of one's own"))
    assert finish_upload(site, second, "grp/secret", blob, elsewhere=True) in (400, 404)
    assert finish_upload(site, third, "grp/secret", blob) == 201  # in the former process


@pytest.mark.one_registry
def test_deleting_can_be_switched_off(site: Root) -> None:
    use(site, 'registry["storage_delete_enabled"] = False')
    site.client.push("grp/stays", IMAGE, "v1")
    path = f"/v2/grp/stays/manifests/{IMAGE.digest}"

    def delete() -> int:
        return site.client.authorised("DELETE", path, repository="grp/stays", actions="delete").status

    assert delete() == 405
    use(site)
    assert delete() == 202


def foreign_manifest() -> bytes:
    """A manifest whose layer is elsewhere, which only validation objects to."""
    config = IMAGE.needs[0]
    foreign = {
        "mediaType": FOREIGN,
        "size": 9,
        "digest": f"sha256:{'1' * 64}",
        "urls": ["https://x.example.com/l"],
    }
    content = {
        "schemaVersion": 2,
        "mediaType": DOCKER,
        "config": {**config.descriptor, "mediaType": "application/vnd.docker.container.image.v1+json"},
        "layers": [foreign],
    }
    return json.dumps(content).encode()


def test_validation_refuses_layers_that_are_elsewhere(site: Root) -> None:
    use(site)
    site.client.push("grp/foreign", IMAGE, "other")
    assert put_manifest(site, "grp/foreign", foreign_manifest(), DOCKER).status == 201
    use(site, 'registry["validation_enabled"] = True')
    assert put_manifest(site, "grp/foreign", foreign_manifest(), DOCKER).status >= 400


def test_old_clients_push_manifests_of_schema_1_once_that_is_enabled(site: Root) -> None:
    line = 'registry["compatibility_schema1_enabled"] = True'
    use(site)
    site.client.push("grp/old", IMAGE, "other")
    manifest = schema1.manifest("grp/old", "v1", IMAGE.needs[1])
    assert put_manifest(site, "grp/old", manifest, schema1.SIGNED).status >= 400
    site.settings(line)
    if site.registry.major > TWO_MAJOR:
        refused = site.ctl("reconfigure").exits(1)
        assert "compatibility_schema1_enabled" in refused.err
        return
    site.reconfigure()
    assert put_manifest(site, "grp/old", manifest, schema1.SIGNED).status == 201
    back = site.client.authorised("GET", "/v2/grp/old/manifests/v1", repository="grp/old")
    assert back.json()["fsLayers"] == [{"blobSum": IMAGE.needs[1].digest}]


# --- storage


def test_middleware_of_storage_redirects_to_its_base(site: Root) -> None:
    """A CDN before the storage; the program itself refuses what it does not have, before anything changes."""
    cdn = '{"storage": [{"name": "redirect", "options": {"baseurl": "https://cdn.example.com/images"}}]}'
    use(site, f'registry["middleware"] = {cdn}')
    site.client.push("grp/cdn", IMAGE, "v1")
    layer = IMAGE.needs[1]
    answer = site.client.authorised("GET", f"/v2/grp/cdn/blobs/{layer.digest}", repository="grp/cdn")
    assert answer.status == 307
    assert answer.header("Location").startswith("https://cdn.example.com/")
    assert layer.digest.removeprefix("sha256:") in answer.header("Location")
    site.settings(f'registry["middleware"] = {cdn.replace("redirect", "nosuchthing")}')
    refused = site.ctl("reconfigure").exits(1)
    assert "nosuchthing" in refused.err
    assert (
        site.client.authorised("GET", f"/v2/grp/cdn/blobs/{layer.digest}", repository="grp/cdn").status == 307
    )


def test_storage_that_vanishes_makes_the_registry_unhealthy(site: Root) -> None:
    """The check's own pace, ten seconds and three failures, would take long: variables of the registry hasten it."""
    hasty = (
        'registry["env"] = {"REGISTRY_HEALTH_STORAGEDRIVER_INTERVAL": "100ms", '
        '"REGISTRY_HEALTH_STORAGEDRIVER_THRESHOLD": 1}'
    )
    use(site, hasty)
    above = site.path / "var/opt/gitlab/gitlab-rails/shared"
    mode = above.stat().st_mode
    above.chmod(0)
    try:
        wait_for(lambda: site.client.get("/v2/").status == 503, seconds=20, what="the registry's alarm")
    finally:
        above.chmod(mode)
    wait_for(lambda: site.client.get("/v2/").status == 401, seconds=20, what="the all-clear")


@pytest.mark.one_registry
def test_images_are_where_the_settings_say(site: Root) -> None:
    use(site)
    site.client.push("grp/before", IMAGE, "v1")
    new = site.path / "srv/images"
    use(site, 'registry["storage"] = {"filesystem": {"rootdirectory": "/srv/images"}}')
    assert not site.client.pulls("grp/before", IMAGE, "v1")
    site.client.push("grp/after", IMAGE, "v1")
    assert (new / "docker/registry/v2/repositories/grp/after").is_dir()
    assert gitlab_yml(site)["registry"]["path"] == str(new)
    use(site)
    assert site.client.pulls("grp/before", IMAGE, "v1"), "the old folder was left alone"


@pytest.mark.one_registry
@pytest.mark.parametrize("left", ["nothing", "a link to nothing", "an empty folder of root's"])
def test_a_disk_that_is_not_mounted_is_no_new_storage(site: Root, need_root: None, left: str) -> None:
    """Else a run makes an empty folder in its place, and clients push into the disk below."""
    use(site)
    site.client.push("grp/mounted", IMAGE, "v1")
    images_folder = site.path / "var/opt/gitlab/gitlab-rails/shared/registry"
    away = images_folder.rename(images_folder.with_name("disk"))
    if left == "a link to nothing":
        images_folder.symlink_to(images_folder.with_name("no-disk"))
    elif left != "nothing":
        images_folder.mkdir()
    before = site.snapshot()
    for command in ("reconfigure", "check-config"):
        refused = site.ctl(command).exits(1)
        assert f"{images_folder} is " in refused.err
        assert f"install -d -o docker-registry {images_folder}" in refused.err
    assert [name for name in tree.changed(before, site.snapshot()) if "shared" in name] == []
    if left == "a link to nothing":
        images_folder.unlink()
    elif left != "nothing":
        images_folder.rmdir()
    away.rename(images_folder)
    assert site.ctl("reconfigure", "--json").ok().json()["changed"] == 0
    assert site.client.pulls("grp/mounted", IMAGE, "v1")


@pytest.mark.one_registry
def test_a_storage_that_should_be_empty_can_be(site: Root, need_root: None) -> None:
    use(site)
    images_folder = site.path / "var/opt/gitlab/gitlab-rails/shared/registry"
    away = images_folder.rename(images_folder.with_name("former"))
    hint = re.search(r"install -d .*", site.ctl("reconfigure").exits(1).err)
    assert hint
    subprocess.run(shlex.split(hint[0]), check=True)
    site.reconfigure()
    site.client.push("grp/anew", IMAGE, "v1")
    shutil.rmtree(images_folder)
    away.rename(images_folder)


FOLDERS = (
    'nginx["dir"]',
    'registry["dir"]',
    'registry["log_directory"]',
    'registry["env_directory"]',
    'gitlab_rails["dir"]',
)


@pytest.mark.one_registry
def test_folders_may_have_names_that_mean_something_to_a_program(site: Root) -> None:
    """YAML, NGINX, the shell, chpst, svlogd and the registry all take them as they are written."""
    name = """/srv/{} $host {{a}} it's # "q\""""
    use(site, *(f"{setting} = {name.format(number)!r}" for number, setting in enumerate(FOLDERS)))
    site.client.push("grp/odd", IMAGE, "v1")
    assert site.client.pulls("grp/odd", IMAGE, "v1")
    assert site.reconfigure().nothing


# --- restarts


def test_a_download_under_way_survives_a_restart_by_hand(site: Root) -> None:
    site.settings('registry["http_draintimeout"] = 30')
    refused = site.ctl("check-config").exits(2)
    assert "a bare 30 means 30 nanoseconds" in refused.err
    use(site, 'registry["http_draintimeout"] = "60s"')
    image = images.image("large", size=20_000_000)
    site.client.push("grp/large", image, "v1")
    layer = image.needs[1]
    before = site.pids()["registry"]
    with halted_download(site, f"/v2/grp/large/blobs/{layer.digest}", "grp/large") as download:
        site.ctl("restart", "registry").ok()  # another process serves by now; this one drains
        download.go_on.set()
        assert download.ended.wait(30)
    assert bytes(download.content) == layer.content
    assert site.pids()["registry"] != before


# --- what GitLab gets


def gitlab_yml(root: Root) -> Any:  # noqa: ANN401 - YAML
    return yaml.safe_load(root.read("var/opt/gitlab/gitlab-rails/etc/gitlab.yml"))["production"]


@pytest.mark.one_registry
def test_new_projects_have_no_registry(site: Root) -> None:
    use(site)
    assert not gitlab_yml(site)["gitlab"].get("default_projects_features")
    before = site.pids()
    site.settings(first=[f'from_file("{EXAMPLES}/disabled-for-new-projects.py")'])
    site.reconfigure()
    assert gitlab_yml(site)["gitlab"]["default_projects_features"] == {"container_registry": False}
    assert gitlab_yml(site)["registry"]["enabled"] is True
    assert site.serves(), "those that have one keep it"
    assert site.pids()["registry"] == before["registry"]


@pytest.mark.one_registry
def test_external_registry_gets_gitlabs_side_only(make_root: RootMaker) -> None:
    """The key is where the settings say; neither a registry nor NGINX runs; a token of it is good elsewhere."""
    root = make_root()
    pair = {"REGISTRY_KEY": seeds.pair(1)[0], "REGISTRY_CERTIFICATE": seeds.pair(1)[1]}
    env = {name: str(root.write(f"given/{name}", text, mode=0o600)) for name, text in pair.items()}
    root.settings(first=[f'from_file("{EXAMPLES}/external-registry.py")'], registry=False)
    root.ctl("reconfigure", env=env).ok()
    assert root.read("custom/path/to/registry-key.key") == pair["REGISTRY_KEY"]
    registry = gitlab_yml(root)["registry"]
    assert registry["key"] == str(root.path / "custom/path/to/registry-key.key")
    assert registry["api_url"] == "https://registry.internal.example.com:5000"
    assert {one.program for one in root.processes()} <= {"runsvdir"}
