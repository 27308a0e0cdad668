"""A registry whose images are in a bucket, with a real S3 server; and drivers that the program does not have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import images, tree
from tests.harness.https import Client
from tests.harness.registries import Registry
from tests.harness.root import Root, RootMaker
from tests.harness.s3 import S3Server

pytestmark = pytest.mark.real

BUCKET = "images"
SECRET = "secret-key-of-the-bucket"
COLLECT = "registry-garbage-collect"
SIZE = 300_000
OF_RUNS = {"var", "var/opt", "var/opt/gitlab", "var/opt/gitlab/ctl", "var/log", "var/log/gitlab"}
"""What a refused run leaves: the folder of ctl's own lock, and those above."""


@pytest.fixture(scope="module")
def s3(registry_program: Registry) -> Iterator[S3Server]:
    """An S3 server with one bucket, for each registry program."""
    with S3Server() as server:
        server.make_bucket(BUCKET)
        yield server


@pytest.fixture(scope="module")
def root(module_root_maker: RootMaker, s3: S3Server) -> Root:
    """A running registry whose images are in the bucket; downloads go through the registry."""
    root = module_root_maker()
    root.settings(_storage(s3))
    root.reconfigure()
    return root


def _storage(s3: S3Server, *, bucket: str = BUCKET, **beside: object) -> str:
    driver: dict[str, Any] = {
        "accesskey": "test",
        "secretkey": SECRET,
        "bucket": bucket,
        "region": "us-east-1",
        "regionendpoint": s3.endpoint,
        "rootdirectory": "/registry",
        "chunksize": "5MiB",
        "maxrequestspersecond": 100,
    }
    return f'registry["storage"] = { ({"redirect": {"disable": True}} | beside | {"s3": driver})!r}'


def test_skopeo_pushes_and_pulls_both_platforms(root: Root, s3: S3Server, tmp_path: Path) -> None:
    both = images.two_platforms("s3", size=SIZE)
    layout = images.write_layout(tmp_path / "out", {"v1": both})
    digest = root.skopeo.push(layout, "v1", "grp/both", token=root.sign("grp/both", "pull,push"))
    assert digest == both.digest
    assert set(both.family()) <= _stored(s3)
    assert all(key.startswith("registry/docker/registry/v2/") for key in s3.objects(BUCKET))
    token = root.sign("grp/both", "pull")
    back = root.skopeo.pull("grp/both:v1", tmp_path / "back", "v1", token=token)
    assert images.layout_digests(back) == set(both.family())


def test_an_image_larger_than_a_chunk(root: Root) -> None:
    large = images.image("larger than 5 MiB", size=12_000_000)
    root.client.push("grp/large", large, "v1")
    assert root.client.pulls("grp/large", large, "v1")


def test_collection_frees_objects_and_keeps_tagged_platforms(root: Root, s3: S3Server) -> None:
    both, old = images.two_platforms("s3 kept", size=SIZE), images.image("s3 old", size=SIZE)
    root.client.push("grp/collected", both, "v1")
    root.client.push("grp/collected", old)
    assert old.digest in _stored(s3)
    root.ctl(COLLECT, "-m", "--older-than", "0", "--dry-run").ok()
    assert set(old.family()) <= _stored(s3)
    report = root.ctl(COLLECT, "-m", "--older-than", "0", "--json").ok().json()
    assert not set(old.family()) & _stored(s3)
    assert not root.client.pulls("grp/collected", old)
    root.ctl(COLLECT, "--restore", report["run"]).ok()
    assert root.client.pulls("grp/collected", old)
    assert report["run"] in root.ctl(COLLECT, "--history").ok().out
    root.ctl(COLLECT, "-m", "--older-than", "0", "--now").ok()
    assert not set(old.family()) & _stored(s3)
    assert not root.client.pulls("grp/collected", old)
    assert root.client.pulls("grp/collected", both, "v1")
    assert root.serves()
    root.client.push("grp/collected", old, "again")
    assert root.client.pulls("grp/collected", old, "again"), "the registry remembers blobs that are gone"


def test_downloads_do_not_leave_the_registry(root: Root, s3: S3Server) -> None:
    image = images.image("s3 redirect")
    root.client.push("grp/redirect", image, "v1")
    blob = image.needs[-1]
    assert _download(root.client, blob.digest).body == blob.content


def test_downloads_are_redirected_by_default_with_a_warning(
    make_root: RootMaker, root: Root, s3: S3Server
) -> None:
    image = images.image("s3 redirected")
    root.client.push("grp/redirect", image, "v1")
    other = make_root()
    other.settings(_storage(s3, redirect={"disable": False}))
    output = other.ctl("reconfigure").ok().text
    assert "registry.storage.s3.regionendpoint: is the private address 127.0.0.1" in " ".join(output.split())
    answer = _download(other.client, image.needs[-1].digest)
    assert answer.status == 307
    assert answer.header("Location").startswith(f"{s3.endpoint}/{BUCKET}/registry/docker/")


def test_the_secret_stays_in_the_registrys_own_file(root: Root) -> None:
    assert SECRET not in root.ctl("show-config").ok().text
    assert SECRET not in root.ctl("reconfigure", "--dry-run", "--diff").ok().text
    holders = {name for name, content in tree.texts(root.path) if SECRET.encode() in content}
    kept = {
        name for name in holders if name.startswith("var/opt/gitlab/ctl/history/")
    }  # for a rollback, 0700
    assert holders - kept == {"etc/gitlab/gitlab.py", "var/opt/gitlab/registry/config.yml"}
    assert (root.path / "var/opt/gitlab/registry/config.yml").stat().st_mode & 0o007 == 0


def test_a_bucket_that_is_not_there_yet(make_root: RootMaker, s3: S3Server) -> None:
    root = make_root()
    root.settings(_storage(s3, bucket="missing"), 'registry["storage_probe_enabled"] = False')
    root.reconfigure()
    image = images.image("s3 missing")
    with pytest.raises(AssertionError, match="upload refused: 500"):
        root.client.push("grp/missing", image, "v1")
    assert "The specified bucket does not exist" in root.ctl(COLLECT).exits(1).text
    assert root.serves()
    s3.make_bucket("missing")
    root.ctl(COLLECT).ok()
    root.client.push("grp/missing", image, "v1")
    assert root.client.pulls("grp/missing", image, "v1")


LACKS: dict[int, list[tuple[str, dict[str, Any], str]]] = {
    2: [
        ("gcs", {"bucket": "b", "keyfile": "/etc/key.json"}, "Distribution 3 or GitLab's registry"),
        (
            "azure",
            {"accountname": "a", "accountkey": "aw==", "container": "c", "trimlegacyrootprefix": True},
            "Distribution 3 or GitLab's registry",
        ),
    ],
    3: [
        ("s3_v2", {"bucket": "b", "region": "r"}, "GitLab's registry"),
        (
            "swift",
            {"authurl": "https://swift.example.com", "username": "u", "password": "p", "container": "c"},
            "Distribution 2",
        ),
    ],
}


@pytest.mark.parametrize("number", [0, 1])
def test_a_driver_that_the_program_lacks(make_root: RootMaker, number: int, tmp_path: Path) -> None:
    root = make_root()
    driver, given, owner = LACKS[root.registry.major][number]
    root.settings(f'registry["storage"] = { ({driver: given})!r}')
    before = root.snapshot()
    wanted = f"""registry["storage"]["{driver}"] needs {owner}"""
    refused = root.ctl("reconfigure").exits(1)
    assert wanted in refused.text
    assert 'name it in registry["executable"]' in refused.text
    assert tree.changed(before, root.snapshot()) <= OF_RUNS
    assert root.processes() == []
    for command in (["check-config"], ["render", "--output", str(tmp_path / "rendered")]):
        assert wanted in root.ctl(*command).ok().text, command


def _stored(s3: S3Server) -> set[str]:
    """The digests of all blobs in the bucket, but for the quarantine."""
    keys = [key.split("/") for key in s3.objects(BUCKET) if "ctl-quarantine" not in key]
    return {f"sha256:{parts[-2]}" for parts in keys if parts[-1] == "data" and "blobs" in parts}


def _download(client: Client, digest: str) -> Any:  # noqa: ANN401 - an answer
    return client.authorised("GET", f"/v2/grp/redirect/blobs/{digest}", repository="grp/redirect")
