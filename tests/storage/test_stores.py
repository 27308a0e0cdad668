"""The same of every kind of storage, each by a real server."""

from __future__ import annotations

import http.client
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctl.errors import PreflightError
from ctl.storage.made import environment_restored, open_store
from ctl.storage.store import PART, Missing, StorageError
from tests.harness.cloud import BUCKET, Kept, s3_parameters, storage
from tests.harness.s3 import S3Server

LARGE = [b"a" * PART, b"b" * PART, b"c" * 1_000]


@pytest.fixture(scope="module", params=["filesystem", "s3", "versity", "gcs", "azure"])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    with storage(request.param, tmp_path_factory.mktemp("images")) as made:
        yield made


@pytest.mark.real
def test_what_is_written_is_read_listed_copied_and_deleted(kept: Kept) -> None:
    store = kept.open()
    assert store.find("a/b/one") is None
    store.write("a/b/one", [b"1"])
    store.write("a/b/two", [b"22"])
    store.write("a/bc", [b"no part of a/b/"])
    assert {(one.key, one.size) for one in store.list("a/b/")} == {("a/b/one", 1), ("a/b/two", 2)}
    assert all(one.mtime > 1.7e18 for one in store.list(""))
    store.copy("a/b/two", "c/two")
    assert store.read("c/two") == b"22"
    found = store.find("c/two")
    assert found is not None
    assert found.size == 2
    assert [one.identity for one in store.list("c/")] == [found.identity]
    for key in ("a/b/one", "a/b/two", "a/bc", "c/two", "never/there"):
        store.delete(key)
    assert list(store.list("")) == []


@pytest.mark.real
def test_large_content_goes_in_parts(kept: Kept) -> None:
    store = kept.open()
    content = LARGE[1:] if kept.driver == "gcs" else LARGE  # the emulator answers 501 to uploads in parts
    store.write("large", content)
    with store.reading("large") as parts:
        assert b"".join(parts) == b"".join(content)
    store.delete("large")


@pytest.mark.real
def test_what_breaks_off_is_not_there(kept: Kept) -> None:
    def broken() -> Iterator[bytes]:
        yield from LARGE[:2]
        raise OSError(5, "the source broke")

    store = kept.open()
    with pytest.raises((OSError, StorageError)):
        store.write("broken", broken())
    assert store.find("broken") is None


@pytest.mark.real
def test_what_is_missing_is_named(kept: Kept) -> None:
    store = kept.open()
    with pytest.raises(Missing) as raised:
        store.read("not/there")
    assert "cannot read not/there" in raised.value.message
    assert store.name in raised.value.message
    assert "\n" not in raised.value.message


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with S3Server() as server:
        server.make_bucket(BUCKET)
        yield server


@pytest.mark.real
def test_keys_stay_as_they_are(s3: S3Server) -> None:
    """AWS DataSync makes an empty object for each folder; by another library its deletion took `repo` instead."""
    for key in ("deep/down/repo/", "deep/down/repo"):
        connection = http.client.HTTPConnection("127.0.0.1", s3.port)
        connection.request("PUT", f"/{BUCKET}/{key}", b"")
        assert connection.getresponse().status == 200
        connection.close()
    store = open_store("s3", s3_parameters(s3), {})
    assert {one.key for one in store.list("")} == {"repo/", "repo"}
    store.delete("repo/")
    assert {one.key for one in store.list("")} == {"repo"}
    store.delete("repo")
    assert list(store.list("")) == []


@pytest.mark.real
def test_keys_of_the_environment(s3: S3Server) -> None:
    given = {
        name: value for name, value in s3_parameters(s3).items() if name not in ("accesskey", "secretkey")
    }
    store = open_store("s3", given, {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"})
    store.write("one", [b"1"])
    assert store.read("one") == b"1"
    store.delete("one")


@pytest.mark.real
def test_a_bucket_that_is_not_there(s3: S3Server) -> None:
    store = open_store("s3", s3_parameters(s3, bucket="of-others"), {})
    with pytest.raises(StorageError, match=r'bucket "of-others".*does not exist') as raised:
        store.write("one", [b"1"])
    assert raised.value.code == "NoSuchBucket"


def test_the_environment_of_the_process_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that looks at a storage goes on to ask the certificate authority, by its own proxy."""
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("HTTPS_PROXY", "http://mine:3128")
    before = dict(os.environ)
    with environment_restored():
        open_store(
            "s3", {"bucket": "b", "region": "r"}, {"HTTPS_PROXY": "http://registrys:3128", "AWS_REGION": "r"}
        )
        assert os.environ["HTTPS_PROXY"] == "http://registrys:3128"
        assert "AWS_PROFILE" not in os.environ
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("driver", "given", "words"),
    [
        ("swift", {}, "driver swift"),
        ("s3", {"bucket": "b", "v4auth": False}, "v4auth = False"),
        ("s3", {"bucket": "b", "skipverify": True}, "skipverify"),
        ("azure", {"container": "c", "trimlegacyrootprefix": False}, "keys begin with /"),
    ],
)
def test_what_the_client_cannot_do(driver: str, given: dict[str, object], words: str) -> None:
    with pytest.raises(PreflightError, match=words):
        open_store(driver, given, {})


def test_an_unfinished_file_is_replaced(tmp_path: Path) -> None:
    store = open_store("filesystem", {"rootdirectory": str(tmp_path)}, {})
    (tmp_path / "one.ctl-part").write_bytes(b"of a killed run")
    store.write("one", [b"whole"], mtime=10**18)
    assert {path.name for path in tmp_path.iterdir()} == {"one"}
    assert (tmp_path / "one").stat().st_mtime_ns == 10**18


def test_a_link_to_the_folder_above_is_no_end(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    with pytest.raises(StorageError, match="symbolic links"):
        list(open_store("filesystem", {"rootdirectory": str(tmp_path)}, {}).list(""))


def test_credentials_of_the_caller_are_not_the_registrys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "root's")
    monkeypatch.setenv("AWS_PROFILE", "root's")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/root/.aws/config")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/root/.aws/credentials")
    open_store(
        "s3", {"bucket": "b", "region": "us-east-1"}, {"AWS_REGION": "eu-west-1", "HOME": "/var/registry"}
    )
    found = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    assert found == {
        "AWS_REGION": "eu-west-1",
        "AWS_SHARED_CREDENTIALS_FILE": "/var/registry/.aws/credentials",
        "AWS_CONFIG_FILE": "/var/registry/.aws/config",
    }
    del os.environ["AWS_REGION"]
