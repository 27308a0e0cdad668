"""Ports are tried on real sockets: who holds a port is named, and what is free is not held up."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil  # noqa: F401 - an ordinary user may not be able to import it
import pytest

from ctl.errors import UsageFault
from ctl.nginx.ports import Reason, Taken, parse_address, taken
from tests.harness.as_nobody import as_nobody

HOLDER = """
import os, socket, sys
server = socket.create_server(("127.0.0.1", 0))
if os.fork():
    print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""
EVERYWHERE = "0.0.0.0"  # noqa: S104


@contextmanager
def listening(host: str = "127.0.0.1") -> Iterator[int]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        yield server.getsockname()[1]


@contextmanager
def _another_process() -> Iterator[tuple[int, int]]:
    """Pid and port of a listening process, whose child shares the socket."""
    command = [sys.executable, "-c", HOLDER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        yield holder.pid, int(holder.stdout.readline())
        holder.stdin.close()


def free_port() -> int:
    with listening() as port:
        return port


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("*:5050", ("*", 5050)),
        ("[::]:80", ("::", 80)),
        (":5000", ("", 5000)),
        ("localhost:5000", ("localhost", 5000)),
        ("unix:/run/a.sock", ("unix:/run/a.sock", 0)),
    ],
)
def test_addresses_are_parted(text: str, parts: tuple[str, int]) -> None:
    assert parse_address(text) == parts


@pytest.mark.parametrize("text", ["5000", "host:", "host:http"])
def test_an_address_without_a_port(text: str) -> None:
    with pytest.raises(UsageFault, match="not an address with a port"):
        parse_address(text)


def test_free_ports_and_sockets_are_no_problem() -> None:
    port = free_port()
    assert taken([("*", port), ("::", port), ("", port), ("localhost", port), ("unix:/a", 0)]) == []


@pytest.mark.parametrize("wanted", ["127.0.0.1", "*", EVERYWHERE, "", "localhost"])
def test_the_holder_is_named(wanted: str) -> None:
    with listening() as port:
        (problem,) = taken([(wanted, port)])
        assert (problem.reason, problem.pid) == (Reason.TAKEN, os.getpid())
        assert f"(pid {os.getpid()})" in str(problem)
        assert f"port {port}" in str(problem)


def test_a_wildcard_holds_every_address_but_one_address_only_itself() -> None:
    with listening(EVERYWHERE) as port:
        assert [problem.reason for problem in taken([("127.0.0.1", port)])] == [Reason.TAKEN]
    with listening("127.0.0.2") as port:
        assert taken([("127.0.0.1", port)]) == []


def test_ipv6_is_apart_from_ipv4() -> None:
    with listening("::1") as port:
        assert [problem.pid for problem in taken([("::1", port)])] == [os.getpid()]
        assert [problem.pid for problem in taken([("::", port)])] == [os.getpid()]
        assert taken([("127.0.0.1", port), ("*", port)]) == []


def test_a_family_of_processes_is_named_by_its_eldest() -> None:
    """NGINX's workers hold the port, too; what is to be stopped is the master."""
    with _another_process() as (holder, port):
        (problem,) = taken([("127.0.0.1", port)])
    assert problem.pid == holder
    assert problem.process.startswith("python")


def test_a_connection_that_is_still_closing_is_no_obstacle() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        served, _ = server.accept()
        served.close()  # the side that closes first waits in TIME_WAIT
        client.recv(1)
        client.close()
    with socket.socket() as plain, pytest.raises(OSError, match="in use"):
        plain.bind(("127.0.0.1", port))
    assert taken([("127.0.0.1", port), ("*", port)]) == []


def test_an_address_of_another_machine() -> None:
    (problem,) = taken([("192.0.2.1", free_port())])
    assert problem.reason is Reason.ABSENT
    assert "no interface of this machine" in str(problem)


def test_trying_a_port_does_not_keep_it_from_its_service() -> None:
    port = free_port()
    assert taken([("127.0.0.1", port)]) == []
    with socket.create_server(("127.0.0.1", port)) as server:
        assert server.getsockname()[1] == port


def test_the_same_problem_is_reported_once() -> None:
    with listening() as port:
        assert len(taken([("127.0.0.1", port), ("127.0.0.1", port)])) == 1


def test_a_low_port_for_an_ordinary_user() -> None:
    limit = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if limit <= 1:
        pytest.skip("this system lets everybody listen on every port")
    low = limit - 1
    output = as_nobody(lambda: taken([("127.0.0.1", low)])[0])
    assert output == f"port {low} of 127.0.0.1 needs root: it is below 1024"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's sockets are hidden from others")
def test_a_holder_that_an_ordinary_user_cannot_see() -> None:
    with _another_process() as (_, port):
        output = as_nobody(lambda: taken([("*", port)])[0])
    assert output == f"port {port} is taken by a process that only root can see"


def test_text_of_a_problem() -> None:
    assert str(Taken("*", 5050, process="nginx", pid=123)) == "port 5050 is taken by nginx (pid 123)"
    assert str(Taken("192.0.2.1", 80, process="a", pid=1)) == "port 80 of 192.0.2.1 is taken by a (pid 1)"
