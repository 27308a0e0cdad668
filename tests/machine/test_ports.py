"""Whether something answers, and whose socket it is."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctl.machine.ports import answers, excludes, listens


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_every_form_of_an_address(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    for host in ("127.0.0.1", "localhost", "*", "", "0.0.0.0"):  # noqa: S104 - asked, not bound
        assert answers(f"{host}:{port}")
        assert listens(os.getpid(), f"{host}:{port}")


@pytest.mark.parametrize(
    ("held", "wanted", "in_the_way"),
    [
        ("*:443", "127.0.0.1:443", True),
        ("127.0.0.1:443", "0.0.0.0:443", True),
        ("[::1]:443", "[::]:443", True),
        ("127.0.0.1:443", "127.0.0.1:443", True),
        ("*:443", "*:5050", False),
        ("*:443", "[::]:443", False),
        ("127.0.0.1:443", "127.0.0.2:443", False),
        ("unix:/run/a", "unix:/run/b", False),
    ],
)
def test_who_is_in_the_way_of_whom(held: str, wanted: str, in_the_way: bool) -> None:
    assert excludes(held, wanted) == in_the_way


def test_ipv6() -> None:
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    with server:
        port = server.getsockname()[1]
        assert answers(f"[::1]:{port}")
        assert answers(f"[::]:{port}")
        assert listens(os.getpid(), f"[::1]:{port}")


def test_closed_port_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert not answers(f"127.0.0.1:{port}")
    assert not listens(os.getpid(), f"127.0.0.1:{port}")


def test_unix_socket() -> None:
    # not tmp_path: a socket's path is limited to 107 bytes
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        path = Path(folder) / "socket"
        assert not answers(f"unix:{path}")
        server.bind(str(path))
        server.listen()
        assert answers(f"unix:{path}")
        assert listens(os.getpid(), f"unix:{path}")


def test_a_strangers_listener_is_not_ones_own(listener: socket.socket) -> None:
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert answers(address)
        assert not listens(child.pid, address)
    finally:
        child.kill()
        child.communicate()


def test_a_listener_in_a_child_counts() -> None:
    serve = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1]); input()"
    script = f'{sys.executable} -I -S -u -c "{serve}"; true'
    shell = subprocess.Popen(
        ["/bin/sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert shell.stdout is not None
    try:
        assert listens(shell.pid, f"127.0.0.1:{shell.stdout.readline().strip()}")
    finally:
        shell.communicate("\n")
