"""Users and groups, made by the real programs, in a copy of /etc that only the test's process sees."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PRIVATE = (
    "unshare",
    "--mount",
    "--propagation",
    "private",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
)
"""Without the machine's processes: usermod refuses to change a user that has any, and numbers are given out twice."""
HEAD = """
import grp, pwd, subprocess, sys
from pathlib import Path
from ctl.converge import Command, Group, User, converge
from ctl.converge.model import Machine
from ctl.errors import CtlError
from tests.harness.supervisor import Bench
bench = Bench.at(Path(sys.argv[1]))
machine = Machine(services=bench.services, privileged=True)

def run(*items):
    return [change.summary for change in
            converge(items, machine=machine, layout=bench.layout, observer=bench.observer).changes]

def failed(*items):
    try:
        run(*items, Command("bad", argv=["false"], guard=lambda: True))
    except CtlError as error:
        return error.message

def users():
    return {user.pw_name for user in pwd.getpwall()}

def groups():
    return {group.gr_name: group.gr_gid for group in grp.getgrall()}

former = users(), groups()
"""


def _can_be_private() -> bool:
    return (
        os.geteuid() == 0
        and subprocess.run([*PRIVATE, "true"], capture_output=True, check=False).returncode == 0
    )


pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not _can_be_private(), reason="needs root and a mount namespace"),
]


@pytest.fixture
def privately(tmp_path: Path) -> Callable[[str], str]:
    """Runs a program text with a private copy of /etc, and returns how it failed, or ""."""

    def run(body: str) -> str:
        copy = tmp_path / "etc"
        copy.mkdir()
        for name in ("passwd", "shadow", "group", "gshadow", "login.defs", "nsswitch.conf"):
            if Path("/etc", name).exists():
                shutil.copy2(f"/etc/{name}", copy / name)
        mount = 'mount --bind "$1" /etc && shift && exec "$@"'
        command = [*PRIVATE, "sh", "-c", mount, "sh", str(copy)]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        command += [sys.executable, "-c", HEAD + body, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        return done.stderr or f"exit status {done.returncode}" if done.returncode else ""

    return run


def test_accounts_are_made_then_left_alone(privately: Callable[[str], str]) -> None:
    failure = privately("""
items = [Group("ctl-a", gid=4711), User("ctl-a", group="ctl-a", uid=4712, home="/x", shell="/bin/false")]
assert run(*items) == ["create", "create"]
made = pwd.getpwnam("ctl-a")
assert (made.pw_uid, made.pw_gid, made.pw_dir, made.pw_shell) == (4712, 4711, "/x", "/bin/false")
assert run(*items) == []
""")
    assert failure == ""


def test_what_drifted_is_corrected_and_another_number_refused(privately: Callable[[str], str]) -> None:
    failure = privately("""
run(Group("ctl-a"), Group("ctl-b"), User("ctl-a", group="ctl-a", home="/x"))
gid, other = grp.getgrnam("ctl-a").gr_gid, grp.getgrnam("ctl-b").gr_gid
assert "every" in failed(User("ctl-a", group="ctl-b", home="/y"))
assert (pwd.getpwnam("ctl-a").pw_dir, pwd.getpwnam("ctl-a").pw_gid) == ("/x", gid)
assert run(User("ctl-a", group="ctl-b", home="/y")) == [f"home /x → /y, gid {gid} → ctl-b"]
assert (pwd.getpwnam("ctl-a").pw_dir, pwd.getpwnam("ctl-a").pw_gid) == ("/y", other)
for wrong in (Group("ctl-a", gid=4711), User("ctl-a", group="ctl-b", uid=4711)):
    try:
        run(wrong)
    except CtlError as error:
        assert "not 4711 as the settings say" in error.message
    else:
        raise AssertionError(wrong)
""")
    assert failure == ""


def test_a_failed_run_takes_its_accounts_back(privately: Callable[[str], str]) -> None:
    failure = privately("""
assert "everything was put back" in failed(Group("ctl-a"), User("ctl-a", group="ctl-a"))
assert (users(), groups()) == former
""")
    assert failure == ""


def test_a_group_that_was_there_before_stays_with_its_number(privately: Callable[[str], str]) -> None:
    """userdel removes the group of the same name."""
    failure = privately("""
subprocess.run(["groupadd", "--gid", "4711", "ctl-a"], check=True)
failed(Group("ctl-a"), User("ctl-a", group="ctl-a"))
assert "ctl-a" not in users()
assert groups()["ctl-a"] == 4711
""")
    assert failure == ""


def test_an_account_made_by_somebody_else_meanwhile_stays(privately: Callable[[str], str]) -> None:
    failure = privately("""
other = Command("other", argv=["useradd", "--system", "ctl-a"], guard=lambda: True)
assert "already exists" in failed(other, User("ctl-a", group="nogroup"))
assert "ctl-a" in users()
""")
    assert failure == ""
