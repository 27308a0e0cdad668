"""`ctl doctor` with object storage, from config.yml alone: each permission, keys, bucket, clock, and nothing leaks."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.harness.cli import Cli
from tests.harness.listener import listening
from tests.harness.s3 import Credentials, GuardedS3Server

pytestmark = pytest.mark.real

BUCKET = "images"
ALL = {
    "s3:ListBucket",
    "s3:PutObject",
    "s3:GetObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
    "s3:ListBucketMultipartUploads",
}


@pytest.fixture(scope="module")
def s3() -> Iterator[GuardedS3Server]:
    """A server that lets in only whom it knows."""
    with GuardedS3Server(BUCKET) as server:
        yield server


@pytest.fixture
def ctl(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """`ctl` with an empty root."""
    return Cli(tmp_path, capsys)


def configure(ctl: Cli, endpoint: str, who: Credentials | None, bucket: str = BUCKET) -> None:
    """Settings and config.yml; without credentials where the environment has them."""
    keys = {"accesskey": who.access_key, "secretkey": who.secret_key} if who else {}
    given = {"region": "us-east-1", "bucket": bucket, "regionendpoint": endpoint, "secure": False, **keys}
    storage = {"s3": given, "redirect": {"disable": True}}
    ctl.settings(f'registry_external_url = "https://localhost:5443"\nregistry["storage"] = {storage!r}\n')
    config = ctl.root / "var/opt/gitlab/registry/config.yml"
    config.parent.mkdir(parents=True, exist_ok=True)
    http = {"addr": "127.0.0.1:0", "secret": "s"}
    config.write_text(json.dumps({"version": 0.1, "storage": storage, "http": http}))


def test_a_healthy_bucket(ctl: Cli, s3: GuardedS3Server) -> None:
    configure(ctl, s3.endpoint, s3.user)
    well = ctl("doctor", "storage", "clock").ok()
    assert "(s3): delete, list, write, read, copy, begin an upload, continue an upload" in well.out
    assert "that of the object storage differ by 0 s" in well.out
    assert s3.keys("") == set(), "nothing is left behind"


@pytest.mark.parametrize(
    "missing",
    [
        "s3:ListBucket",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:ListBucketMultipartUploads",
        "s3:AbortMultipartUpload",
    ],
)
def test_each_permission_that_lacks_is_named(ctl: Cli, s3: GuardedS3Server, missing: str) -> None:
    who = s3.user_who_may(f"doctor-without-{missing[3:]}", *(ALL - {missing}))
    configure(ctl, s3.endpoint, who)
    broken = ctl("doctor", "storage").exits(1)
    assert missing in broken.out
    assert "-> allow " in broken.out
    assert who.secret_key not in broken.text
    left = [key for key in s3.keys("") if "_uploads" not in key]
    assert left == [], "but an upload of 0 bytes that may not be found, and so not be abandoned"


def test_wrong_keys_and_a_bucket_that_does_not_exist(ctl: Cli, s3: GuardedS3Server) -> None:
    configure(ctl, s3.endpoint, replace(s3.user, secret_key="not-its-secret"))
    broken = ctl("doctor", "storage").exits(1)
    assert "correct the keys in the storage section" in broken.out
    assert "not-its-secret" not in broken.text
    configure(ctl, s3.endpoint, s3.user, "of-nobody")
    assert 'correct its name: bucket "of-nobody"' in ctl("doctor", "storage").exits(1).out


def test_a_clock_of_the_storage_that_is_wrong(ctl: Cli, s3: GuardedS3Server) -> None:
    with listening() as other:
        configure(ctl, other.url, s3.user)
        other.ahead = -3600
        broken = ctl("doctor", "clock").exits(1)
        assert "that of the object storage differ by 3" in broken.out
        assert "it refuses every request" in broken.out
        other.ahead = 0
        assert "differ by 0 s" in ctl("doctor", "clock").ok().out


def test_credentials_of_the_registry_stay_its_own(ctl: Cli, s3: GuardedS3Server) -> None:
    """They come from its environment, and are never in that of the doctor, whose other checks start programs."""
    configure(ctl, s3.endpoint, None)
    folder = ctl.root / "opt/gitlab/etc/registry/env"
    folder.mkdir(parents=True)
    (folder / "AWS_ACCESS_KEY_ID").write_text(s3.user.access_key)
    (folder / "AWS_SECRET_ACCESS_KEY").write_text(s3.user.secret_key)
    before, found, ended = set(os.environ), set[str](), threading.Event()

    def look() -> None:
        while not ended.wait(0.002):
            found.update(os.environ.keys() - before)

    watcher = threading.Thread(target=look)
    watcher.start()
    well = ctl("doctor", "storage").ok()
    ended.set()
    watcher.join()
    assert "(s3): delete, list" in well.out
    assert found == set()
