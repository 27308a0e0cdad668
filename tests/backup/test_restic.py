"""Repositories of restic: what is saved comes back, in part too; what is deleted frees its room; kills do no harm."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from ctl.backup.place import Bucket, Folder, place_of, split
from ctl.backup.restic import Key, Restic, key_file
from ctl.errors import CtlError, LockHeld, UsageFault
from ctl.paths import Layout

pytestmark = pytest.mark.real


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    for name in ("a/one", "b/two"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(name.encode() * 10)
    return folder


def test_what_is_saved_comes_back_and_what_is_not_kept_goes(tmp_path: Path, images: Path) -> None:
    restic = Folder(tmp_path / "place").images(Key("images-1", "word"))
    restic.save(images, "first")
    (images / "a/one").write_bytes(bytes(range(256)) * 4_000)
    restic.save(images, "second")
    restic.restore("first", tmp_path / "back")
    assert (tmp_path / "back/a/one").read_bytes() == b"a/one" * 10
    restic.restore("second", tmp_path / "part", ["b"])
    assert [path.name for path in (tmp_path / "part").rglob("*")] == ["b", "two"]
    with pytest.raises(CtlError, match="has no images of third"):
        restic.restore("third", tmp_path / "none")
    with pytest.raises(CtlError, match="wrong password"):
        Restic(restic.location, "other").restore("first", tmp_path / "none")
    with pytest.raises(CtlError, match=r"has another password than backup-key\.json"):
        Restic(restic.location, "other").save(images, "third")
    assert restic.names() == {"first", "second"}
    before = size(tmp_path / "place")
    restic.keep(["first"])
    with pytest.raises(CtlError, match="has no images of second"):
        restic.restore("second", tmp_path / "none")
    assert size(tmp_path / "place") < before
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "place").rglob("*")} == {0}


def test_the_lock_of_one_that_was_killed_is_no_obstacle(tmp_path: Path, images: Path) -> None:
    restic = Restic(str(tmp_path / "repository"), "word")
    restic.save(images, "first")
    command = ["restic", "-r", restic.location, "--no-cache", "backup", "--stdin"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env={"RESTIC_PASSWORD": "word"}
    )
    locks = tmp_path / "repository/locks"
    while not [one for one in locks.iterdir() if "tmp" not in one.name]:
        assert process.poll() is None
    process.kill()
    process.communicate()
    restic.save(images, "second")
    restic.keep(["second"])
    assert not list(locks.iterdir())


def test_one_that_is_tidied_up_is_tried_again_later(tmp_path: Path, images: Path) -> None:
    """By another machine, say: the timer tries again in a minute."""
    restic = Restic(str(tmp_path / "repository"), "word")
    restic.save(images, "first")
    lock = tmp_path / "repository/locks"
    command = ["restic", "-r", restic.location, "--no-cache", "prune"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={"RESTIC_PASSWORD": "word"})
    while not [one for one in lock.iterdir() if "tmp" not in one.name]:
        assert process.poll() is None
    process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(LockHeld, match="already locked"):
            restic.save(images, "second")
    finally:
        process.send_signal(signal.SIGCONT)
        process.wait(timeout=60)
    restic.save(images, "second")


def test_a_key_is_made_once_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    made = Key.of(layout)
    assert Key.of(layout) == made
    assert made.password not in repr(made)
    assert key_file(layout).stat().st_mode & 0o777 == 0o600
    assert json.loads(key_file(layout).read_text()) == {"name": made.name, "password": made.password}
    key_file(layout).write_text("{")
    with pytest.raises(CtlError, match=r"backup-key\.json is damaged"):
        Key.of(layout)


def test_places() -> None:
    assert place_of("/srv/backups") == Folder(Path("/srv/backups"))
    assert isinstance(place_of("s3://bucket/node"), Bucket)
    assert split("s3://bucket/node/x.tar") == ("s3://bucket/node", "x.tar")
    assert split("/srv/x.tar") == ("/srv", "x.tar")
    for wrong in ("http://bucket/x", "s3://"):
        with pytest.raises(UsageFault, match="is neither a folder nor s3://"):
            place_of(wrong)
    bucket = Bucket("s3://b/node", {"AWS_ENDPOINT_URL": "http://s:9", "AWS_SECRET_ACCESS_KEY": "hidden"})
    assert bucket.images(Key("images-1", "w")).location == "s3:http://s:9/b/node/images-1"
    assert "hidden" not in repr(bucket)


def test_a_bucket_without_credentials_says_where_they_are_given() -> None:
    with pytest.raises(CtlError, match="credential") as refused:
        Bucket("s3://b/node", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}).names()
    assert "AWS_ACCESS_KEY_ID" in str(refused.value.hint)
