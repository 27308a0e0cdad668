"""`ctl token`: deploy tokens are shown once, kept as a hash, and end."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import pytest

from ctl.auth.accounts import Grant
from ctl.auth.authenticate import authenticate
from tests.harness.account_cli import PASSWORD, AccountCli

DAY = 24 * 60 * 60


@pytest.fixture
def ctl(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> AccountCli:
    return AccountCli(tmp_path, capsys, monkeypatch)


def test_the_secret_is_shown_once_and_kept_nowhere(ctl: AccountCli) -> None:
    result = ctl.good("token", "create", "ci", "team/app", "push,pull")
    (secret,) = result.out.splitlines()
    assert len(secret) >= 43
    now = time.time()
    found = authenticate(ctl.accounts, "ci", secret, now)
    assert found is not None
    assert (found.kind, found.rights) == ("token", (Grant("team/app", ("pull", "push")),))
    assert authenticate(ctl.accounts, "ci", secret, now + 29 * DAY) is not None
    assert authenticate(ctl.accounts, "ci", secret, now + 30 * DAY + 1) is None
    assert authenticate(ctl.accounts, "ci", secret[:-1], now) is None
    everything = "".join(path.read_text() for path in ctl.root.rglob("*") if path.is_file())
    assert secret not in everything
    assert secret not in ctl.good("token", "list").out + ctl.good("token", "list", "--json").out


@pytest.mark.parametrize(
    ("expires", "seconds"), [("12h", DAY // 2), ("7d", 7 * DAY), ("365d", 365 * DAY), ("never", None)]
)
def test_its_end(ctl: AccountCli, expires: str, seconds: int | None) -> None:
    before = int(time.time())
    found = ctl.good("token", "create", "ci", "team/app", "pull", "--expires", expires, "--json").json()
    token = ctl.accounts.tokens["ci"]
    assert before <= token.created <= time.time()
    assert token.expires == (None if seconds is None else token.created + seconds)
    if token.expires is None:
        assert found["expires"] is None
    else:
        assert datetime.fromisoformat(found["expires"]).timestamp() == token.expires
    assert set(found) == {"name", "grant", "created", "expires", "ended", "secret"}
    assert authenticate(ctl.accounts, "ci", found["secret"], before) is not None


def test_list_and_revoke(ctl: AccountCli) -> None:
    assert ctl.good("token", "list").err.startswith("there are no deploy tokens yet")
    secret = ctl.good("token", "create", "ci", "team/app", "pull", "--expires", "never", "-q").out.strip()
    ctl.good("token", "create", "mirror", "lib/**", "pull")
    first, second = ctl.good("token", "list").out.splitlines()
    assert first.split() == ["ci", "pull", "team/app", "never", "ends"]
    assert second.split()[:4] == ["mirror", "pull", "lib/**", "ends"]
    found = ctl.good("token", "list", "--json").json()["tokens"]
    assert [one["name"] for one in found] == ["ci", "mirror"]
    assert all(set(one) == {"name", "grant", "created", "expires", "ended"} for one in found)
    ctl.good("token", "revoke", "ci")
    assert authenticate(ctl.accounts, "ci", secret, time.time()) is None
    assert set(ctl.accounts.tokens) == {"mirror"}


def test_one_that_has_ended(ctl: AccountCli, monkeypatch: pytest.MonkeyPatch) -> None:
    ctl.good("token", "create", "ci", "team/app", "pull", "--expires", "1d")
    later = time.time() + 2 * DAY
    monkeypatch.setattr(time, "time", lambda: later)
    assert " ended " in ctl.good("token", "list").out
    assert ctl.good("token", "list", "--json").json()["tokens"][0]["ended"] is True
    secret = ctl.good("token", "create", "ci", "team/app", "pull").out.strip()
    assert authenticate(ctl.accounts, "ci", secret, later) is not None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("create", "bob", "a", "pull"), "there is a user 'bob' already"),
        (("create", "old", "a", "pull"), "there is a token 'old' already"),
        (("create", "ci", "a"), "Missing argument"),
        (("create", "ci", "A", "pull"), "lower case: a"),
        (("create", "ci", "a", "read"), "unknown action"),
        (("create", "ci", "a", "pull", "--expires", "soon"), "is not a duration"),
        (("create", "ci", "a", "pull", "--expires", "30"), "--expires 30 has no unit"),
        (("create", "ci", "a", "pull", "--expires", "400d"), "at most 365d"),
        (("create", "anonymous", "a", "pull"), "whoever does not log in"),
        (("revoke", "odl"), "Did you mean old?"),
    ],
)
def test_usage(ctl: AccountCli, words: tuple[str, ...], message: str) -> None:
    ctl.good("user", "add", "bob", stdin=PASSWORD)
    ctl.good("token", "create", "old", "a", "pull")
    before = ctl.path.read_bytes()
    result = ctl("token", *words)
    assert result.code == 2
    assert message in result.err
    assert result.out == ""
    assert ctl.path.read_bytes() == before
