"""The parts of a master by themselves: a process's socket and its connections, the relay, and who asks in vain."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ctl.graceful.control import Control, MasterGone
from ctl.graceful.instance import Instance, State, outcome
from ctl.graceful.relay import Relay, free_port, host_of


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "1.sock"))
        one.listen()
        yield one


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance(1, os.getpid(), str(tmp_path / "1.sock"))


def test_it_accepts_as_long_as_somebody_listens(instance: Instance, listener: socket.socket) -> None:
    assert instance.accepts()
    listener.close()
    assert not instance.accepts()


def test_it_is_drained_once_two_looks_find_no_connection(instance: Instance, listener: socket.socket) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(instance.socket)
        server, _ = listener.accept()
        with server:
            assert instance.connections() == 1
            assert not instance.drained()
    assert [instance.drained(), instance.drained()] == [False, True]


def test_a_connection_between_two_looks_begins_them_anew(instance: Instance, listener: socket.socket) -> None:
    assert not instance.drained()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(instance.socket)
        assert not instance.drained(), "also one that waits to be accepted"
        with closing(listener.accept()[0]):
            pass
    assert [instance.drained(), instance.drained()] == [False, True]


def test_only_a_socket_is_opened_to_a_group(
    instance: Instance, listener: socket.socket, tmp_path: Path
) -> None:
    instance.open_to(os.getgid())
    assert stat.S_IMODE(Path(instance.socket).stat().st_mode) == 0o770
    secret = tmp_path / "secret"
    secret.touch(0o600)
    (tmp_path / "link.sock").symlink_to(secret)
    for name in ("secret", "link.sock"):
        with pytest.raises(OSError, match="is not a socket"):
            Instance(2, os.getpid(), str(tmp_path / name)).open_to(os.getgid())
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_its_facts_outlive_the_master(instance: Instance) -> None:
    instance.to(State.DRAINING, seconds=900)
    assert not instance.late()
    assert Instance.of(json.loads(json.dumps(instance.facts()))).facts() == instance.facts()
    instance.deadline = instance.since - 1
    assert instance.late()


@pytest.mark.parametrize(("code", "words"), [("raise SystemExit(3)", "exit status 3"), ("", "exit status 0")])
def test_how_it_ended(code: str, words: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", code])
    assert outcome(os.waitpid(process.pid, 0)[1]) == words


def test_a_signal_reaches_a_stopped_process_and_none_that_has_ended() -> None:
    process = subprocess.Popen(["sleep", "600"])
    process.send_signal(signal.SIGSTOP)
    one = Instance(1, process.pid, "")
    one.send(signal.SIGTERM)
    assert outcome(os.waitpid(process.pid, 0)[1]) == "killed by SIGTERM"
    one.send(signal.SIGTERM)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_the_relay_passes_connections_on_to_the_port_of_now(host: str) -> None:
    serving: list[int] = []
    relay = Relay(f"{host}:{free_port(host.strip('[]'))}", lambda: serving[0] if serving else None)
    address = relay.listener.getsockname()[:2]
    with relay.listener, socket.socket(relay.listener.family) as server:
        with socket.create_connection(address, timeout=5) as client:
            relay.accept()
            assert client.recv(1) == b"", "nobody serves"
        server.bind((address[0], 0))
        server.listen()
        serving.append(server.getsockname()[1])
        with socket.create_connection(address, timeout=5) as client:
            relay.accept()
            with closing(server.accept()[0]) as served:
                client.sendall(b"ping")
                assert served.recv(9) == b"ping"
                served.sendall(b"pong")
            assert client.recv(9) == b"pong"


@pytest.mark.parametrize(
    ("address", "host"), [("127.0.0.1:5001", "127.0.0.1"), ("[::1]:5001", "::1"), (":5001", "127.0.0.1")]
)
def test_the_host_of_an_address(address: str, host: str) -> None:
    assert host_of(address) == host


def test_without_a_master_nobody_answers(tmp_path: Path) -> None:
    control = Control(tmp_path)
    assert not control.answers()
    with pytest.raises(MasterGone):
        control.current()
