"""What a distribution says of itself decides packages, paths and commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ctl.distribution import Distribution, distribution
from ctl.distribution.alpine import Alpine
from ctl.distribution.debian import Debian

TOP = Path(__file__).resolve().parents[2]
ALPINE = 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.20.3\n'


def root(folder: Path, text: str, *, name: str = "etc/os-release") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ID=debian\n", Debian),
        ('NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n', Debian),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', Debian),
        (ALPINE, Alpine),
        ("# ID=debian\nID='alpine'\n", Alpine),
        ("ID=arch\n", Distribution),
        ("", Distribution),
        ('ID="unclosed\n=\nID_LIKE', Distribution),
    ],
)
def test_os_release_names_the_distribution(tmp_path: Path, text: str, kind: type[Distribution]) -> None:
    assert type(distribution(root(tmp_path, text))) is kind


def test_root_without_one_is_of_the_machine(tmp_path: Path) -> None:
    assert distribution(tmp_path) is distribution()


def test_image_may_have_it_below_usr(tmp_path: Path) -> None:
    assert isinstance(distribution(root(tmp_path, ALPINE, name="usr/lib/os-release")), Alpine)


@pytest.mark.parametrize(
    ("here", "hint"),
    [
        (Debian(), "apt-get install docker-registry nginx runit"),
        (Alpine(), "apk add docker-registry nginx runit"),
        (Distribution(), "install chpst docker-registry nginx svlogd"),
    ],
)
def test_hint_names_packages_once(here: Distribution, hint: str) -> None:
    assert here.install_hint("svlogd", "nginx", "docker-registry", "chpst") == hint


def test_programs_are_where_their_packages_put_them() -> None:
    assert str(Debian().usual_path("chpst")) == "/usr/bin/chpst"
    assert str(Alpine().usual_path("chpst")) == "/usr/sbin/chpst"
    assert str(Alpine().usual_path("docker-registry")) == "/usr/bin/docker-registry"


def test_log_account_is_one_that_is_there() -> None:
    class Here(Debian):
        log_accounts = ("no-such-account", "nobody")

    assert Here().log_account() == "nobody"
    assert Alpine().log_account() is None


def test_account_commands() -> None:
    here = Debian()
    assert here.add_group("web", gid=4, system=True) == ("groupadd", "--system", "--gid", "4", "web")
    assert here.add_user("web", {"uid": "4", "gid": "web"}, system=True) == (
        *("useradd", "--system", "--uid", "4", "--gid", "web", "--no-create-home", "web"),
    )
    assert here.change_user("web", {"shell": "/bin/sh"}) == ("usermod", "--shell", "/bin/sh", "web")


WORDS = re.compile(
    r"\b(?:apt|apt-get|apk|dpkg|useradd|userdel|usermod|groupadd|groupdel|update-ca-certificates)\b(?!\(8\))"
    r"|/etc/ssl/certs|_runit-log|runit-log"
)
ELSEWHERE = {"ctl/settings/options/letsencrypt.py": "the example of a setting"}


def test_nothing_else_knows_a_distributions_commands_and_files() -> None:
    """Only a mention of a manual page, and examples of settings."""
    files = [path for top in ("ctl", "recipes", "templates") for path in (TOP / top).rglob("*")]
    knowing = {
        str(path.relative_to(TOP))
        for path in files
        if path.suffix in (".py", ".j2") and WORDS.search(path.read_text(encoding="utf-8"))
    }
    assert {one for one in knowing if not one.startswith("ctl/distribution/")} == set(ELSEWHERE)
