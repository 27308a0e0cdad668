"""The token issuer behind its socket: who reaches it, restarts that no client notices, floods of wrong passwords."""

from __future__ import annotations

import grp
import os
import pwd
import socket
import stat
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ctl.auth.protocol import HEADER_SECONDS
from ctl.machine.unix_socket import connect
from tests.harness.issuer import SOCKET, Issuer, write_accounts
from tests.harness.issuer_clients import WITHOUT_GITLAB, issuer_node
from tests.harness.people import Person
from tests.harness.root import WEB_ACCOUNT, Root, RootMaker
from tests.harness.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.one_registry("only the issuer is asked")]
UNLIMITED = 'registry_auth["requests_per_second"] = 0'
STARTED = (
    b"POST /jwt/auth HTTP/1.1\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\nx"
)


@pytest.fixture(scope="module")
def module_root(module_root_maker: RootMaker, somebody: Person) -> Root:
    """A registry with its own issuer."""
    return issuer_node(module_root_maker, somebody, UNLIMITED)


def come_from(root: Root, address: str) -> Issuer:
    """A client at another address on loopback, through NGINX."""
    return Issuer(replace(root.client, source=address, timeout=60))


@contextmanager
def load(root: Root, clients: int = 6) -> Iterator[Counter[str]]:
    """Logins without a pause, until the end of the block; counts answers by status, and failures by kind."""
    found: Counter[str] = Counter()
    stop = threading.Event()

    def ask() -> None:
        issuer = Issuer.of(root)
        while not stop.is_set():
            try:
                found[str(issuer.get("reader", "repository:team/app:pull").status)] += 1
            except OSError as error:
                found[repr(error)] += 1

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: found.total() > 20, what="the first answers")
        yield found
        enough = found.total() + 20
        wait_for(lambda: found.total() > enough, what="answers afterwards")
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def processes(root: Root) -> list[str]:
    return [one["state"] for one in root.status()["registry-auth"]["processes"]]


# --- restarts


def test_no_login_fails_while_it_is_restarted_and_changed(running: Root) -> None:
    with load(running) as found:
        running.ctl("restart", "registry-auth").ok()
        running.settings(*WITHOUT_GITLAB, UNLIMITED, 'registry_auth["token_expire_delay"] = 7')
        assert "registry-auth" in running.reconfigure().restarted
        running.ctl("restart", "registry-auth").ok()
    assert set(found) == {"200"}
    assert Issuer.of(running).get("reader").json()["expires_in"] == 7 * 60
    wait_for(lambda: processes(running) == ["current"], what="the end of the former processes", seconds=60)


def test_a_plain_restart_fails_logins(running: Root) -> None:
    """The negative control: the load would notice."""
    with load(running) as found:
        os.kill(running.pids()["registry-auth"], 9)
        wait_for(lambda: set(found) - {"200"}, what="a login that failed")
    wait_for(lambda: Issuer.of(running).get("reader").status == 200, what="the issuer is back")


def test_what_is_known_of_logins_survives_a_restart(running: Root) -> None:
    behind = Issuer.behind(running)
    for _ in range(10):
        assert behind.get("guessed", secret="wrong", address="203.0.113.21").status == 401
    assert behind.get("guessed", address="203.0.113.21").status == 429
    assert behind.get("pusher", address="203.0.113.22").status == 200
    former = running.pids()["registry-auth"]
    running.ctl("restart", "registry-auth").ok()
    assert running.pids()["registry-auth"] != former
    assert behind.get("guessed", address="203.0.113.21").status == 429
    assert behind.get("guessed", address="203.0.113.23").status == 200
    # an address from which an account has signed in is known: not concerned by what others there guess at
    for number in range(30):
        behind.get(f"unknown{number}", secret="wrong", address="203.0.113.22")
    assert behind.get("reader", address="203.0.113.22").status == 429
    assert behind.get("pusher", address="203.0.113.22").status == 200


def test_a_broken_issuer_never_serves(running: Root) -> None:
    file = running.path / "var/opt/gitlab/registry-auth/gitlab-registry.key"
    key = file.read_text()
    with load(running) as found:
        file.write_text("no key")
        try:
            result = running.ctl("restart", "registry-auth")
        finally:
            file.write_text(key)
    assert result.code == 1
    assert "is served by its former process" in result.out + result.err
    assert set(found) == {"200"}


# --- who reaches it


@pytest.mark.usefixtures("need_root")
def test_only_nginx_reaches_it(running: Root) -> None:
    link = running.path / SOCKET
    facts = link.stat()
    assert stat.S_IMODE(facts.st_mode) == 0o770
    assert facts.st_gid == grp.getgrnam(WEB_ACCOUNT).gr_gid
    sockets = link.parent / "sockets"
    (memory,) = sockets.glob("*.memory")
    assert memory.stat().st_mode & 0o077 == 0
    assert "PermissionError" in connecting("nobody", link)
    assert "PermissionError" in connecting("nobody", memory)
    assert "PermissionError" in connecting(WEB_ACCOUNT, memory)
    assert connecting(WEB_ACCOUNT, link) == ""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", running.issuer_port), timeout=10)


def connecting(account: str, path: Path) -> str:
    """How a connection by an account fails; "" where it does not."""
    script = "import socket,sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    switch = ["setpriv", f"--reuid={account}", f"--regid={_group_name(account)}", "--clear-groups"]
    command = [*switch, "/usr/bin/python3", "-c", script, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/").stderr


def _group_name(account: str) -> str:
    return grp.getgrgid(pwd.getpwnam(account).pw_gid).gr_name


def test_where_nginx_is_off_it_stays_at_its_address(running: Root) -> None:
    running.settings(*WITHOUT_GITLAB, UNLIMITED, 'nginx["enable"] = False')
    running.reconfigure()
    with socket.create_connection(("127.0.0.1", running.issuer_port), timeout=10) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200")
    running.settings(*WITHOUT_GITLAB, UNLIMITED)
    running.reconfigure()
    assert Issuer.of(running).get("reader").status == 200


def test_slow_clients_are_closed(running: Root) -> None:
    """Through the socket: NGINX itself waits for whole requests."""
    sent = (b"", b"GET /jwt/a", STARTED)
    connections = [connect(running.path / SOCKET, HEADER_SECONDS * 3) for _ in sent]
    for connection, text in zip(connections, sent, strict=True):
        connection.sendall(text)
    answers = [connection.recv(200) for connection in connections]
    assert answers[:2] == [b"", b""]
    assert answers[2].startswith(b"HTTP/1.1 408")


# --- floods


@contextmanager
def guesses(root: Root) -> Iterator[Counter[int]]:
    """Wrong passwords from many addresses, at one account and at many: more checks than two processors do, and than may
    wait. Counts answers by status."""
    stop = threading.Event()
    found: Counter[int] = Counter()

    def guess(number: int) -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            account = ("guessed", f"nobody{turn}", "stranger")[turn % 3]
            issuer = come_from(root, f"127.0.{number % 4 + 1}.{turn % 200 + 1}")
            found[issuer.get(account, secret=f"wrong-{number}-{turn}").status] += 1

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: found[401] > 60, what="a flood", seconds=60)
        yield found
    finally:
        stop.set()
        for thread in threads:
            thread.join()


PEOPLE = ("reader", "cleaner", "guessed")


def first_login(root: Root, name: str, address: str, secret: str | None = None) -> int:
    """The right password from an address of which nothing is known. Returns the status."""
    return come_from(root, address).get(name, "repository:team/app:pull", secret=secret).status


def test_a_flood_of_wrong_passwords_does_not_keep_out_first_logins(running: Root) -> None:
    with guesses(running) as found:
        for number, name in enumerate(PEOPLE):
            assert first_login(running, name, f"127.0.9.{number + 1}") == 200, (name, found)


@pytest.mark.skipif(
    "FLOOD_MINUTES" not in os.environ, reason="the long form: FLOOD_MINUTES=20, with -s for its numbers"
)
def test_a_long_flood_of_wrong_passwords_keeps_nobody_out_and_fills_nothing(running: Root) -> None:
    """New passwords each turn, so that each login is a first one. At the very account that is guessed at from
    everywhere turns are rare, and who has none in 20 seconds is asked to come again."""
    end = time.monotonic() + float(os.environ["FLOOD_MINUTES"]) * 60
    turns, again, slowest, before = 0, 0, 0.0, memory(running)
    with guesses(running) as found:
        while time.monotonic() < end:
            turns += 1
            for number, name in enumerate(PEOPLE):
                secret, began = new_password(running, name), time.monotonic()
                for attempt in range(20):
                    status = first_login(
                        running, name, f"127.{9 + attempt}.{turns % 250}.{number + 1}", secret
                    )
                    if (name, status) != ("guessed", 503):
                        break
                    again += 1
                assert status == 200, (name, status, found)
                slowest = max(slowest, time.monotonic() - began if name != "guessed" else 0.0)
    write_accounts(running)
    logs = sum(path.stat().st_size for path in (running.path / "var/log/gitlab").rglob("*") if path.is_file())
    print(
        f"{turns * 3} first logins; at other accounts than the one guessed at none refused, at most {slowest:.1f} s; "
        f"there {again} times to come again; answers to guesses {dict(found)}; "
        f"memory of the issuer {before} MB before, {memory(running)} MB after; logs {logs / 1e6:.0f} MB"
    )
    assert logs < 200_000_000
    assert memory(running) < 2 * before + 20


def new_password(root: Root, name: str) -> str:
    return root.ctl("user", "passwd", name, "--random-password").ok().out.splitlines()[-1]


def memory(root: Root) -> int:
    """Of the processes of the issuer, in MB."""
    pids = [one["pid"] for one in root.status()["registry-auth"]["processes"]]
    texts = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
    found = [line.split()[1] for text in texts for line in text.splitlines() if line.startswith("Pss:")]
    return sum(map(int, found)) // 1_000
