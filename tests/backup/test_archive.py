"""Archives of other versions, damaged ones, and such that want to write elsewhere."""

from __future__ import annotations

import io
import json
import os
import socket
import tarfile
import tempfile
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctl.backup.archive import FORMAT, Facts, Member, encrypt, pack, unpack
from ctl.backup.restore import restore
from ctl.errors import CtlError, UsageFault
from ctl.paths import Layout
from tests.harness.cli import Cli
from tests.harness.recipients import recipient

FACTS = Facts(1.0, "host", {"ctl": "0.1"}, "etc/gitlab/gitlab.py", images=False)


def archive(facts: dict[str, object], name: str = "etc/a", *, link: str = "") -> bytes:
    """An archive with one member."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for member, content in (("backup.json", json.dumps(facts).encode()), (name, b"text")):
            info = tarfile.TarInfo(member)
            info.size = len(content)
            if link and member == name:
                info.type, info.linkname, info.size = tarfile.LNKTYPE, link, 0
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def test_what_is_packed_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/a").write_text("text")
    facts, members = unpack(
        "x.tar", pack(FACTS, tmp_path, {path: path for path in (tmp_path / "etc", tmp_path / "etc/a")})
    )
    assert replace(facts, sum="") == FACTS
    assert [(one.info.name, one.content) for one in members] == [("etc", b""), ("etc/a", b"text")]


def test_an_archive_of_an_older_ctl_is_read() -> None:
    older = {name: value for name, value in asdict(FACTS).items() if name not in ("repository", "format")}
    assert unpack("x.tar", archive(older))[0] == FACTS


def test_what_a_newer_ctl_adds_is_no_obstacle_unless_it_says_so() -> None:
    assert unpack("x.tar", archive(asdict(FACTS) | {"more": 1}))[0] == FACTS
    newer = asdict(FACTS) | {"format": FORMAT + 1, "versions": {"ctl": "9.1"}}
    with pytest.raises(CtlError, match=r"was made by a newer ctl \(9\.1\)"):
        unpack("x.tar", archive(newer))


@pytest.mark.parametrize("content", [b"", b"no archive", archive(asdict(FACTS))[:700], archive({"a": 1})])
def test_what_is_no_whole_archive_is_refused(content: bytes) -> None:
    with pytest.raises(CtlError, match=r"x\.tar: is no backup of ctl, or is cut off"):
        unpack("x.tar", content)


@pytest.mark.parametrize(("name", "link"), [("../a", ""), ("/etc/a", ""), ("a", "/etc/passwd")])
def test_what_would_be_written_elsewhere_is_refused(name: str, link: str) -> None:
    with pytest.raises(CtlError, match="which no backup has: nothing is restored"):
        unpack("x.tar", archive(asdict(FACTS), name, link=link))


def members_of(*infos: tarfile.TarInfo, facts: dict[str, object] | None = None) -> bytes:
    """An archive whose members are anything."""
    buffer, first = io.BytesIO(), json.dumps(facts or asdict(FACTS)).encode()
    head = tarfile.TarInfo("backup.json")
    head.size = len(first)
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(head, io.BytesIO(first))
        for info in infos:
            tar.addfile(info, io.BytesIO(bytes(info.size)))
    return buffer.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


@pytest.mark.parametrize(
    "members",
    [
        [member("etc/link", tarfile.SYMTYPE, "/"), member("etc/link/tmp/a")],
        [member("etc/link", tarfile.SYMTYPE, "/"), member("etc/link/tmp", tarfile.DIRTYPE)],
        [member("etc/link", tarfile.SYMTYPE, "/"), member("etc/link", tarfile.DIRTYPE), member("etc/link/a")],
        [member("etc/./link", tarfile.SYMTYPE, "/"), member("etc//link/a")],
        [member("dev", tarfile.BLKTYPE)],
        [member("dev", tarfile.CHRTYPE)],
        [member("pipe", tarfile.FIFOTYPE)],
        [member("etc/../../a")],
        [member(".", tarfile.DIRTYPE)],
    ],
)
def test_what_no_backup_has_is_refused(members: list[tarfile.TarInfo]) -> None:
    with pytest.raises(CtlError, match="which no backup has: nothing is restored"):
        unpack("x.tar", members_of(*members))


@pytest.mark.parametrize(
    "wrong",
    [
        {"settings": "../gitlab.py"},
        {"settings": "/etc/gitlab.py"},
        {"settings": 7},
        {"versions": ["ctl"]},
        {"versions": {"ctl": 1}},
        {"time": "now"},
        {"images": "no"},
        {"repository": "../other"},
        {"host": None},
        {"format": "new"},
        {"sum": 1},
    ],
)
def test_facts_of_another_kind_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(CtlError, match="is no backup of ctl, or is cut off"):
        unpack("x.tar", members_of(member("a"), facts=asdict(FACTS) | wrong))


def node(folder: Path) -> Path:
    """Files of every kind, as people leave them in a folder."""
    etc = folder / "etc"
    etc.mkdir()
    (etc / "a").write_text("text\n" * 300)
    (etc / "second name of a").hardlink_to(etc / "a")
    (etc / "link").symlink_to("a")
    os.mkfifo(etc / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(etc / "s"))
    Path(os.fsdecode(bytes(etc) + b"/caf\xe9\n")).write_text("other bytes\n")
    (etc / ("long " * 40)).write_text("long\n")
    return etc


def packed(folder: Path) -> bytes:
    etc = node(folder)
    return pack(FACTS, folder, {path: path for path in (etc, *sorted(etc.iterdir()))})


def test_whatever_is_in_a_folder_can_be_restored(tmp_path: Path) -> None:
    _, members = unpack("x.tar", packed(tmp_path))
    found = {one.info.name.removeprefix("etc/"): one for one in members}
    assert found["second name of a"].content == found["a"].content != b""
    assert found["link"].info.linkname == "a"
    assert "pipe" not in found
    assert "s" not in found
    assert found["caf\udce9\n"].content == b"other bytes\n"
    put_back = restore(Layout(tmp_path / "root"), members, replace=False)
    assert len(put_back.written) == 5


@given(data=st.data())
def test_a_changed_archive_is_never_restored(data: st.DataObject) -> None:
    """One byte of it, wherever that is, unless nothing depends on it; or its end is lacking."""
    content = whole()
    at = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.integers(1, 255))
    changed = content[:at] + bytes([content[at] ^ byte]) + content[at + 1 :]
    for one in (changed, content[:at]):
        with suppress(CtlError):
            found = unpack("x.tar", one)
            assert plain(found[1]) == plain(unpack("x.tar", content)[1])


def plain(members: list[Member]) -> list[tuple[object, ...]]:
    """What is restored."""
    return [(one.info.name, one.info.type, one.info.mode, one.info.linkname, one.content) for one in members]


@cache
def whole() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return packed(Path(folder))


def test_folders_and_files_do_not_take_each_others_place(tmp_path: Path) -> None:
    """Nothing is written before that is found."""
    found = [Member(member("etc/a"), b"text\n"), Member(member("etc/b", tarfile.DIRTYPE), b"")]
    for name, kind in (("a", "a folder here, and a file"), ("b", "a file here, and a folder")):
        root = tmp_path / name
        (root / "etc").mkdir(parents=True)
        (root / "etc" / name).mkdir() if name == "a" else (root / "etc" / name).write_text("mine\n")
        with pytest.raises(CtlError, match=f"etc/{name} is {kind} in the backup: nothing was restored"):
            restore(Layout(root), found, replace=True)
        assert len(list(root.rglob("*"))) == 2


def test_what_is_newer_stays_where_that_is_asked_for(tmp_path: Path) -> None:
    """A machine with other settings than that of the backup, whose images are wanted."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/a").write_text("edited\n")
    found = [Member(member("etc/a"), b"saved\n"), Member(member("etc/b"), b"saved\n")]
    with pytest.raises(UsageFault, match="newer than in the backup") as refused:
        restore(Layout(tmp_path), found, replace=False)
    assert "--keep" in str(refused.value.hint)
    done = restore(Layout(tmp_path), found, replace=False, keep=True)
    assert (done.kept, done.written) == ([tmp_path / "etc/a"], [tmp_path / "etc/b"])
    assert (tmp_path / "etc/a").read_text() == "edited\n"
    assert not restore(Layout(tmp_path), found, replace=True).kept
    assert (tmp_path / "etc/a").read_text() == "saved\n"


def test_a_refused_archive_leaves_no_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ctl = Cli(tmp_path / "root", capsys)
    (tmp_path / "x.tar").write_bytes(archive(asdict(FACTS))[:700])
    assert "or is cut off" in ctl("restore", str(tmp_path / "x.tar")).exits(1).err
    assert "cannot be read: No such file" in ctl("restore", str(tmp_path / "none.tar")).exits(1).err
    assert "neither a folder nor s3://" in ctl("restore", "http://a/b.tar").exits(2).err
    assert not (tmp_path / "root/etc").exists()


def test_a_backup_of_a_newer_ctl_is_restored_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ctl = Cli(tmp_path / "root", capsys)
    for version, warns in (("99.1", True), ("0.0.1", False)):
        (tmp_path / "x.tar").write_bytes(archive(asdict(FACTS) | {"versions": {"ctl": version}}))
        result = ctl("restore", str(tmp_path / "x.tar"), "--no-reconfigure", "--replace").ok()
        assert ("the backup was made by ctl 99.1" in result.err) is warns
    assert (tmp_path / "root/etc/a").read_text() == "text"


@pytest.mark.parametrize("program", ["age", "gpg"])
def test_what_cannot_be_decrypted_is_named(program: str, tmp_path: Path) -> None:
    """With another's key, a file that is none, a half archive; with the right key it is read."""
    keys = []
    for name in ("own", "other"):
        (tmp_path / name).mkdir()
        keys.append(recipient(program, tmp_path / name))
    content, suffix = encrypt(members_of(member("a")), keys[0][0])
    where, own = f"x.tar{suffix}", keys[0][1]
    assert unpack(where, content, own)[0] == FACTS
    for wrong, identity in ((content, keys[1][1]), (content, tmp_path), (content[:-40], own), (b"", own)):
        with pytest.raises(
            CtlError, match=rf"x\.tar\{suffix}: cannot be decrypted: {program} failed: "
        ) as refused:
            unpack(where, wrong, identity)
        assert "--identity FILE" in str(refused.value.hint)


def test_without_the_private_key_nothing_is_begun_that_cannot_be_verified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ctl = Cli(tmp_path / "root", capsys)
    ctl.settings('registry_external_url = "https://localhost:5443"\n')
    place = tmp_path / "backups"
    refused = ctl("backup", "--to", str(place), "--encrypt-to", "age1x", "--verify").exits(2)
    assert "--identity FILE" in refused.err
    for more in ((), ("--verify", "--with-images"), ("--verify", "--to", str(place))):
        assert "can only be verified" in ctl("backup", "x.tar", *more).exits(2).err
    assert not place.exists()
