"""`ctl settings edit` with real editors: shell scripts that change the copy."""

from __future__ import annotations

import io
import os
import pty
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ctl.settings.editing.locked_file import locked
from tests.harness.cli import Cli
from tests.harness.result import Result
from tests.harness.waiting import wait_for

URL = 'registry_external_url = "https://registry.example.com"\n'
LEVEL = 'registry["log_level"] = "warn"\n'


@pytest.fixture
def ctl(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("HERE", str(tmp_path))
    return Cli(tmp_path, capsys)


def script(folder: Path, name: str, *lines: str) -> str:
    """An editor; its file is $1, and how often it ran is in $HERE/NAME.runs."""
    path = folder / name
    path.write_text("\n".join(["#!/bin/sh -e", f'echo "$1" >> "$HERE/{name}.runs"', *lines, ""]))
    path.chmod(0o755)
    return str(path)


def edit(ctl: Cli, monkeypatch: pytest.MonkeyPatch, editor: str, answers: str = "") -> Result:
    monkeypatch.setenv("EDITOR", editor)
    monkeypatch.setattr(sys, "stdin", io.StringIO(answers))
    return ctl("settings", "edit")


def only_the_file(ctl: Cli) -> bool:
    return list(ctl.file.parent.iterdir()) == [ctl.file]


def test_a_valid_edit_is_installed(ctl: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ctl.settings(URL + 'registry["http_secret"] = "hunter2"\n')
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, 12345, 54321)
    before = file.stat()
    look = 'stat -c "%a %n" "$1" "$(dirname "$1")" > "$HERE/seen"'
    result = edit(ctl, monkeypatch, script(ctl.root, "ed", look, f"echo '{LEVEL.strip()}' >> \"$1\""))
    assert result.code == 0
    assert file.read_text().endswith(LEVEL)
    assert f"+{LEVEL.strip()}" in result.out.splitlines()
    assert "hunter2" not in result.out + result.err
    after = file.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    copy, folder = (ctl.root / "seen").read_text().splitlines()
    assert copy.startswith("600 ")
    assert copy.endswith("/gitlab.py")
    assert folder.startswith("700 ")
    assert only_the_file(ctl)


def test_an_editor_that_writes_a_new_file(ctl: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ctl.settings(URL)
    new = f'printf \'%s\' \'{URL}{LEVEL}\' > "$1.new"; mv "$1.new" "$1"'
    assert edit(ctl, monkeypatch, script(ctl.root, "ed", new)).code == 0
    assert file.read_text() == URL + LEVEL


def test_visual_with_arguments_comes_first(ctl: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    ctl.settings(URL)
    path = script(ctl.root, "ed", 'echo "$*" > "$HERE/arguments"')
    monkeypatch.setenv("VISUAL", f"'{path}' --wait")
    assert edit(ctl, monkeypatch, "false").code == 0
    assert (ctl.root / "arguments").read_text().startswith("--wait /")


def test_no_change(ctl: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ctl.settings(URL)
    before = file.stat()
    for editor in ("true", script(ctl.root, "ed", 'rm "$1"')):
        result = edit(ctl, monkeypatch, editor)
        assert (result.code, result.out) == (0, f"{file} is unchanged\n")
        assert file.stat() == before
        assert only_the_file(ctl)


def test_an_editor_that_fails(ctl: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ctl.settings(URL)
    result = edit(ctl, monkeypatch, script(ctl.root, "ed", 'echo "x = 1" >> "$1"', "exit 3"))
    assert result.code == 1
    assert f"ended with 3: {file} is unchanged" in result.err
    assert file.read_text() == URL
    assert only_the_file(ctl)


@pytest.mark.parametrize("name", ["/nowhere/editor", "'unclosed", "nosuchprogram -x"])
def test_no_such_editor(ctl: Cli, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    ctl.settings(URL)
    result = edit(ctl, monkeypatch, name)
    assert result.code == 2
    assert f"EDITOR names no program that can be run: {name}" in result.err
    assert only_the_file(ctl)


ADDING = 'echo \'registry["log_level"] = "loud"\' >> "$1"'
MENDING = f'if grep -q loud "$1"; then sed -i s/loud/warn/ "$1"; else {ADDING}; fi'


@pytest.mark.parametrize("answer", ["\n", "e\n", "E \n", "what?\ne\n"])
def test_a_wrong_edit_is_edited_again(ctl: Cli, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    file = ctl.settings(URL)
    result = edit(ctl, monkeypatch, script(ctl.root, "ed", MENDING), answer)
    assert result.code == 0
    assert f"{file}:2:10: error: registry.log_level: must be one of" in result.err
    assert "(e)dit again" in result.err
    assert file.read_text() == URL + LEVEL
    first, second = (ctl.root / "ed.runs").read_text().splitlines()
    assert first == second


@pytest.mark.parametrize(
    "wrong", ["echo 'registry[' >> \"$1\"", "printf '\\377' > \"$1\"", 'rm "$1"; mkfifo "$1"']
)
def test_a_wrong_edit_is_given_up(ctl: Cli, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    file = ctl.settings(URL)
    result = edit(ctl, monkeypatch, script(ctl.root, "ed", wrong), "x\n")
    assert result.code == 2
    assert result.out == f"{file} is unchanged\n"
    assert file.read_text() == URL
    assert only_the_file(ctl)


def test_without_anybody_to_ask_the_work_is_kept(ctl: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ctl.settings(URL)
    result = edit(ctl, monkeypatch, script(ctl.root, "ed", MENDING))
    assert result.code == 2
    assert file.read_text() == URL
    kept = Path(result.err.split("your version is kept in ")[1].splitlines()[0])
    assert kept.read_text() == URL + LEVEL.replace("warn", "loud")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_file_that_was_changed_meanwhile(ctl: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ctl.settings(URL)
    other = f"echo '# by hand' >> {file}; echo '# mine' >> \"$1\""
    result = edit(ctl, monkeypatch, script(ctl.root, "ed", other))
    assert result.code == 1
    assert f"{file} was changed by somebody else meanwhile" in result.err
    assert file.read_text() == URL + "# by hand\n"
    kept = Path(result.err.split("your version is kept in ")[1].splitlines()[0])
    assert kept.read_text() == URL + "# mine\n"


def test_a_wrong_file_can_be_mended(ctl: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ctl.settings(URL + 'registry["http_secret"] = "hunter2"\nregistry["log_level" = 1\n')
    result = edit(ctl, monkeypatch, script(ctl.root, "ed", "sed -i '$d' \"$1\""))
    assert result.code == 0
    assert file.read_text() == URL + 'registry["http_secret"] = "hunter2"\n'
    assert "hunter2" not in result.out + result.err


def test_includes_are_found_from_where_the_file_is(ctl: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ctl.settings(URL)
    (file.parent / "more.py").write_text(LEVEL)
    result = edit(ctl, monkeypatch, script(ctl.root, "ed", 'echo \'from_file("more.py")\' >> "$1"'))
    assert result.code == 0, result.err
    assert ctl("settings", "get", "registry.log_level").out == "warn\n"


def test_a_second_edit_must_wait(ctl: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ctl.settings(URL)
    with locked(file):
        result = edit(ctl, monkeypatch, script(ctl.root, "ed"))
    assert result.code == 75
    assert not (ctl.root / "ed.runs").exists()


@pytest.mark.real
def test_ctrl_c_belongs_to_the_editor(ctl: Cli) -> None:
    """On a terminal: the editor gets Ctrl-C and goes on, and what it writes is installed."""
    file = ctl.settings(URL)
    editor = script(
        ctl.root, "ed", "trap 'echo \"# caught\" >> \"$1\"; exit 0' INT", ': > "$HERE/ready"',
        "n=0; while [ $n -lt 600 ]; do sleep 0.05; n=$((n + 1)); done",
    )  # fmt: skip
    environment = {**os.environ, "EDITOR": editor, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "ctl", "--root", str(ctl.root), "settings", "edit"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, command, environment)  # noqa: S606
    try:
        deadline = time.monotonic() + 20
        while not (ctl.root / "ready").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        os.write(terminal, b"\x03")
        _, status = os.waitpid(pid, 0)
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert file.read_text() == URL + "# caught\n"


@pytest.mark.real
@pytest.mark.parametrize("work", ["", LEVEL])
def test_an_edit_that_is_killed_is_cleaned_up_by_the_next(
    ctl: Cli, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    """Not while its editor goes on; and a version with work in it is reported instead."""
    file = ctl.settings(URL)
    (file.parent / ".ctl-0123456789abcdef").write_text("half-written")
    editor = script(ctl.root, "ed", f"printf '%s' '{work}' >> \"$1\"", ': > "$HERE/ready"', "exec sleep 30")
    command = [sys.executable, "-m", "ctl", "--root", str(ctl.root), "settings", "edit"]
    running = subprocess.Popen(command, env={**os.environ, "EDITOR": editor}, start_new_session=True)
    try:
        wait_for(lambda: (ctl.root / "ready").exists(), seconds=20)
        running.kill()
        running.wait()
        assert edit(ctl, monkeypatch, "true").code == 0
        (left,) = [one for one in file.parent.iterdir() if one != file]
    finally:
        os.killpg(running.pid, signal.SIGKILL)

    def looked_after() -> bool:
        reported = f"an earlier edit left its version in {left}" in edit(ctl, monkeypatch, "true").err
        return reported if work else only_the_file(ctl)

    wait_for(looked_after, what="the next edit after the editor has gone")
    assert left.exists() is bool(work)


@pytest.mark.real
def test_an_edit_that_is_killed_frees_the_file(ctl: Cli) -> None:
    file = ctl.settings(URL)
    editor = script(ctl.root, "ed", "exec sleep 30")
    command = [sys.executable, "-m", "ctl", "--root", str(ctl.root), "settings", "edit"]
    running = subprocess.Popen(command, env={**os.environ, "EDITOR": editor}, start_new_session=True)
    try:
        deadline = time.monotonic() + 20
        while not (ctl.root / "ed.runs").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        running.kill()
        running.wait()
        assert ctl("settings", "set", "registry.log_level", "warn").code == 0
    finally:
        os.killpg(running.pid, signal.SIGKILL)
    assert file.read_text() == URL + LEVEL


@pytest.mark.real
def test_a_secret_is_asked_for_without_echo(ctl: Cli) -> None:
    file = ctl.settings(URL)
    command = [
        sys.executable,
        "-m",
        "ctl",
        "--root",
        str(ctl.root),
        "settings",
        "set",
        "registry.http_secret",
        "-",
    ]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, command, {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})  # noqa: S606
    seen = b""
    try:
        while b"registry.http_secret" not in seen:
            seen += os.read(terminal, 4096)
        os.write(terminal, b"hunter2\n")
        while True:
            try:
                seen += os.read(terminal, 4096)
            except OSError:  # the other side of the terminal is closed
                break
        _, status = os.waitpid(pid, 0)
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert b"hunter2" not in seen
    assert 'registry["http_secret"] = "hunter2"' in file.read_text()
