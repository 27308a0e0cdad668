"""`ctl user`: accounts come, change and go, and no password is shown anywhere."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from pathlib import Path

import pytest

from ctl.auth.accounts import Grant, User
from tests.harness.account_cli import PASSWORD, AccountCli
from tests.harness.account_models import HASH

TEAM = Grant("team/**", ("pull", "push"))


@pytest.fixture
def ctl(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> AccountCli:
    return AccountCli(tmp_path, capsys, monkeypatch)


@pytest.fixture
def bob(ctl: AccountCli) -> AccountCli:
    """With a user bob."""
    ctl.good("user", "add", "bob", stdin=PASSWORD + "\n")
    return ctl


@pytest.mark.parametrize(
    ("option", "end"), [((), ""), ((), "\n"), ((), "\r\n"), (("--password-stdin",), "\n")]
)
def test_password_from_standard_input(ctl: AccountCli, option: tuple[str, ...], end: str) -> None:
    result = ctl.good("user", "add", "bob", *option, stdin=PASSWORD + end)
    assert result.out == "user bob added\n"
    assert ctl.logs_in("bob", PASSWORD)
    assert not ctl.logs_in("bob", PASSWORD + end + "x")
    assert stat.S_IMODE(ctl.path.stat().st_mode) == 0o640
    assert PASSWORD not in ctl.path.read_text()


def test_random_password_is_all_of_standard_output(ctl: AccountCli) -> None:
    result = ctl.good("user", "add", "admin", "--admin", "--random-password")
    (password,) = result.out.splitlines()
    assert ctl.logs_in("admin", password)
    assert ctl.accounts.users["admin"].admin
    assert "shown only this once" in result.err
    assert password not in ctl.path.read_text()
    again = ctl.good("user", "passwd", "admin", "--random-password", "-q")
    assert again.err == ""
    assert ctl.logs_in("admin", again.out.strip())
    assert not ctl.logs_in("admin", password)
    assert ctl.accounts.users["admin"].admin, "a new password changes nothing else"


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "empty"),
        ("\n", "empty"),
        ("Tr0ub4d", "too short"),
        ("x" * 5000, "too long"),
        ("two\nlines!", "typed"),
    ],
)
def test_weak_passwords(ctl: AccountCli, password: str, reason: str) -> None:
    result = ctl("user", "add", "bob", stdin=password)
    assert result.code == 2
    assert reason in result.err
    assert not password.strip() or password.strip() not in result.err
    assert not ctl.path.exists()


def test_a_password_is_no_argument(ctl: AccountCli) -> None:
    for words in (("bob", "secret"), ("bob", "--password", "secret"), ("bob", "-p", "secret")):
        assert ctl("user", "add", *words).code == 2
        assert ctl("user", "passwd", *words).code == 2
    assert not ctl.path.exists()


@pytest.mark.parametrize("command", ["add", "passwd"])
def test_help_names_no_option_for_a_password(ctl: AccountCli, command: str) -> None:
    options = re.findall(r"--[a-z-]*password[a-z-]*", ctl.good("user", command, "--help").out)
    assert set(options) == {"--random-password", "--password-stdin"}


def test_both_ways_of_a_password(ctl: AccountCli) -> None:
    assert ctl("user", "add", "bob", "--random-password", "--password-stdin", stdin=PASSWORD).code == 2
    assert not ctl.path.exists()


def test_a_taken_name_is_reported_before_a_password_is_read(bob: AccountCli) -> None:
    before = bob.path.read_bytes()
    result = bob("user", "add", "bob", stdin="")
    assert result.code == 2
    assert "there is a user 'bob' already" in result.err
    assert bob.path.read_bytes() == before


def test_passwd(bob: AccountCli) -> None:
    assert bob.good("user", "passwd", "bob", stdin="another one, longer\n").out == "bob has a new password\n"
    assert bob.logs_in("bob", "another one, longer")
    assert not bob.logs_in("bob", PASSWORD)
    assert bob.good("user", "passwd", "bob", "--lock").out == "bob cannot log in any more\n"
    assert not bob.logs_in("bob", "another one, longer")
    assert "cannot log in" in bob.good("user", "list").out
    assert bob("user", "passwd", "bob", "--lock", "--random-password").code == 2


def test_remove(bob: AccountCli) -> None:
    bob.good("user", "remove", "bob")
    assert bob.accounts.users == {}
    assert not bob.logs_in("bob", PASSWORD)


@pytest.mark.parametrize("words", [("passwd",), ("remove",), ("grant",), ("revoke",), ("list",)])
def test_unknown_names_have_a_nearest_one(bob: AccountCli, words: tuple[str, ...]) -> None:
    rest = ("team/*", "pull") if words[0] in ("grant", "revoke") else ()
    result = bob("user", *words, "bobb", *rest)
    assert result.code == 2
    assert "there is no user 'bobb'" in result.err
    assert "Did you mean bob?" in result.err


def test_grant_and_revoke(bob: AccountCli) -> None:
    assert bob.good("user", "grant", "bob", "team/**", "push,pull").out == "bob: pull,push on team/**\n"
    assert bob.accounts.users["bob"].grants == (TEAM,)
    assert bob.good("user", "grant", "bob", "team/**", "delete").out == "bob: pull,push,delete on team/**\n"
    assert bob.good("user", "revoke", "bob", "team/**", "delete").out == "bob: pull,push on team/**\n"
    assert bob.accounts.users["bob"].grants == (TEAM,)
    assert bob.good("user", "revoke", "bob", "team/**").out == "bob: nothing on team/**\n"
    assert not bob.accounts.users["bob"].grants


def test_what_is_left_is_reported(bob: AccountCli) -> None:
    bob.good("group", "add", "dev")
    bob.good("group", "join", "dev", "bob")
    bob.good("group", "grant", "dev", "team/**", "*")
    bob.good("user", "grant", "bob", "team/app", "pull")
    result = bob.good("user", "revoke", "bob", "team/app", "pull")
    assert result.err == "note: bob still has pull by the pattern team/**, through group dev\n"


def test_everybody(ctl: AccountCli) -> None:
    ctl.good("user", "grant", "anonymous", "public/**", "pull")
    assert ctl.accounts.anonymous == (Grant("public/**", ("pull",)),)
    assert ctl.good("user", "list").out.split() == ["anonymous", "pull", "public/**"]
    ctl.good("user", "revoke", "anonymous", "public/**")
    assert not ctl.accounts.anonymous
    assert ctl("user", "add", "anonymous", stdin=PASSWORD).code == 2


def test_administrators(bob: AccountCli) -> None:
    bob.good("user", "grant", "bob", "--admin")
    assert bob.accounts.users["bob"].admin
    assert bob.good("user", "list", "bob").out.splitlines() == [
        "bob  *  **                administrator",
        "bob  *  registry:catalog  administrator",
    ]
    bob.good("user", "revoke", "bob", "--admin")
    assert not bob.accounts.users["bob"].admin


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("grant", "bob"), "ctl user grant NAME PATTERN ACTIONS"),
        (("grant", "bob", "team/*"), "ctl user grant NAME PATTERN ACTIONS"),
        (("grant", "bob", "team/*", "pull", "--admin"), "ctl user grant NAME"),
        (("revoke", "bob"), "ctl user revoke NAME PATTERN"),
        (("grant", "bob", "Team/*", "pull"), "team/*"),
        (("grant", "bob", "team/*", "read"), "unknown action 'read'"),
        (("grant", "bob", "registry:catalog", "pull"), "granted whole"),
        (("revoke", "bob", "team/*", "pull"), "Nothing is granted to bob itself"),
        (("add", "a:b"), "cannot be the name"),
        (("add", "carol", "--group", "def"), "there is no group 'def'"),
    ],
)
def test_usage(bob: AccountCli, words: tuple[str, ...], message: str) -> None:
    before = bob.path.read_bytes()
    result = bob("user", *words, stdin=PASSWORD)
    assert result.code == 2
    assert message in result.err
    assert bob.path.read_bytes() == before


def test_surprises_are_explained(bob: AccountCli) -> None:
    assert "** is every repository" in bob.good("user", "grant", "bob", "*", "pull").err
    assert "push only where they may pull" in bob.good("user", "grant", "bob", "a", "push").err
    assert bob.good("user", "grant", "bob", "**", "pull,push").err == ""


def test_list(bob: AccountCli) -> None:
    bob.good("group", "add", "dev")
    bob.good("group", "grant", "dev", "lib/*", "pull")
    bob.good("user", "add", "alice", "--group", "dev", "--group", "dev", stdin=PASSWORD)
    bob.good("user", "grant", "alice", "team/**", "pull,push")
    bob.good("user", "grant", "anonymous", "public/**", "pull")
    assert bob.good("user", "list").out.splitlines() == [
        "alice      pull,push  team/**",
        "alice      pull       lib/*      group dev",
        "bob        -          -          nothing granted yet",
        "anonymous  pull       public/**",
    ]
    assert bob.good("user", "list", "alice", "--json").json() == {
        "users": [
            {
                "name": "alice",
                "admin": False,
                "can_log_in": True,
                "groups": ["dev"],
                "grants": [{"pattern": "team/**", "actions": ["pull", "push"]}],
            }
        ],
        "anonymous": {"grants": []},
    }
    found = bob.good("user", "list", "--json", "-q").json()
    assert [one["name"] for one in found["users"]] == ["alice", "bob"]
    assert found["anonymous"] == {"grants": [{"pattern": "public/**", "actions": ["pull"]}]}


def test_no_accounts(ctl: AccountCli) -> None:
    result = ctl.good("user", "list")
    assert (result.out, result.err) == ("", "there are no accounts yet: ctl user add NAME\n")
    assert ctl.good("user", "list", "--json").json() == {"users": [], "anonymous": {"grants": []}}
    assert not ctl.path.exists()


def test_import(bob: AccountCli, tmp_path: Path) -> None:
    file = tmp_path / "htpasswd"
    file.write_text(f"carol:{HASH}\ndave@example.com:{HASH}\n")
    result = bob.good("user", "import-htpasswd", str(file))
    assert result.out == f"2 accounts added, 0 given the password of {file}\n"
    assert "may do nothing yet" in result.err
    assert bob.accounts.users["carol"] == User("carol", HASH)
    assert bob.logs_in("bob", PASSWORD)


def test_import_shows_no_control_characters(bob: AccountCli, tmp_path: Path) -> None:
    file = tmp_path / "htpasswd"
    file.write_text("ca\x1b[31mrol:x\n")
    result = bob("user", "import-htpasswd", str(file))
    assert "ca\\x1b[31mrol" in result.err
    assert "\x1b" not in result.err


@pytest.mark.real
def test_import_of_what_htpasswd_wrote(ctl: AccountCli, tmp_path: Path) -> None:
    file = tmp_path / "written"
    for options, name in ((["-c"], "carol"), (["-C", "4"], "dave")):
        words = ["htpasswd", "-iB", *options, str(file), name]
        subprocess.run(words, input=f"{name} {PASSWORD}\n", text=True, check=True, capture_output=True)
    ctl.good("user", "import-htpasswd", str(file))
    assert ctl.logs_in("carol", f"carol {PASSWORD}")
    assert ctl.logs_in("dave", f"dave {PASSWORD}")
    assert not ctl.logs_in("dave", f"carol {PASSWORD}")


def test_import_over_accounts_that_exist(bob: AccountCli, tmp_path: Path) -> None:
    bob.good("group", "add", "all")
    bob.good("user", "grant", "bob", "team/**", "pull,push")
    file = tmp_path / "htpasswd"
    file.write_text(f"bob:{HASH}\ncarol:{HASH}\n")
    before = bob.path.read_bytes()
    result = bob("user", "import-htpasswd", str(file))
    assert result.code == 2
    assert "there are users of these names already: bob" in result.err
    assert bob.path.read_bytes() == before
    bob.good("user", "import-htpasswd", str(file), "--replace", "--group", "all")
    assert bob.accounts.users == {
        "bob": User("bob", HASH, ("all",), (TEAM,)),
        "carol": User("carol", HASH, ("all",)),
    }


def test_import_of_what_is_none(bob: AccountCli, tmp_path: Path) -> None:
    before = bob.path.read_bytes()
    assert bob("user", "import-htpasswd", str(tmp_path / "missing")).code == 2
    file = tmp_path / "htpasswd"
    file.write_text(f"carol:{HASH}\ndave:$apr1$secret$\n")
    result = bob("user", "import-htpasswd", str(file))
    assert result.code == 1
    assert f"{file}:2: dave: the hash is not bcrypt" in result.err
    assert "secret$" not in result.err
    assert bob.path.read_bytes() == before


def test_a_broken_file_is_reported_with_its_place(bob: AccountCli) -> None:
    bob.path.write_text(bob.path.read_text().replace('"password": "$2b', '"password": "$3b'))
    before = bob.path.read_bytes()
    for words in (("list",), ("remove", "bob"), ("add", "carol")):
        result = bob("user", *words, stdin=PASSWORD)
        assert result.code == 1
        assert f"{bob.path}: users.bob.password: is not a bcrypt hash" in result.err
        assert "$3b" not in result.err
    assert bob.path.read_bytes() == before


def test_where_the_issuer_is_off_a_note_says_so(bob: AccountCli) -> None:
    bob.settings(
        'external_url = "https://gitlab.example.com"\nregistry_external_url = "https://r.example.com"\n'
    )
    result = bob.good("user", "list")
    assert (
        "note: nobody can use these accounts: GitLab at https://gitlab.example.com issues the tokens"
        in result.err
    )
    assert 'registry_auth["enable"]' in result.err
    assert "bob" in result.out
    bob.settings('registry_external_url = "https://r.example.com"\nregistry_auth["enable"] = True\n')
    assert bob.good("user", "list").err == ""


def test_another_accounts_file(ctl: AccountCli) -> None:
    ctl.settings(
        'registry_external_url = "https://r.example.com"\nregistry_auth["accounts_file"] = "/srv/accounts.json"\n'
    )
    ctl.good("user", "add", "bob", stdin=PASSWORD)
    assert (ctl.root / "srv/accounts.json").exists()
    assert not ctl.path.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")
def test_an_ordinary_user_is_advised_to_use_sudo(bob: AccountCli) -> None:
    bob.path.chmod(0)
    result = bob("user", "list")
    assert result.code == 1
    assert "sudo" in result.err


def test_accounts_are_part_of_backups(bob: AccountCli) -> None:
    import tarfile

    bob.good("backup-etc")
    (archive,) = (bob.root / "etc/gitlab/config_backup").iterdir()
    with tarfile.open(archive) as tar:
        member = tar.extractfile("etc/gitlab/registry-accounts.json")
        assert member is not None
        assert member.read() == bob.path.read_bytes()
