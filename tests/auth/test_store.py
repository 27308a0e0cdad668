"""Changing the accounts file: one at a time, all or nothing, readable by few; and taking it up while running."""

from __future__ import annotations

import grp
import os
import stat
import threading
import time
from pathlib import Path

import pytest

from ctl.auth import edit, store
from ctl.auth.accounts import Accounts, User
from ctl.auth.accounts_file import render_accounts
from ctl.errors import CtlError, LockHeld, UsageFault
from ctl.paths import Layout

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


@pytest.fixture
def path(layout: Layout) -> Path:
    return layout.path("/etc/gitlab/registry-accounts.json")


def adding(*names: str) -> store.Change:
    """A change that adds users."""

    def change(accounts: Accounts) -> Accounts:
        for name in names:
            accounts = edit.add_user(accounts, User(name, ""))
        return accounts

    return change


def test_no_file_is_no_accounts(path: Path) -> None:
    assert store.read(path) == Accounts()


def test_a_change_is_in_the_file(path: Path, layout: Layout) -> None:
    after = store.change(path, layout, adding("alice"))
    assert after == store.read(path)
    assert list(after.users) == ["alice"]
    before = os.umask(0)
    try:
        store.change(path, layout, adding("bob"))
    finally:
        os.umask(before)
    assert set(store.read(path).users) == {"alice", "bob"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_the_mode_is_set_right_again(path: Path, layout: Layout) -> None:
    store.change(path, layout, adding("alice"))
    path.chmod(0o666)
    store.change(path, layout, adding("bob"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@root_only
def test_the_issuers_group_may_read_it(path: Path, layout: Layout) -> None:
    other = next(group for group in grp.getgrall() if group.gr_gid not in (0, os.getegid()))
    store.change(path, layout, adding("alice"), group="no-such-group")
    assert (path.stat().st_uid, path.stat().st_gid) == (0, 0)
    store.change(path, layout, adding("bob"), group=other.gr_name)
    assert (path.stat().st_uid, path.stat().st_gid) == (0, other.gr_gid)
    store.change(path, layout, adding("carol"), group="no-such-group")
    assert path.stat().st_gid == other.gr_gid, "a group that is not known takes nothing away"


def test_nothing_is_written_where_nothing_changes(path: Path, layout: Layout) -> None:
    store.change(path, layout, adding("alice"))
    before = path.stat()
    store.change(path, layout, lambda accounts: accounts)
    assert path.stat().st_ino == before.st_ino


def test_a_file_that_is_not_there_is_made_also_without_accounts(path: Path, layout: Layout) -> None:
    """The issuer, and whoever gives its group the right to read it, find it then."""
    store.change(path, layout, lambda accounts: accounts)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert store.read(path) == Accounts()


def test_a_refused_change_leaves_the_file(path: Path, layout: Layout) -> None:
    store.change(path, layout, adding("alice"))
    before = path.read_bytes()
    with pytest.raises(UsageFault):
        store.change(path, layout, adding("bob", "alice"))
    assert path.read_bytes() == before
    store.change(path, layout, adding("bob"))


def test_a_failed_write_leaves_the_file(path: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    store.change(path, layout, adding("alice"))
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CtlError, match="No space left"):
        store.change(path, layout, adding("bob"))
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_broken_file_is_not_written_over(path: Path, layout: Layout) -> None:
    path.parent.mkdir(parents=True)
    path.write_text('{"version": 1, "users": {')
    with pytest.raises(CtlError, match="is not JSON"):
        store.change(path, layout, adding("alice"))
    assert path.read_text() == '{"version": 1, "users": {'


def test_a_symbolic_link_stays_one(path: Path, layout: Layout, tmp_path: Path) -> None:
    target = tmp_path / "kept-elsewhere.json"
    path.parent.mkdir(parents=True)
    path.symlink_to(target)
    store.change(path, layout, adding("alice"))
    store.change(path, layout, adding("bob"))
    assert path.is_symlink()
    assert set(store.read(target).users) == {"alice", "bob"}


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_refused_at_once(path: Path, kind: str) -> None:
    path.parent.mkdir(parents=True)
    if kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    with pytest.raises(CtlError):
        store.read(path)


@pytest.mark.real
def test_changes_of_many_threads_are_all_kept(path: Path, layout: Layout) -> None:
    threads = [
        threading.Thread(target=store.change, args=(path, layout, adding(f"user{number}")))
        for number in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.read(path).users) == 16


def test_a_change_that_does_not_end_holds_the_lock(
    path: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_WAIT", 0.0)

    def inner(accounts: Accounts) -> Accounts:
        with pytest.raises(LockHeld, match="another process"):
            store.change(path, layout, adding("bob"))
        return accounts

    store.change(path, layout, inner)


class Reports(list[str]):
    """What was reported."""

    def __call__(self, text: str) -> None:
        self.append(text)


def test_watched_sees_every_change(path: Path, layout: Layout) -> None:
    reported = Reports()
    watched = store.Watched(path, reported)
    assert watched.current() == Accounts()
    for number in range(20):
        store.change(path, layout, adding(f"user{number}"))
        assert len(watched.current().users) == number + 1
    assert watched.current() is watched.current(), "read once"
    assert reported == []
    path.unlink()
    assert watched.current() == Accounts()
    assert reported == [f"{path} is gone, and all accounts with it"]


def test_watched_keeps_the_last_good_ones(path: Path, layout: Layout) -> None:
    reported = Reports()
    watched = store.Watched(path, reported)
    store.change(path, layout, adding("alice"))
    assert set(watched.current().users) == {"alice"}
    path.write_text("{")
    for _ in range(3):
        assert set(watched.current().users) == {"alice"}
    assert len(reported) == 1
    assert f"{path}:1:2: is not JSON" in reported[0]
    path.write_text("{{")
    watched.current()
    assert len(reported) == 2, "another broken state"
    path.write_bytes(render_accounts(edit.add_user(Accounts(), User("bob", ""))))
    assert set(watched.current().users) == {"bob"}
    assert reported[2:] == [f"{path} can be read again"]


def test_watched_begins_with_a_broken_file(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("{")
    reported = Reports()
    assert store.Watched(path, reported).current() == Accounts()
    assert len(reported) == 1
    assert "there are none until that is mended" in reported[0]


def test_watched_reads_again_what_it_may_read_now(
    path: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.change(path, layout, adding("alice"))
    real, reported = store.read_with_state, Reports()
    monkeypatch.setattr(store, "read_with_state", _refuse)  # root, as which this may run, can read everything
    watched = store.Watched(path, reported)
    assert watched.current() == Accounts()
    monkeypatch.setattr(store, "read_with_state", real)
    assert watched.current() == Accounts(), "it has not changed"
    path.chmod(0o644)
    assert set(watched.current().users) == {"alice"}


def _refuse(path: Path) -> tuple[Accounts, os.stat_result | None]:
    raise CtlError(f"{path} may not be read by this user")


def test_watched_sees_what_changed_while_it_read(
    path: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.change(path, layout, adding("alice"))
    real = store.read_with_state

    def slow(file: Path) -> tuple[Accounts, os.stat_result | None]:
        found = real(file)
        monkeypatch.setattr(store, "read_with_state", real)
        store.change(path, layout, adding("bob"))
        return found

    monkeypatch.setattr(store, "read_with_state", slow)
    watched = store.Watched(path)
    assert set(watched.current().users) == {"alice"}
    assert set(watched.current().users) == {"alice", "bob"}


@pytest.mark.parametrize("first", [True, False])
def test_a_file_that_comes_or_goes_between_the_look_and_the_reading(
    path: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    """What was read counts, not what was there a moment before: neither a wrong report nor a state that stays."""
    reports: list[str] = []
    watched = store.Watched(path, reports.append)
    if first:
        store.change(path, layout, adding("alice"))
        assert set(watched.current().users) == {"alice"}
    monkeypatch.setattr(watched, "_identity", lambda: None)
    store.change(path, layout, adding("bob"))
    assert "bob" in watched.current().users
    assert reports == []
    path.unlink()
    assert watched.current().users == {}
    assert reports == [f"{path} is gone, and all accounts with it"]


@pytest.mark.real
def test_watched_by_threads_while_it_changes(path: Path, layout: Layout) -> None:
    """Whoever looks after a change has ended sees it; nobody sees half of one."""
    watched = store.Watched(path, lambda text: wrong.append(text))
    wrong: list[str] = []
    done = threading.Event()
    written = [0]

    def look() -> None:
        while not done.is_set():
            least = written[0]
            if len(watched.current().users) < least:
                wrong.append("an old state")
            time.sleep(0)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(30):
        store.change(path, layout, adding(f"user{number}"))
        written[0] = number + 1
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")
def test_an_ordinary_user_is_advised_to_use_sudo(path: Path, layout: Layout) -> None:
    store.change(path, layout, adding("alice"))
    path.chmod(0)
    with pytest.raises(CtlError, match="may not be read"):
        store.read(path)
    path.chmod(0o640)
    path.parent.chmod(0o500)
    try:
        with pytest.raises(CtlError, match="may not be changed"):
            store.change(path, layout, adding("bob"))
    finally:
        path.parent.chmod(0o700)
