"""`ctl registry-check-storage`: each permission that lacks, found in real storage that refuses."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ctl.registry.storage_check import Check, check_storage
from ctl.storage.made import open_store
from tests.harness.cloud import BUCKET, storage
from tests.harness.ports import Ports
from tests.harness.registries import REGISTRIES, Registry
from tests.harness.registry_stack import ACCOUNT, Stack, stack
from tests.harness.s3 import Credentials, GuardedS3Server

pytestmark = pytest.mark.real

ALL = (
    "s3:ListBucket",
    "s3:PutObject",
    "s3:GetObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
    "s3:ListBucketMultipartUploads",
)
CHECK = "registry-check-storage"


@pytest.fixture(scope="module")
def s3() -> Iterator[GuardedS3Server]:
    with GuardedS3Server(BUCKET) as server:
        yield server


@contextmanager
def checked(program: Registry, section: dict[str, Any]) -> Iterator[Stack]:
    """A registry with its configuration; it does not run."""
    folder = Path(tempfile.mkdtemp(prefix="ctl-registry-"))
    folder.chmod(0o755)
    one = Stack(folder, 1, program.program)
    one.write(storage=section)
    try:
        yield one
    finally:
        one.end()


def report(one: Stack, code: int) -> dict[str, Any]:
    found = json.loads(one.ctl(CHECK, "--json", code=code))
    assert isinstance(found, dict)
    return found


def lacking(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["operation"], one["permission"]) for one in found["checks"] if one["ok"] is False]


def section(s3: GuardedS3Server, who: Credentials, **more: object) -> dict[str, Any]:
    keys = {"accesskey": who.access_key, "secretkey": who.secret_key}
    place = {
        "bucket": BUCKET,
        "region": "us-east-1",
        "regionendpoint": s3.endpoint,
        "rootdirectory": "/here",
        "forcepathstyle": True,
    }
    return {"s3": {**keys, **place, **more}}


def test_all_that_a_registry_needs_is_tried(s3: GuardedS3Server, registry_program: Registry) -> None:
    who = s3.user_who_may(f"all{registry_program.major}", *ALL)
    with checked(registry_program, section(s3, who)) as one:
        output = one.ctl(CHECK)
        operations = ("delete", "list", "write", "read", "copy", "begin", "continue", "abandon")
        assert [line.split()[1] for line in output.splitlines()[1:]] == list(operations)
        assert f'bucket "{BUCKET}" at {s3.endpoint}' in output
        assert who.secret_key not in output
    assert s3.keys("here/") == set()


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("s3:ListBucket", {"list"}),
        ("s3:GetObject", {"read", "copy"}),
        ("s3:PutObject", {"write"}),
        ("s3:DeleteObject", {"delete"}),
    ],
)
def test_a_permission_that_lacks_is_named(s3: GuardedS3Server, missing: str, expected: set[str]) -> None:
    who = s3.user_who_may(f"without-{missing[3:]}", *(set(ALL) - {missing}))
    found = [check for check in checks(s3, who) if check.ok is False]
    assert {check.operation for check in found} == expected
    assert all(missing in check.permission and missing in check.remedy for check in found)
    assert "Access Denied" in found[0].reason
    assert s3.keys("here/") == set(), "nothing is left behind, also where it could not be deleted"


def test_what_is_refused_leads_to_this_check(s3: GuardedS3Server) -> None:
    who = s3.user_who_may("lost", *(set(ALL) - {"s3:ListBucket"}))
    with checked(REGISTRIES[0], section(s3, who)) as one:
        for command in ("registry-disk-usage", "registry-garbage-collect"):
            output = one.ctl(command, code=1)
            assert "`ctl registry-check-storage` names each permission that lacks." in output, command


def test_wrong_keys_and_a_missing_bucket(s3: GuardedS3Server) -> None:
    first = checks(s3, Credentials("AKIAWRONG", "no"))[0]
    assert (first.permission, first.remedy) == ("", "correct the keys in the storage section")
    first = next(check for check in checks(s3, s3.user, bucket="of-others") if check.ok is False)
    assert 'correct its name: bucket "of-others"' in first.remedy


def test_what_only_the_registry_itself_needs(s3: GuardedS3Server, registry_program: Registry) -> None:
    """ctl's own client uploads in one piece; the registry's driver asks for its parts."""
    missing = "s3:ListBucketMultipartUploads"
    who = s3.user_who_may(f"without-{missing[3:]}-{registry_program.major}", *(set(ALL) - {missing}))
    with checked(registry_program, section(s3, who, rootdirectory="/limited")) as one:
        ((operation, permission),) = lacking(report(one, 1))
        assert operation == "continue an upload"
        assert missing in permission


def checks(s3: GuardedS3Server, who: Credentials, **more: object) -> list[Check]:
    return list(check_storage(open_store("s3", section(s3, who, **more)["s3"], {}), ACCOUNT))


@pytest.mark.parametrize("driver", ["gcs", "azure"])
@pytest.mark.one_registry("Debian's program has neither driver", major=3)
def test_other_object_storage(driver: str, registry_program: Registry, tmp_path: Path) -> None:
    with storage(driver, tmp_path) as kept:
        of_driver: dict[str, dict[str, Any]] = {
            "gcs": {"chunksize": 262_144},
            "azure": {"credentials": {"type": "shared_key"}},
        }
        with checked(registry_program, {driver: {**kept.parameters, **of_driver[driver]}}) as one:
            (one.layout.path("/opt/gitlab/etc/registry/env")).mkdir(parents=True)
            for name, value in kept.environment.items():
                (one.layout.path("/opt/gitlab/etc/registry/env") / name).write_text(value, encoding="ascii")
            assert lacking(report(one, 0)) == []
        assert list(kept.open().list("")) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_folders_of_another_account(registry_program: Registry) -> None:
    """As `cp -r` by root leaves them; the negative control is the registry, which may not push."""
    ports = Ports()
    with stack(ports, program=registry_program.program) as one:
        assert lacking(report(one, 0)) == []
        assert list(one.images.iterdir()) == []
        there = one.images / "docker/registry/v2/repositories/grp/app/_layers"
        there.mkdir(parents=True)
        assert one.client.request("POST", "/v2/grp/app/blobs/uploads/").status == 500
        found = report(one, 1)
        place = f"rwx on {one.images}/docker"
        assert found["account"] == ACCOUNT
        assert place in [permission for _, permission in lacking(found)]
        assert found["checks"][-1]["remedy"] == f"chown -R {ACCOUNT} {one.images}"
        one.images.chmod(0o000)
        found = report(one, 1)
        assert ("list", f"x on {one.images}") in lacking(found)
        one.images.chmod(0o755)
    ports.release()


def test_a_folder_that_is_not_there_is_not_left_behind(tmp_path: Path) -> None:
    root = tmp_path / "none" / "images"
    assert all(
        one.ok for one in check_storage(open_store("filesystem", {"rootdirectory": str(root)}, {}), "me")
    )
    assert not root.parent.exists()
