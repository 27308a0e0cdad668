"""`ctl tail`: the logs of services, followed across rotation."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ctl.commands.tail import log_files
from ctl.errors import CtlError, UsageFault
from ctl.paths import Layout
from tests.harness.people import Person
from tests.harness.services_stack import (
    SLEEPER,
    Stack,
)
from tests.harness.waiting import wait_for


@contextmanager
def tailing(stack: Stack, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """`ctl tail` as it runs, and the file with what it printed so far."""
    output_file = stack.folder / "output"
    with output_file.open("wb") as output:
        process = subprocess.Popen(
            stack.command("tail", *arguments),
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=stack.environment(),
        )
    try:
        yield process, output_file
    finally:
        process.kill()
        process.wait()


def test_files(stack: Stack) -> None:
    stack.define("nginx", SLEEPER)
    stack.define("registry", SLEEPER)
    stack.define("quiet", SLEEPER, log=False)
    logs = stack.layout.logs
    for name in ("access.log", "error.log", "access.log.1", "@4000.s"):
        stack.write(logs / "nginx" / name, "")
    nginx = [logs / "nginx" / name for name in ("current", "access.log", "error.log")]
    assert log_files(stack.layout, []) == [*nginx, logs / "registry/current"]
    assert log_files(stack.layout, ["registry"]) == [logs / "registry/current"]
    assert log_files(stack.layout, ["registry", "nginx/error.log"]) == [logs / "registry/current", nginx[2]]
    assert log_files(stack.layout, ["quiet"]) == []
    with pytest.raises(UsageFault, match=r"no log 'eror\.log' of nginx") as caught:
        log_files(stack.layout, ["nginx/eror.log"])
    assert caught.value.hint
    assert "error.log" in caught.value.hint
    for outside in ("nginx/../registry/current", "nginx//etc/passwd", "nginx/.."):
        with pytest.raises(UsageFault):
            log_files(stack.layout, [outside])
    with pytest.raises(CtlError, match="no service 'registri'"):
        log_files(stack.layout, ["registri"])


def test_nothing_enabled(tmp_path: Path) -> None:
    assert log_files(Layout(tmp_path), []) == []


@pytest.mark.real
def test_follows_across_rotation_and_ends_quietly(any_stack: Stack) -> None:
    any_stack.define("web", "n=0; while :; do n=$((n+1)); echo line $n.; sleep 0.1; done")
    assert any_stack.ctl("start").returncode == 0
    with tailing(any_stack, "web") as (process, output_file):
        wait_for(lambda: b"line 5." in output_file.read_bytes())
        subprocess.run(["sv", "alarm", any_stack.layout.sv / "web/log"], check=True)
        lines = output_file.read_bytes().count(b"line ")
        wait_for(lambda: output_file.read_bytes().count(b"line ") > lines + 5)
        process.send_signal(signal.SIGINT)
        process.wait(5)
        assert b"Traceback" not in output_file.read_bytes()
        assert b"interrupted" not in output_file.read_bytes()


@pytest.mark.real
def test_several_logs_get_headers_and_as_many_lines_as_asked(stack: Stack) -> None:
    stack.define("nginx", SLEEPER)
    stack.write(stack.layout.logs / "nginx/current", "started\n")
    stack.write(stack.layout.logs / "nginx/access.log", "".join(f"GET /{n}\n" for n in range(9)))
    with tailing(stack, "-n", "2") as (_, output_file):
        wait_for(lambda: b"GET /8" in output_file.read_bytes())
        text = output_file.read_text()
    assert f"==> {stack.layout.logs}/nginx/current <==\nstarted\n" in text
    assert f"==> {stack.layout.logs}/nginx/access.log <==\nGET /7\nGET /8\n" in text


@pytest.mark.real
def test_a_reader_that_goes_away_ends_it(stack: Stack) -> None:
    stack.define("web", SLEEPER)
    stack.write(stack.layout.logs / "web/current", "first\n" * 100_000)
    tail = subprocess.Popen(
        stack.command("tail", "-n", "100000"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        env=stack.environment(),
    )
    assert tail.stdout
    assert tail.stdout.readline() == b"first\n"
    tail.stdout.close()
    assert tail.wait(5) == -signal.SIGPIPE
    assert tail.stderr
    assert tail.stderr.read() == b""
    tail.stderr.close()


@pytest.mark.real
def test_a_log_that_may_not_be_read(ordinary_user: Person) -> None:
    """tail itself would wait for it for ever."""
    stack = Stack(ordinary_user)
    try:
        stack.define("web", SLEEPER)
        stack.write(stack.layout.logs / "web/current", "a line\n")
        (stack.layout.logs / "web/current").chmod(0)
        done = stack.ctl("tail", "web")
        assert done.returncode == 1
        assert f"error: {stack.layout.logs / 'web/current'} may not be read by this user" in done.stderr
    finally:
        stack.end()
