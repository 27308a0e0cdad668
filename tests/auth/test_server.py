"""The issuer as a process: many at once, guesses at once, its end, and what makes it not begin."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from ctl.auth.accounts import Accounts, Grant, User
from tests.harness import seeds
from tests.harness.issuer import SERVICE, access_of, accounts, password
from tests.harness.issuer_process import Service, config_in, served, start
from tests.harness.waiting import listening, wait_for

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An issuer that the tests of this module share."""
    with served(tmp_path_factory.mktemp("issuer"), accounts()) as running:
        yield running


def with_cost(cost: int) -> Accounts:
    """One account whose password takes long to check."""
    import bcrypt

    hashed = bcrypt.hashpw(password("slow").encode(), bcrypt.gensalt(cost)).decode()
    return Accounts({"slow": User("slow", hashed, grants=(Grant("team/**", ("pull",)),))})


def test_many_clients_with_the_same_password_are_one_check(tmp_path: Path) -> None:
    """Else the limit of attempts, which count until they have succeeded, would refuse the sixth."""
    with served(tmp_path, with_cost(10)) as service, ThreadPoolExecutor(20) as clients:
        answers = list(clients.map(lambda _: service.get("slow", "repository:team/app:pull"), range(20)))
    assert [answer.status for answer in answers] == [200] * 20
    tokens = {answer.json()["token"] for answer in answers}
    assert len(tokens) == 20
    assert all(access_of(token)[0]["actions"] == ["pull"] for token in tokens)


def test_many_guesses_at_once_are_no_way_around_the_limit(service: Service) -> None:
    with ThreadPoolExecutor(24) as clients:
        asked = clients.map(
            lambda number: service.get("reader", secret=f"guess-{number}", address="192.0.2.1"), range(24)
        )
        assert Counter(answer.status for answer in asked) == {401: 5, 429: 19}
    assert service.get("reader", address="192.0.2.2").status == 200


def test_checks_of_passwords_keep_nobody_waiting(tmp_path: Path) -> None:
    """/health is answered while passwords of a quarter of a second each are checked."""
    with served(tmp_path, with_cost(12)) as service, ThreadPoolExecutor(2) as clients:
        checks = [
            clients.submit(service.get, "slow", secret=f"{n}", address=f"192.0.2.{n}") for n in range(2)
        ]
        meanwhile = 0
        while not all(check.done() for check in checks):
            assert service.answers()
            meanwhile += 1
        assert [check.result().status for check in checks] == [401, 401]
        assert meanwhile >= 3


def test_a_request_under_way_is_finished_after_sigterm(tmp_path: Path) -> None:
    body = f"grant_type=password&service={SERVICE}&username=reader&password={password('reader')}"
    with served(tmp_path, accounts()) as service:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        connection.putrequest("POST", "/jwt/auth")
        connection.putheader("Content-Type", "application/x-www-form-urlencoded")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:10].encode())
        assert service.answers()  # the request before has been seen
        service.process.send_signal(signal.SIGTERM)
        wait_for(lambda: not listening(service.port), what="the end of listening", seconds=30)
        connection.send(body[10:].encode())
        response = connection.getresponse()
        assert response.status == 200
        assert b"access_token" in response.read()
        assert service.process.wait(30) == 0
        assert service.log.endswith("event=ended\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_no_signer_outlives_it(tmp_path: Path, number: int) -> None:
    with served(tmp_path, accounts()) as service:
        signers = service.signers()
        assert len(signers) == 2
        assert service.end(number) == (0 if number != signal.SIGKILL else -number)
        wait_for(lambda: not any(_alive(pid) for pid in signers), what="the end of the signers", seconds=30)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_it_sleeps_while_nobody_asks(service: Service) -> None:
    assert service.answers()
    pids = [service.process.pid, *service.signers()]
    before = wait_for(lambda: _at_rest(pids), what="the end of the request")
    time.sleep(1.5)
    assert [_switches(pid) for pid in pids] == before


def _at_rest(pids: Sequence[int]) -> list[int]:
    """The counts, if they stay for some moments: a request ends a little later than its answer."""
    counts = [_switches(pid) for pid in pids]
    time.sleep(0.3)
    return counts if [_switches(pid) for pid in pids] == counts else []


def _switches(pid: int) -> int:
    """How often its threads have gone to sleep so far."""
    texts = (one.read_text(encoding="ascii") for one in Path(f"/proc/{pid}/task").glob("*/status"))
    return sum(int(text.partition("\nvoluntary_ctxt_switches:")[2].split()[0]) for text in texts)


def test_the_date_is_that_of_the_answer(service: Service) -> None:
    first = service.client.get("/health")
    time.sleep(1.1)
    dates = [parsedate_to_datetime(one.header("Date")) for one in (first, service.client.get("/health"))]
    assert dates[1] > dates[0]
    assert abs((datetime.now(UTC) - dates[1]).total_seconds()) < 60


def test_a_lost_signer_ends_it_to_be_started_anew(tmp_path: Path) -> None:
    with served(tmp_path, accounts()) as service:
        os.kill(service.signers()[0], signal.SIGKILL)
        assert service.process.wait(30) == 1
        assert "a signer ended by itself" in service.log


def test_accounts_appear_and_go(tmp_path: Path) -> None:
    with served(tmp_path, Accounts()) as service:
        assert service.get("reader").status == 401
        service.change(accounts())
        assert service.get("reader").status == 200
        (tmp_path / "accounts.json").unlink()
        assert service.get("reader").status == 401
        assert service.get(None).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/jwt/auth/", 404),
        ("GET", "/JWT/auth", 404),
        ("HEAD", f"/jwt/auth?service={SERVICE}", 405),
        ("DELETE", "/jwt/auth", 405),
        ("POST", "/health", 404),
        ("GET", "/health", 200),
        ("HEAD", "/health", 200),
        ("GET", "/jwt/auth?%ff=1", 400),
        ("GET", f"/jwt/auth?service={SERVICE}&service={SERVICE}", 400),
        ("GET", f"/jwt/auth?service={SERVICE}&" + "a=1&" * 201, 400),
        ("GET", f"/jwt/auth?service={SERVICE}&scope=" + "x" * 17_000, 413),
        ("POST", "/jwt/auth", 415),
    ],
)
def test_other_requests(service: Service, method: str, path: str, status: int) -> None:
    answer = service.client.request(method, path)
    assert answer.status == status
    assert answer.header("Content-Type") == "application/json"
    assert answer.header("Server") == ""
    if method != "HEAD":
        assert answer.json()


@pytest.mark.parametrize(
    "sent",
    [
        b"\0\1\2\3\r\n\r\n",
        b"GET /jwt/auth HTTP/9.9\r\n\r\n",
        b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /jwt/auth HTTP/1.1\r\nX: " + b"y" * 60_000 + b"\r\n\r\n",
        b"POST /jwt/auth HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\nFFFFFFFFFFFF\r\n",
        b"GET /jwt/auth HTTP/1.1\r\nAuthorization: Basic Og==\r\nAuthorization: Basic Og==\r\n\r\n",
    ],
)
def test_no_bytes_are_too_strange(service: Service, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(1000)
    assert not answer.startswith(b"HTTP/1.1 2")
    assert not answer.startswith(b"HTTP/1.1 500")
    assert service.answers()


def test_it_listens_only_where_configured(service: Service) -> None:
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()
    wanted = f":{service.port:04X} 00000000:0000 0A"
    (line,) = [line for line in lines if wanted in line]
    assert " 0100007F:" in line


# --- what makes it not begin


def _refused(folder: Path, config: str) -> str:
    process = start(folder, config)
    assert process.wait(60) == 1
    return (folder / "log").read_text(encoding="utf-8")


def test_a_key_that_is_none(tmp_path: Path) -> None:
    free = replace(config_in(tmp_path, 1), listen="127.0.0.1:0").render()
    assert "key.pem: cannot be read: No such file" in _refused(tmp_path, free)
    (tmp_path / "key.pem").write_text("a-secret-that-is-no-key")
    output = _refused(tmp_path, free)
    assert "not a PEM private key" in output
    assert "a-secret" not in output
    assert "Traceback" not in output


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "key.pem").write_text(seeds.pair()[0])
        output = _refused(tmp_path, config_in(tmp_path, port).render())
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in output


@pytest.mark.parametrize("config", ["", "[]", "{}", '{"listen": 1}', '{"unknown": 1}'])
def test_a_configuration_that_is_none(tmp_path: Path, config: str) -> None:
    output = _refused(tmp_path, config)
    assert "config.json" in output
    assert "Traceback" not in output


def test_the_log_is_of_whole_lines(service: Service) -> None:
    """Requests in parallel do not mix."""
    threads = [
        threading.Thread(target=service.get, args=("reader", f"repository:lines/a{number}:pull"))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [line for line in service.log.splitlines() if "repository:lines/" in line]
    assert len(lines) == 20
    assert all(line.startswith("address=127.0.0.1 outcome=granted-nothing account=reader ") for line in lines)
