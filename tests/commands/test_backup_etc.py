"""A backup restores what was there, is nobody else's to read, and goes away in time."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import tarfile
import threading
import time
from pathlib import Path

import pytest

from ctl.__main__ import run
from ctl.converge.lock import run_lock
from ctl.errors import EXIT_FAILED, EXIT_LOCKED, EXIT_OK
from ctl.node import backup
from ctl.node.backup import EtcBackup
from ctl.paths import Layout

DAY = 86400
SETTINGS = 'registry_external_url("https://registry.example.com")\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with settings, secrets, a certificate behind a link, and a folder that is empty."""
    etc = tmp_path / "root/etc/gitlab"
    (etc / "ssl").mkdir(parents=True, mode=0o755)
    (etc / "empty").mkdir(mode=0o750)
    (etc / "gitlab.py").write_text(SETTINGS)
    (etc / "gitlab-secrets.json").write_text('{"registry": {}}')
    (etc / "gitlab-secrets.json").chmod(0o600)
    (etc / "ssl/host.key").write_bytes(bytes(range(256)) * 100)
    (etc / "ssl/host.key").chmod(0o400)
    (etc / "ssl/host.crt").symlink_to("/etc/letsencrypt/live/host/fullchain.pem")
    (etc / ("n" * 150)).write_text("a name longer than the oldest archives could hold")
    os.utime(etc / "gitlab.py", (1_600_000_000.25, 1_600_000_000.25))
    return tmp_path / "root"


def ctl(root: Path, *arguments: str) -> int:
    return run(["--root", str(root), "backup-etc", *arguments])


def archives(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def listing(top: Path) -> dict[str, tuple[object, ...]]:
    """Everything below a folder: mode, owner, time, and content or target."""
    found: dict[str, tuple[object, ...]] = {}
    for path in (top, *top.rglob("*")):
        facts = path.lstat()
        content = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        when = None if path.is_dir() or path.is_symlink() else int(facts.st_mtime)
        found[str(path.relative_to(top))] = (facts.st_mode, facts.st_uid, facts.st_gid, when, content)
    return found


def archive_name(age: float) -> str:
    made = int(time.time() - age)
    return time.strftime(f"gitlab_config_{made}_%Y_%m_%d.tar", time.localtime(made))


def test_it_restores_what_was_there(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = listing(root / "etc/gitlab")
    assert ctl(root) == EXIT_OK
    (name,) = archives(root / "etc/gitlab/config_backup")
    assert re.fullmatch(r"gitlab_config_\d{10}_\d{4}_\d\d_\d\d\.tar", name)
    archive = root / "etc/gitlab/config_backup" / name
    assert capsys.readouterr().out == f"saved {archive}\n"
    (tmp_path / "again").mkdir()
    subprocess.run(["tar", "-xpf", str(archive), "-C", str(tmp_path / "again")], check=True)
    assert listing(tmp_path / "again/etc/gitlab") == before


def test_only_its_owner_can_read_it(root: Path) -> None:
    former = os.umask(0)
    try:
        ctl(root)
    finally:
        os.umask(former)
    folder = root / "etc/gitlab/config_backup"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_former_archives_are_not_in_it(root: Path, tmp_path: Path) -> None:
    ctl(root)
    ctl(root)
    first, second = sorted((root / "etc/gitlab/config_backup").iterdir())
    assert first.stat().st_size == second.stat().st_size
    ctl(root, "--backup-path", str(root / "etc/gitlab"))
    (inside,) = (root / "etc/gitlab").glob("gitlab_config_*")
    with tarfile.open(inside) as archive:
        assert not [name for name in archive.getnames() if "config" in name]


def test_two_in_one_second_are_two(root: Path) -> None:
    taken = {EtcBackup(Layout(root)).take(1_700_000_000.5) for _ in range(3)}
    assert sorted(path.name[:24] for path in taken) == [
        f"gitlab_config_{1_700_000_000 + n}" for n in range(3)
    ]


def test_another_folder(root: Path, tmp_path: Path) -> None:
    target = tmp_path / "far/away"
    assert ctl(root, "--backup-path", str(target)) == EXIT_OK
    assert len(archives(target)) == 1
    assert target.stat().st_mode & 0o777 == 0o700
    assert not (root / "etc/gitlab/config_backup").exists()


def test_another_folder_of_ones_own_keeps_its_mode(root: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o755)
    ctl(root, "--backup-path", str(tmp_path / "mine"))
    assert (tmp_path / "mine").stat().st_mode & 0o777 == 0o755


def test_old_archives_go_and_nothing_else(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = root / "etc/gitlab/config_backup"
    folder.mkdir()
    old, young = archive_name(8 * DAY), archive_name(6 * DAY)
    others = [
        "gitlab_config_1_2020_01_01.tar.gpg",
        "my_gitlab_config_1_2020_01_01.tar",
        "gitlab_config_x.tar",
    ]
    for name in (old, young, *others):
        (folder / name).write_text("")
    (folder / "gitlab_config_1_2020_01_01.tar").mkdir()
    (folder / "gitlab_config_2_2020_01_01.tar").symlink_to(old)
    assert ctl(root) == EXIT_OK
    left = archives(folder)
    assert old not in left
    assert {young, *others, "gitlab_config_1_2020_01_01.tar", "gitlab_config_2_2020_01_01.tar"} < set(left)
    assert f"deleted {folder / old}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("setting", "arguments"),
    [('gitlab_rails["backup_keep_time"] = 0\n', []), ("", ["--no-delete-old-backups"])],
    ids=["kept for ever", "option"],
)
def test_old_archives_that_are_kept(root: Path, setting: str, arguments: list[str]) -> None:
    (root / "etc/gitlab/gitlab.py").write_text(SETTINGS + setting)
    folder = root / "etc/gitlab/config_backup"
    folder.mkdir()
    (folder / archive_name(5000 * DAY)).write_text("")
    assert ctl(root, *arguments) == EXIT_OK
    assert len(archives(folder)) == 2


@pytest.mark.parametrize("text", ["import os\n", None], ids=["wrong", "none"])
def test_wrong_settings_do_not_prevent_a_backup(
    root: Path, text: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, folder = root / "etc/gitlab/gitlab.py", root / "etc/gitlab/config_backup"
    settings.unlink() if text is None else settings.write_text(text)
    folder.mkdir()
    (folder / archive_name(5000 * DAY)).write_text("")
    assert ctl(root) == EXIT_OK
    assert len(archives(folder)) == 2
    assert "no old archives deleted" in capsys.readouterr().err


def test_settings_elsewhere_are_reported(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text(SETTINGS)
    assert ctl(root, "--settings", str(tmp_path / "mine.py")) == EXIT_OK
    assert "mine.py is outside" in capsys.readouterr().err


def test_nothing_to_save(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ctl(tmp_path) == EXIT_FAILED
    assert "does not exist: there is nothing to back up" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_run_under_way_is_waited_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "PATIENCE", 0.0)
    with run_lock(Layout(root)):
        assert ctl(root) == EXIT_LOCKED
    monkeypatch.setattr(backup, "PATIENCE", 5.0)
    with run_lock(Layout(root)):
        codes: list[int] = []
        waiting = threading.Thread(target=lambda: codes.append(ctl(root)))
        waiting.start()
        waiting.join(0.2)
        assert not codes
    waiting.join(5)
    assert codes == [EXIT_OK]


def test_sockets_and_hard_links(root: Path, tmp_path: Path) -> None:
    etc = root / "etc/gitlab"
    os.link(etc / "gitlab.py", etc / "same.py")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        (tmp_path / "s").rename(etc / "s.sock")
        archive = EtcBackup(Layout(root)).take(1_700_000_000)
    subprocess.run(["tar", "-xf", str(archive), "-C", str(tmp_path)], check=True)
    assert (tmp_path / "etc/gitlab/same.py").read_text() == SETTINGS
    assert (tmp_path / "etc/gitlab/same.py").samefile(tmp_path / "etc/gitlab/gitlab.py")
    assert not (tmp_path / "etc/gitlab/s.sock").exists()


def test_a_folder_that_is_a_link(root: Path, tmp_path: Path) -> None:
    (root / "etc/gitlab").rename(tmp_path / "elsewhere")
    (root / "etc/gitlab").symlink_to(tmp_path / "elsewhere")
    ctl(root)
    (archive,) = (tmp_path / "elsewhere/config_backup").iterdir()
    with tarfile.open(archive) as opened:
        assert opened.getmember("etc/gitlab").isdir()
        assert opened.getmember("etc/gitlab/gitlab.py").isreg()


def test_a_full_disk_leaves_no_half_archive(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert ctl(root) == EXIT_FAILED
    assert archives(root / "etc/gitlab/config_backup") == []
