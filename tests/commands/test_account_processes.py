"""Account commands as processes of their own: at a terminal, side by side, and killed."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from ctl.auth.accounts import Accounts, User
from ctl.auth.accounts_file import parse_accounts, render_accounts
from ctl.auth.authenticate import authenticate
from ctl.auth.edit import add_user
from ctl.cli.framework import cli
from tests.harness.account_cli import PASSWORD, SETTINGS

pytestmark = pytest.mark.real

LIMIT = 120.0
"""Seconds after which a test has failed, on however loaded a machine."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc/gitlab").mkdir(parents=True)
    (tmp_path / "etc/gitlab/gitlab.py").write_text(SETTINGS)
    return tmp_path


def argv(root: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "ctl", "--root", str(root), *arguments]


def accounts(root: Path) -> Accounts:
    return parse_accounts((root / "etc/gitlab/registry-accounts.json").read_bytes(), "file")


class Terminal:
    """A command that runs on a terminal of its own."""

    def __init__(self, arguments: list[str]) -> None:
        self._pid, self._master = pty.fork()
        if self._pid == 0:
            try:
                os.execv(arguments[0], arguments)  # noqa: S606 - the child of a terminal
            finally:
                os._exit(127)  # the child must not go on with the tests
        self.shown = ""

    def wait_for(self, text: str, times: int = 1) -> None:
        deadline = time.monotonic() + LIMIT
        while self.shown.count(text) < times:
            assert time.monotonic() < deadline, self.shown
            assert self._read(), self.shown

    def _read(self) -> bool:
        if not select.select([self._master], [], [], LIMIT)[0]:
            return False
        try:
            data = os.read(self._master, 4096)
        except OSError:  # Linux reports the end of a terminal so
            return False
        self.shown += data.decode()
        return bool(data)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def end(self) -> int:
        while self._read():
            pass
        os.close(self._master)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


def at_terminal(root: Path, *passwords: str) -> tuple[int, str]:
    """Add bob, and type passwords as they are asked for; what was shown, and the exit code."""
    terminal = Terminal(argv(root, "user", "add", "bob"))
    for number, password in enumerate(passwords):
        terminal.wait_for("Again: " if number else "Password of bob: ")
        terminal.type(password + "\n")
    return terminal.end(), terminal.shown


def test_at_a_terminal_it_is_asked_for_twice_and_not_shown(root: Path) -> None:
    code, shown = at_terminal(root, PASSWORD, PASSWORD)
    assert code == 0, shown
    assert PASSWORD not in shown
    assert authenticate(accounts(root), "bob", PASSWORD, 0)


@pytest.mark.parametrize(
    ("passwords", "reason"), [((PASSWORD, PASSWORD + "x"), "differ"), (("", ""), "the password is empty")]
)
def test_at_a_terminal_mistakes_change_nothing(root: Path, passwords: tuple[str, str], reason: str) -> None:
    code, shown = at_terminal(root, *passwords)
    assert code == 2
    assert reason in shown
    assert PASSWORD not in shown
    assert not (root / "etc/gitlab/registry-accounts.json").exists()


def test_commands_side_by_side_lose_no_change(root: Path) -> None:
    """Each reads, changes and writes the same file; the last must not undo the others."""
    commands = [f"group add group{number}" for number in range(2)]
    commands += [f"user grant anonymous public{number}/* pull" for number in range(2)]
    running = [subprocess.Popen(argv(root, *one.split()), stdout=subprocess.DEVNULL) for one in commands]
    assert [one.wait(LIMIT) for one in running] == [0] * len(commands)
    found = accounts(root)
    assert set(found.groups) == {f"group{number}" for number in range(2)}
    assert {one.pattern for one in found.anonymous} == {f"public{number}/*" for number in range(2)}


def test_a_killed_command_leaves_the_old_file_and_no_lock(root: Path) -> None:
    """Killed while it holds the lock, its new file written beside the old one and not yet in its place."""
    path = root / "etc/gitlab/registry-accounts.json"
    path.write_bytes(render_accounts(add_user(Accounts(), User("bob", ""))))
    before = path.read_bytes()
    code = (
        "import os, signal, sys\n"
        "os.rename = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from ctl.__main__ import run\n"
        "run(sys.argv[1:])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--root", str(root), "user", "remove", "bob"], check=False, timeout=LIMIT
    )
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == before
    assert [one for one in path.parent.iterdir() if one.name.startswith(".ctl-")], (
        "the new file was under way"
    )
    subprocess.run(argv(root, "user", "remove", "bob"), check=True, timeout=LIMIT, capture_output=True)
    assert accounts(root).users == {}


def complete(root: Path, *words: str) -> list[str]:
    *before, incomplete = words
    completion = ShellComplete(cli, {}, "ctl", "_CTL_COMPLETE")
    return [one.value for one in completion.get_completions(["--root", str(root), *before], incomplete)]


def test_names_are_completed(root: Path) -> None:
    assert complete(root, "user", "remove", "") == []
    path = root / "etc/gitlab/registry-accounts.json"
    found = add_user(add_user(Accounts(), User("bob", "")), User("bert", ""))
    path.write_bytes(render_accounts(found))
    assert complete(root, "user", "remove", "b") == ["bert", "bob"]
    assert complete(root, "user", "grant", "") == ["anonymous", "bert", "bob"]
    assert complete(root, "group", "join", "dev", "bo") == ["bob"]
    path.write_text("{")
    assert complete(root, "user", "remove", "b") == []
    (root / "etc/gitlab/gitlab.py").write_text("nonsense =")
    assert complete(root, "user", "remove", "b") == []
