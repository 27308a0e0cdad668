"""What is in an archive, where it may be kept, and what of a folder is no backup."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ctl.backup.archive import unpack
from ctl.backup.place import Folder
from ctl.backup.take import Backup
from ctl.paths import Layout
from tests.harness import seeds
from tests.harness.cli import Cli

NODE = """\
registry_external_url = "https://localhost:5443"
registry["nginx"]["ssl_client_certificate"] = "{place}/clients.crt"
registry["nginx"]["ssl_dhparam"] = "/etc/gitlab/dh.pem"
letsencrypt["enable"] = False
"""


@pytest.fixture
def ctl(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """A node that was never run."""
    ctl = Cli(tmp_path / "root", capsys)
    place = ctl.root / "srv"
    place.mkdir(parents=True)
    (place / "clients.crt").write_text("clients\n")
    ctl.settings(NODE.format(place=place))
    (ctl.root / "etc/gitlab/gitlab-secrets.json").write_text(seeds.secrets_json())
    return ctl


def saved(archive: str) -> dict[str, str]:
    """The files of an archive with their content; links with where they lead."""
    _, members = unpack(archive, Path(archive).read_bytes())
    texts = {one.info.name: one.content.decode() for one in members if one.info.isreg()}
    return texts | {one.info.name: f"-> {one.info.linkname}" for one in members if one.info.issym()}


def back_up(ctl: Cli, place: Path, *more: str) -> dict[str, str]:
    output = ctl("backup", "--to", str(place), *more).ok().out
    return saved(output.split("saved ")[1].split()[0])


@pytest.mark.parametrize("place", ["etc/gitlab", "etc/gitlab/backups", "etc", "backups"])
def test_wherever_backups_are_kept_they_have_all_but_themselves(ctl: Cli, place: str) -> None:
    back_up(ctl, ctl.root / place)
    found = back_up(ctl, ctl.root / place)
    assert {"etc/gitlab/gitlab.py", "etc/gitlab/gitlab-secrets.json"} <= set(found)
    assert not [name for name in found if "registry_backup_" in name]


def test_a_folder_behind_a_link_is_known_again(ctl: Cli) -> None:
    (ctl.root / "link").symlink_to("etc/gitlab/backups")
    (ctl.root / "etc/gitlab/backups").mkdir()
    back_up(ctl, ctl.root / "link")
    assert not [name for name in back_up(ctl, ctl.root / "link") if "registry_backup_" in name]


def test_what_links_lead_to_is_saved(ctl: Cli, tmp_path: Path) -> None:
    """Certificates of certbot, a folder of certificates elsewhere; on the new machine they would lead nowhere."""
    etc, outside = ctl.root / "etc/gitlab", tmp_path / "outside"
    (outside / "archive").mkdir(parents=True)
    (outside / "archive/cert1.pem").write_text("certificate\n")
    (outside / "cert.pem").symlink_to("archive/cert1.pem")
    (etc / "one.crt").symlink_to(outside / "cert.pem")
    (etc / "ssl").symlink_to(outside)
    (etc / "same.py").symlink_to("gitlab.py")
    (etc / "absolute.py").symlink_to(etc / "gitlab.py")
    (etc / "nowhere").symlink_to("/no/such/file")
    (etc / "data").symlink_to("../../var")  # not the images, and not for ever
    (outside / "round").symlink_to(outside)
    (ctl.root / "var/opt").mkdir(parents=True)
    (ctl.root / "var/opt/image").write_text("image\n")
    found = back_up(ctl, ctl.root / "backups")
    text = ctl.file.read_text()
    assert found["etc/gitlab/one.crt"] == "certificate\n"
    assert found["etc/gitlab/ssl/archive/cert1.pem"] == "certificate\n"
    assert found["etc/gitlab/ssl/cert.pem"] == "certificate\n"
    assert found["etc/gitlab/same.py"] == "-> gitlab.py"
    assert found["etc/gitlab/absolute.py"] == text
    assert found["etc/gitlab/nowhere"] == "-> /no/such/file"
    assert not [name for name in found if "image" in name or "round/round" in name]


def test_files_that_settings_name_are_saved_where_ever_they_are(ctl: Cli) -> None:
    assert back_up(ctl, ctl.root / "backups")["srv/clients.crt"] == "clients\n"


def test_settings_behind_links_come_back(
    ctl: Cli, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The settings file is a link into a checkout, /etc/gitlab one to another disk."""
    disk = ctl.root / "disk"
    (ctl.root / "etc/gitlab").rename(disk)
    (disk / "checkout").mkdir()
    (disk / "gitlab.py").rename(tmp_path / "gitlab.py")
    (disk / "gitlab.py").symlink_to(tmp_path / "gitlab.py")
    (ctl.root / "etc/gitlab").symlink_to("../disk")
    output = ctl("backup", "--to", str(ctl.root / "backups")).ok().out
    archive = output.split("saved ")[1].split()[0]
    fresh = Cli(tmp_path / "fresh", capsys)
    fresh("restore", archive, "--no-reconfigure").ok()
    assert fresh.file.read_text() == ctl.file.read_text()
    assert not fresh.file.is_symlink()
    # on the machine itself all is as in the backup, through its links
    assert "0 files put back" in ctl("restore", archive, "--no-reconfigure").ok().out
    assert ctl.file.is_symlink()


@pytest.mark.parametrize("place", ["images", "images/backups", "images/docker/registry/v2/repositories/a"])
def test_backups_are_not_kept_among_the_images(ctl: Cli, place: str) -> None:
    """A registry would serve them, and a collection would look at them."""
    storage = ctl.root / "images"
    (storage / "docker/registry/v2/repositories").mkdir(parents=True)
    ctl.settings(NODE.format(place=ctl.root) + f'gitlab_rails["registry_path"] = "{storage}"\n')
    refused = ctl("backup", "--to", str(ctl.root / place), "--with-images").exits(2)
    assert f"{ctl.root / place} is in the storage of images, {storage}" in refused.err
    assert sorted(one.name for one in storage.rglob("*")) == ["docker", "registry", "repositories", "v2"]


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_place_that_is_no_folder(ctl: Cli, place: str) -> None:
    (ctl.root / "file").write_text("mine\n")
    for more in ((), ("--with-images",)):
        (ctl.root / "var/opt/gitlab/gitlab-rails/shared/registry").mkdir(parents=True, exist_ok=True)
        failed = ctl("backup", "--to", str(ctl.root / place), *more).exits(1)
        assert f"{ctl.root / 'file'}" in failed.err
        assert "irectory" in failed.err
    assert (ctl.root / "file").read_text() == "mine\n"


@pytest.mark.parametrize("recipient", ["age1wrong", "nobody@example.com", "/no/such/key", "ssh-rsa AAAA"])
def test_nothing_is_begun_for_who_cannot_decrypt(ctl: Cli, recipient: str) -> None:
    failed = ctl("backup", "--to", str(ctl.root / "backups"), "--with-images", "--encrypt-to", recipient)
    assert failed.code == 1
    assert failed.err.startswith(("error: age failed: ", "error: gpg failed: "))
    assert not (ctl.root / "backups").exists()
    assert not (ctl.root / "var").exists()


def test_what_is_no_backup_stays_whatever_its_name(ctl: Cli) -> None:
    """Others' files in the folder, folders with the name of an archive, archives with that of a folder."""
    place = ctl.root / "backups"
    old = "registry_backup_1000000000_2001_09_09.tar"
    (place / old).mkdir(parents=True)
    (place / f"{old}.age").mkdir()
    (place / f"{old}.images").write_text("a file\n")
    (place / f"{old}.gpg").symlink_to("/etc/passwd")
    (place / "mine.tar").write_text("mine\n")
    (place / "registry_backup_1000000001_2001_09_09.tar").write_text("a backup\n")
    before = {one.name for one in place.iterdir()} - {"registry_backup_1000000001_2001_09_09.tar"}
    back_up(ctl, place)
    assert before < {one.name for one in place.iterdir()}
    assert not (place / "registry_backup_1000000001_2001_09_09.tar").exists()


def test_the_last_one_with_images_stays(tmp_path: Path) -> None:
    """Images weekly, settings each night, and only some days are kept."""
    day, now = 86_400, 2_000_000_000

    def name(days: int) -> str:
        return f"registry_backup_{now - days * day}_2033_05_18.tar"

    for days in (1, 2, 5, 6, 7, 8):
        (tmp_path / name(days)).write_text("")
    for days in (6, 7, 8):
        (tmp_path / f"{name(days)}.images").mkdir()
    backups = Backup(Layout(tmp_path / "root"), Folder(tmp_path))
    assert backups.remove_old(now, 0) == []
    gone = [tmp_path / name(days) for days in (8, 7, 5)]
    images = [f"{one}.images" for one in gone[:2]]
    assert backups.remove_old(now, 3 * day) == sorted([*map(str, gone), *images])
    # a clock that was set back, or years ahead for once: the last two stay
    assert backups.remove_old(now - 30 * day, 3 * day) == []
    backups.remove_old(now + 9_000 * day, 3 * day)
    left = {name(1), name(6), f"{name(6)}.images"}
    assert {one.name for one in tmp_path.iterdir()} == left


def test_an_archive_is_for_its_owner_alone(ctl: Cli) -> None:
    back_up(ctl, ctl.root / "new/backups")
    (archive,) = (ctl.root / "new/backups").iterdir()
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert stat.S_IMODE(archive.parent.stat().st_mode) == 0o700
    assert archive.stat().st_uid == os.geteuid()
