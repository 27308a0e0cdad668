"""A file that ctl did not write is not replaced, removed or taken over because a setting names its place."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness import seeds
from tests.harness.cli import Cli

URL = 'registry_external_url = "https://localhost:5443"\nletsencrypt["enable"] = False\n'
FOREIGN = "-----BEGIN CERTIFICATE-----\nsomebody's\n"


@dataclass
class Site:
    """A root with a settings file; `check` runs ctl check-config.

    Args:
        root: the root.
        capsys: pytest's.
    """

    root: Path
    capsys: pytest.CaptureFixture[str]

    def check(self, *lines: str) -> tuple[int, str]:
        path = self.root / "etc/gitlab/gitlab.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(URL + "\n".join(lines) + "\n")
        result = Cli(self.root, self.capsys)("check-config")
        return result.code, result.err

    def put(self, name: str, content: str = FOREIGN) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Site:
    site = Site(tmp_path, capsys)
    site.put("etc/gitlab/gitlab-secrets.json", seeds.secrets_json())
    return site


NAMED = {
    "certificate": ('registry["rootcertbundle"] = "/etc/ssl/certs/all.crt"', "etc/ssl/certs/all.crt"),
    "key": (
        'gitlab_rails["enable"] = True\ngitlab_rails["registry_key_path"] = "/home/alice/id.key"',
        "home/alice/id.key",
    ),
    "accounts": (
        'registry_auth["enable"] = True\nregistry_auth["accounts_file"] = "/srv/people.json"',
        "srv/people.json",
    ),
    "registry's folder": ('registry["dir"] = "/srv/app"', "srv/app/config.yml"),
    "environment": ('registry["env_directory"] = "/srv/env"', "srv/env/SSL_CERT_DIR"),
    "stray in the environment": ('registry["env_directory"] = "/srv/env"', "srv/env/notes.txt"),
    "NGINX's folder": ('nginx["dir"] = "/srv/web"', "srv/web/conf/nginx.conf"),
    "NGINX's logs": ('nginx["log_directory"] = "/srv/logs"', "srv/logs/config"),
    "registry's logs": ('registry["log_directory"] = "/srv/logs"', "srv/logs/config"),
    "issuer's folder": (
        'registry_auth["enable"] = True\nregistry_auth["dir"] = "/srv/a"',
        "srv/a/config.json",
    ),
    "GitLab's folder": (
        'gitlab_rails["enable"] = True\ngitlab_rails["dir"] = "/srv/g"',
        "srv/g/etc/gitlab.yml",
    ),
}


@pytest.mark.parametrize(("setting", "name"), NAMED.values(), ids=NAMED.keys())
def test_a_foreign_file_is_an_error_of_the_setting(site: Site, setting: str, name: str) -> None:
    path = site.put(name)
    code, err = site.check(setting)
    assert code == 2, err
    assert f"{path} is there (a file of {len(FOREIGN)} bytes" in err
    last = setting.splitlines()[-1].split('"')[1]
    assert last in err
    assert f"gitlab.py:{3 + setting.count(chr(10))}:" in err
    assert path.read_text() == FOREIGN


@pytest.mark.real
@pytest.mark.parametrize(("setting", "name"), NAMED.values(), ids=NAMED.keys())
def test_a_free_place_is_taken(site: Site, setting: str, name: str) -> None:
    assert site.check(setting)[0] == 0


@pytest.mark.real
@pytest.mark.parametrize(("setting", "name"), NAMED.values(), ids=NAMED.keys())
def test_what_ctl_wrote_is_its_own(site: Site, setting: str, name: str) -> None:
    """By the record, whatever is in the file by now."""
    path = site.put(name)
    facts = path.stat()
    entry = {"digest": "0", "mode": 0o644, "uid": facts.st_uid, "gid": facts.st_gid, "managed": True}
    site.put("var/opt/gitlab/ctl/written.json", json.dumps({str(path): entry}))
    assert site.check(setting)[0] == 0


def test_what_ctl_wrote_once_is_its_own_until_it_is_changed(site: Site) -> None:
    setting, name = NAMED["certificate"]
    path = site.put(name)
    entry = {"digest": "0", "mode": 0o644, "uid": 0, "gid": 0, "managed": False}
    site.put("var/opt/gitlab/ctl/written.json", json.dumps({str(path): entry}))
    assert site.check(setting)[0] == 2


@pytest.mark.real
@pytest.mark.parametrize(("setting", "name"), NAMED.values(), ids=NAMED.keys())
def test_a_version_without_a_record_left_its_logs(site: Site, setting: str, name: str) -> None:
    path = site.put(name)
    site.put("var/log/gitlab/reconfigure/1.log", f"# ctl reconfigure\nfile[{path}]: create, mode 0644\n")
    assert site.check(setting)[0] == 0
    site.put("var/opt/gitlab/ctl/written.json", "{}")
    assert site.check(setting)[0] == 2


def test_a_header_marks_a_file_of_an_earlier_version(site: Site) -> None:
    site.put("srv/web/conf/nginx.conf", "# Written by ctl from the settings file.\nuser x;\n")
    assert site.check('nginx["dir"] = "/srv/web"')[0] == 0


def test_the_hint_names_the_setting_that_takes_the_content(site: Site) -> None:
    path = site.put(NAMED["certificate"][1])
    _, err = site.check(NAMED["certificate"][0])
    assert f'registry["internal_certificate"] = read_file("{path}")' in err
    path = site.put(NAMED["key"][1])
    _, err = site.check(NAMED["key"][0])
    assert f'registry["internal_key"] = read_file("{path}")' in err


def test_a_link_is_not_replaced_by_a_file(site: Site) -> None:
    target = site.put("srv/their.crt")
    link = site.root / "srv/link.crt"
    link.symlink_to(target)
    code, err = site.check('registry["rootcertbundle"] = "/srv/link.crt"')
    assert (code, f"a symbolic link to {target}" in err) == (2, True)


def test_accounts_that_are_accounts_are_taken(site: Site) -> None:
    site.put("srv/people.json", '{"version": 1}')
    assert site.check(NAMED["accounts"][0])[0] == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes owners")
def test_a_folder_in_use_is_not_taken_over(site: Site) -> None:
    site.put("home/alice/letter.txt")
    code, err = site.check('registry["dir"] = "/home/alice"')
    assert (code, "a folder with letter.txt in it" in err) == (2, True)
    (site.root / "home/alice/letter.txt").unlink()
    assert site.check('registry["dir"] = "/home/alice"')[0] == 0


def test_one_place_for_two_files_is_reported_by_the_setting(site: Site) -> None:
    code, err = site.check('registry["rootcertbundle"] = "/var/opt/gitlab/registry/config.yml"')
    assert code == 2
    assert "registry.rootcertbundle" in err
    assert "would be written twice: for " in err


def test_one_place_for_two_settings_is_reported_with_both(site: Site) -> None:
    lines = 'gitlab_rails["enable"] = True', 'gitlab_rails["registry_key_path"] = "/srv/pair"'
    code, err = site.check(*lines, 'registry["rootcertbundle"] = "/srv/pair"')
    assert code == 2
    assert 'srv/pair would be written twice: by gitlab_rails["registry_key_path"]' in err
    assert "registry.rootcertbundle" in err


SYSTEM = [
    'registry["rootcertbundle"] = "/etc/shadow"',
    'registry["rootcertbundle"] = "/etc/cron.d/job"',
    'gitlab_rails["registry_key_path"] = "/usr/lib/x.key"',
    'registry["env_directory"] = "/proc/1/x"',
    'registry["dir"] = "/boot/grub"',
    'registry["log_directory"] = "/etc/systemd/system"',
]


@pytest.mark.parametrize("setting", SYSTEM)
def test_places_of_the_system_are_refused(site: Site, setting: str) -> None:
    code, err = site.check(setting)
    assert (code, "belongs to the system" in err) == (2, True)


def test_a_damaged_record_is_named(site: Site) -> None:
    site.put(NAMED["certificate"][1])
    record = site.put("var/opt/gitlab/ctl/written.json", "{")
    code, err = site.check(NAMED["certificate"][0])
    assert (code, f"{record} is damaged" in err) == (1, True)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ('registry["dir"] = "/var/opt/gitlab/nginx"', "would be the folder of two: "),
        ('registry["nginx"]["log_directory"] = "/var/opt/gitlab/registry"', "would be the folder of two: "),
        ('registry["nginx"]["log_directory"] = "/var/log/gitlab/registry/nginx"', "could put links there"),
    ],
)
def test_a_folder_has_one_owner_and_logs_of_nginx_are_out_of_others_reach(
    site: Site, lines: str, reason: str
) -> None:
    code, errors = site.check(*lines.splitlines())
    assert (code, reason in errors) == (2, True), errors


def test_folders_of_their_own_are_taken(site: Site) -> None:
    own = 'registry["nginx"]["log_directory"] = "/var/log/gitlab/registry-web"'
    assert site.check(own, 'registry["dir"] = "/srv/registry/etc"')[0] == 0
