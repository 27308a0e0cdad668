"""Parameters of S3 storage, each by its effect in a bucket that lets nobody in without the right key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness import images
from tests.harness.metadata import MachineMetadata
from tests.harness.root import Root, RootMaker
from tests.harness.s3 import GuardedS3Server

pytestmark = pytest.mark.real

BUCKET = "images"
MIB = 1024 * 1024
KMS_KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.fixture(scope="module")
def s3() -> Iterator[GuardedS3Server]:
    with GuardedS3Server(BUCKET) as server:
        yield server


@pytest.fixture(scope="module")
def root(module_root_maker: RootMaker, s3: GuardedS3Server) -> Root:
    """A registry with static keys, and parameters whose effects differ from the defaults'."""
    root = module_root_maker()
    root.settings(
        _storage(
            s3,
            rootdirectory=_folder("first", root),
            encrypt=True,
            storageclass="REDUCED_REDUNDANCY",
            chunksize="6MiB",
            maxrequestspersecond=100,
        )
    )
    output = " ".join(root.ctl("reconfigure").ok().text.split())
    assert "registry.storage.s3.maxrequestspersecond: has no effect" in output
    return root


def _folder(name: str, root: Root) -> str:
    """A folder in the bucket, of one registry program."""
    return f"/{name}-{root.registry}"


def _keys(s3: GuardedS3Server) -> dict[str, str]:
    return {"accesskey": s3.user.access_key, "secretkey": s3.user.secret_key}


def _storage(s3: GuardedS3Server, *, keys: bool = True, disable: bool = True, **parameters: Any) -> str:  # noqa: ANN401
    driver: dict[str, Any] = {"bucket": BUCKET, "region": "us-east-1", "regionendpoint": s3.endpoint}
    driver |= (_keys(s3) if keys else {}) | parameters
    return f'registry["storage"] = { {"s3": driver, "redirect": {"disable": disable}}!r}'


def test_static_keys_encryption_class_and_folder(root: Root, s3: GuardedS3Server) -> None:
    image = images.image(f"s3 situations {root.registry}")
    root.client.push("grp/one", image, "v1")
    assert root.client.pulls("grp/one", image, "v1")
    blob = s3.properties(f"/{image.digest.removeprefix('sha256:')}/data")
    assert blob["ServerSideEncryption"] == "AES256"
    assert blob["StorageClass"] == "REDUCED_REDUNDANCY"
    assert blob["key"].startswith(f"{_folder('first', root)[1:]}/docker/registry/v2/blobs/")


def test_parts_have_the_size_of_chunks(root: Root, s3: GuardedS3Server) -> None:
    repository, rights = "grp/parts", "pull,push,delete"
    begun = root.client.authorised(
        "POST", f"/v2/{repository}/blobs/uploads/", repository=repository, actions=rights
    )
    place = begun.header("Location")
    place = place[place.index("/v2/") :]
    body = images.layer("s3 parts", size=20 * MIB).content
    sent = root.client.authorised("PATCH", place, repository=repository, actions=rights, body=body)
    assert sent.status == 202, sent.body
    assert s3.parts()[:2] == [6 * MIB, 6 * MIB]
    place = sent.header("Location")
    place = place[place.index("/v2/") :]
    ended = root.client.authorised("DELETE", place, repository=repository, actions=rights)
    assert ended.status == 204, ended.body


def test_wrong_keys_are_reported_before_the_registry_is_switched_over(
    root: Root, s3: GuardedS3Server
) -> None:
    settings, pids = root.read("etc/gitlab/gitlab.py"), root.lasting_pids()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"secretkey": "not-the-secret"}, "SignatureDoesNotMatch"),
        ({"bucket": "of-others"}, "NoSuchBucket"),
    ]
    for keys, why in cases:
        root.settings(_storage(s3, **keys))
        output = root.ctl("reconfigure").exits(1).text
        line = len(root.read("etc/gitlab/gitlab.py").splitlines())
        name = keys.get("bucket", BUCKET)
        at = f"""registry["storage"]["s3"]: bucket "{name}" at {s3.endpoint} cannot be used: s3aws: {why}: """
        assert f"gitlab.py:{line}:10: {at}" in " ".join(output.split())
        assert not any(key in output for key in ("not-the-secret", s3.user.secret_key))
    assert root.ctl("reconfigure", "--dry-run").exits(1)
    assert root.ctl("check-config").ok()
    root.write("etc/gitlab/gitlab.py", settings)
    assert root.lasting_pids() == pids
    assert root.reconfigure().nothing


@pytest.mark.one_registry("ctl asks, or does not")
def test_a_store_that_is_down_can_be_left_unasked(root: Root, s3: GuardedS3Server) -> None:
    settings = root.read("etc/gitlab/gitlab.py")
    root.settings(_storage(s3, regionendpoint="http://127.0.0.1:1"))
    assert "connection refused" in root.ctl("reconfigure").exits(1).text
    root.settings(
        _storage(s3, regionendpoint="http://127.0.0.1:1"), 'registry["storage_probe_enabled"] = False'
    )
    root.reconfigure()
    root.write("etc/gitlab/gitlab.py", settings)
    root.reconfigure()


def test_the_role_of_the_machine_and_a_key_of_the_service(root: Root, s3: GuardedS3Server) -> None:
    """Without keys in the settings; objects are encrypted with a key of KMS; downloads come from the bucket."""
    with MachineMetadata(s3.role) as machine:
        root.settings(
            _storage(
                s3,
                keys=False,
                disable=False,
                rootdirectory=_folder("second", root),
                encrypt=True,
                keyid=KMS_KEY,
            ),
            f'registry["env"] = {{"AWS_EC2_METADATA_SERVICE_ENDPOINT": "{machine.endpoint}"}}',
        )
        root.reconfigure()
        image = images.image(f"s3 role {root.registry}")
        root.client.push("grp/role", image, "v1")
        name = image.needs[-1].digest.removeprefix("sha256:")
        blob = s3.properties(f"/{name}/data")
        assert (blob["ServerSideEncryption"], blob["SSEKMSKeyId"]) == ("aws:kms", KMS_KEY)
        assert "StorageClass" not in blob
        answer = root.client.authorised(
            "GET", f"/v2/grp/role/blobs/{image.needs[-1].digest}", repository="grp/role"
        )
        assert answer.status == 307
        assert answer.header("Location").startswith(
            f"{s3.endpoint}/{BUCKET}{_folder('second', root)}/docker/"
        )
        assert "X-Amz-Security-Token=" in answer.header("Location")
        assert s3.user.access_key not in answer.header("Location")


@pytest.mark.one_registry("both have it from the same library")
def test_a_machine_without_a_role(make_root: RootMaker, s3: GuardedS3Server) -> None:
    root = make_root()
    root.settings(_storage(s3, keys=False), 'registry["env"] = {"AWS_EC2_METADATA_DISABLED": "true"}')
    assert "NoCredentialProviders" in root.ctl("reconfigure").exits(1).text
    assert root.processes() == []
