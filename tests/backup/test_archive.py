"""Archives of other versions, damaged ones, and such that want to write elsewhere."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import asdict
from pathlib import Path

import pytest

from ctl.backup.archive import FORMAT, Facts, pack, unpack
from ctl.errors import CtlError
from tests.harness.cli import Cli

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
    facts, members = unpack("x.tar", pack(FACTS, tmp_path, [tmp_path / "etc", tmp_path / "etc/a"]))
    assert facts == FACTS
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


def test_without_the_private_key_nothing_is_begun_that_cannot_be_verified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ctl = Cli(tmp_path / "root", capsys)
    ctl.settings('registry_external_url = "https://localhost:5443"\n')
    place = tmp_path / "backups"
    refused = ctl("backup", "--to", str(place), "--encrypt-to", "age1x", "--verify").exits(2)
    assert "--identity FILE" in refused.err
    assert not place.exists()
