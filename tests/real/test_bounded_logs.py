"""Logs are bounded: who has no credentials, or forged ones, writes only where it is."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import ssl
import subprocess
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from tests.harness import seeds, tokens
from tests.harness.https import UnixConnection
from tests.harness.issuer import NO_GITLAB, reachable, root_with_issuer
from tests.harness.logs import ACCESS, ANONYMOUS, APART, ERRORS, LOGS, OUTPUT, REFUSED, current, grown
from tests.harness.people import Person
from tests.harness.raw_requests import ask, connect, flood, get
from tests.harness.root import Root, RootMaker
from tests.harness.waiting import wait_for

pytestmark = [pytest.mark.real]


@pytest.fixture(scope="module")
def module_root(module_root_maker: RootMaker, me: Person, ordinary_user: Person) -> Root:
    """A registry with its own issuer."""
    return root_with_issuer(module_root_maker, reachable(me, ordinary_user))


MOST_A_SECOND = 10_000
"""Requests by one client that NGINX takes on two processors, several times what was measured with TLS."""


LIMITED = (200 * 60 + 4_000) + (30 * 60 + 150)
"""Requests of one client in a minute that are logged each: with tokens of nobody, and for tokens."""
LONGEST_ADDRESS = 45
BLOCK = re.compile(r"^(?P<logs>/[^{]+|\"[^{]+)\{\n  size (?P<size>\d+)\n  rotate (?P<number>\d+)$", re.M)


@pytest.mark.one_registry("NGINX refuses, not the registry")
def test_one_client_without_credentials_cannot_fill_200_megabytes(running: Root) -> None:
    """All that it can write at its largest, from what rotates it, and from the longest line of each log."""
    nobody = tokens.sign(
        running.secrets()["internal_key"], tokens.repository_access("x" * 250, "pull"), claims={"sub": ""}
    )
    between = {
        REFUSED: (LIMITED + MOST_A_SECOND * 60 * 0.1) * longest_line(running, REFUSED, "Bearer"),
        ANONYMOUS: LIMITED * longest_line(running, ANONYMOUS, f"Bearer {nobody}"),
    }
    config = running.read("var/opt/gitlab/logrotate/logrotate.conf")
    kept = {
        log: (int(block["size"]), int(block["number"]))
        for block in BLOCK.finditer(config)
        for log in between
        if Path(log).name in block["logs"]
    }
    by_nginx = sum((size + between[log]) * (number + 1) for log, (size, number) in kept.items())
    by_svlogd = sum(kept_by_svlogd(running, log) for log in APART.values())
    assert 100_000_000 < by_nginx + by_svlogd < 200_000_000


def longest_line(root: Root, log: str, credentials: str) -> float:
    """Of requests as long and as odd as can be: what is escaped takes four bytes for one."""
    number, address, field = 40, "127.0.0.8", f"Authorization: {credentials}".encode()
    lines: list[str] = []
    for path in (b"\xc3" * 3_000, b"v2/" + b"x" * 250 + b"/tags/list?" + b"\xc3" * 900, b"x" * 3_000):
        head = b"%b /%b HTTP/1.1\r\nHost: localhost" % (b"M" * 16 if path[:1] == b"x" else b"GET", path)
        agents = b"User-Agent: %b\r\nReferer: %b" % ((b"x" * 90 + b"\xc3" * 900,) * 2)
        raw = b"\r\n".join([head, agents, field, b"", b""])
        growth = grown(root, lambda asked=raw: flood(root, asked, number, address))  # type: ignore[misc]
        assert current(growth) <= BOUNDED, "nothing but the logs that are bounded"
        lines += [line for line in root.read(log).splitlines() if line.startswith(f"{address} ")]
    assert lines, log
    return max(map(len, lines)) - len(address) + LONGEST_ADDRESS + 1


def kept_by_svlogd(root: Root, log: str) -> int:
    """One that it writes, those that it keeps, and one that it is about to remove."""
    lines = (root.path / log).with_name("config").read_text().splitlines()
    size, number = (int(line[1:]) for letter in "sn" for line in lines if line.startswith(letter))
    return size * (number + 2)


@pytest.mark.one_registry("it is NGINX's configuration")
def test_nginx_warns_of_nothing(running: Root) -> None:
    """Each variable counts: beyond some number of them it does."""
    assert "[warn]" not in running.read(f"{LOGS}/nginx-svlogd/current")


@pytest.mark.one_registry("logrotate is asked")
def test_logs_of_anybody_are_rotated_at_their_size(running: Root) -> None:
    folder = running.path / "var/opt/gitlab/logrotate"
    command = ["/usr/sbin/logrotate", "--state", str(folder / "tried"), str(folder / "logrotate.conf")]
    kept = {ANONYMOUS: 3, REFUSED: 1, ACCESS: 0}
    running.ctl("stop", "timer").ok()  # which rotates, too
    try:
        for _ in range(6):
            for log in kept:
                os.truncate(running.path / log, 16_000_000)
            subprocess.run(command, check=True, capture_output=True, cwd="/")
    finally:
        running.ctl("start", "timer").ok()
    for log, number in kept.items():
        path = running.path / log
        assert len(list(path.parent.glob(f"{path.name}.*"))) == number
        assert (path.stat().st_size == 0) is (number > 0)
    os.truncate(running.path / ACCESS, 0)


def encoded(**facts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(facts).encode()).rstrip(b"=").decode()


def forged(root: Root) -> list[str]:
    """Tokens of the right form that the registry refuses, each for another reason."""
    access = tokens.repository_access("forged/app", "pull")
    good = root.sign("forged/app", "pull")
    head = good.split(".")[0]
    return [
        "a.b.c",
        good[:-8] + "AAAAAAAA",
        tokens.sign(seeds.pair(7)[0], access),
        f"{head}.{encoded(iss='i' * 3_000)}.eA",
        f"{encoded(alg='RS256', typ='JWT', kid='k' * 3_000)}.{good.split('.')[1]}.eA",
        tokens.sign(root.secrets()["internal_key"], access, audience="a" * 3_000),
        tokens.sign(root.secrets()["internal_key"], access, seconds=-600),
    ]


WAYS = [
    get("/"),
    get("/?x=y"),
    get("/", method="PUT"),
    get("/nothing"),
    get("/v2/x%20y"),
    get("/v2/x y".replace(" ", "%20") + "?" + "z" * 3_000),
    get('/v2/a"b/tags/list'),
    get('/v2/forged/app/tags/list?a="b"'),
    get("/v2/forged/app/tags/list?a=\\x"),
    get("/v2/forged/app/tags/list/"),
    get("/v2"),
    get("//"),
    get("/v2//"),
    get("/v2/a/../forged/app/tags/list"),
    get("/v2/a/%2e%2e/forged/app/tags/list"),
    get("/v2/forged%2F%2Fapp/tags/list"),
    get("/v2/_catalog", method="OPTIONS"),
    get("/v2/forged/app/blobs/uploads", "localhost", "Content-Length: 0", method="POST"),
    get("/v2/", "localhost", 'User-Agent: a "b" \\c d', 'Referer: x "y" z', 'Content-Type: a "b" c'),
    get("/jwt/auth"),
    get("/jwt/auth?service=container_registry"),
]
"""Requests that a registry, or the issuer, answers before it believes any credentials."""
BOUNDED = {REFUSED, ANONYMOUS, *APART.values()}


def with_field(request: bytes, field: str) -> bytes:
    return request[:-2] + f"{field}\r\n\r\n".encode()


@pytest.mark.parametrize("format_", ["text", "json", "logstash"])
def test_forged_tokens_enter_bounded_logs_only(running: Root, format_: str) -> None:
    """They are under no limit of requests, so what is written of them is bounded, in every format of the log."""
    running.settings(NO_GITLAB, f'registry["log_formatter"] = "{format_}"')
    running.reconfigure()
    number, before = 12, running.read(REFUSED).count("/v2/forged/")
    asked = get("/v2/forged/app/tags/list")
    bad, *others = (f"Authorization: Bearer {token}" for token in forged(running))
    requests = [with_field(asked, field) for field in others] + [with_field(way, bad) for way in WAYS]
    for request in [*requests, with_field(get("/jwt/auth"), "Authorization: Basic YWxpY2U6eA==")]:
        growth = grown(running, lambda asked=request: flood(running, asked, number, "127.0.0.13"))  # type: ignore[misc]
        assert current(growth) <= BOUNDED, request
    assert running.read(REFUSED).count("/v2/forged/") - before < number * len(requests) / 3
    kept = [
        path.read_text()
        for path in (running.path / APART["registry/refused"]).parent.glob("[c@]*[ts]")
        if path.name != "config"
    ]
    assert "token signed by untrusted key" in "".join(kept) or "invalid" in "".join(kept)
    assert "error authorizing context" in "".join(kept)
    assert "authorization token required" not in "".join(kept)
    assert running.read(f"{LOGS}/registry/refused/config").splitlines()[1:3] == ["s2000000", "n2"]


@pytest.mark.one_registry("NGINX answers, no registry does")
def test_an_outage_is_no_line_for_each_request(running: Root) -> None:
    """Who sends forged tokens is under no limit: two lines of them each would be 180 MB a minute."""
    bad = with_field(get("/v2/forged/app/tags/list"), f"Authorization: Bearer {forged(running)[0]}")
    number = 400
    running.ctl("stop", "registry").ok()
    try:
        growth = grown(running, lambda: flood(running, bad, number, "127.0.0.14"))
    finally:
        running.ctl("start", "registry").ok()
    assert growth.get(ERRORS, 0) == 0
    assert growth.keys() <= {REFUSED}
    assert growth.get(REFUSED, 0) * MOST_A_SECOND / number * 60 < 60_000_000


def test_credentials_that_are_taken_are_logged_where_all_is(running: Root) -> None:
    """The control: these requests would be seen in other logs."""
    token = f"Authorization: Bearer {running.sign('forged/app', 'pull')}"
    request = get("/v2/forged/app/tags/list", "localhost", token)
    assert grown(running, lambda: flood(running, request, 12, "127.0.0.13")).keys() >= {ACCESS, OUTPUT}


def test_what_nginx_leaves_of_a_client_is_what_makes_its_line_known(running: Root) -> None:
    """The control of the patterns in JSON: past NGINX, a client that says more than a word is in the registry's log."""
    running.settings(NO_GITLAB, 'registry["log_formatter"] = "json"')
    running.reconfigure()
    field = {"Authorization": f"Bearer {forged(running)[1]}"}
    direct = UnixConnection(running.path / "var/opt/gitlab/run/registry/current.sock")

    def ask_directly(agent: str) -> None:
        direct.request("GET", "/v2/forged/app/tags/list", headers={**field, "User-Agent": agent})
        assert direct.getresponse().read()

    assert OUTPUT not in grown(running, lambda: ask_directly("word"))
    ask_directly("two words")
    wait_for(lambda: "two words" in running.read(OUTPUT), what="the line")
    direct.close()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2"),
        ("GET", "/v2?n=1"),
        ("GET", "//v2/"),
        ("GET", "/v2//_catalog"),
        ("GET", "/v2/_catalog/"),
        ("GET", "/v2/a/b/tags/list/?n=1"),
        ("GET", "/v2/a/manifests/v1/"),
        ("GET", "/v2/a/blobs/uploads"),
    ],
)
def test_nginx_redirects_as_the_registry_would(running: Root, method: str, path: str) -> None:
    direct = UnixConnection(running.path / "var/opt/gitlab/run/registry/current.sock")
    direct.request(method, path)
    answer = direct.getresponse()
    expected = answer.status, str(answer.getheader("Location")).removeprefix("http://localhost")
    direct.close()
    for client in (running.client, running.direct):
        found = client.request(method, path)
        assert (found.status, found.header("Location")) == expected
    assert expected[0] in (301, 307, 308)


def test_nothing_is_beside_the_path_of_a_repository(running: Root) -> None:
    """The control: what is none of these redirects reaches the registry."""
    for path in ("/v2/", "/v2/a/blobs/uploads/", "/v2/a%2Fb/tags/list", "/v2/a/manifests/sha256%3Aabc"):
        found = running.client.get(path)
        assert found.status == 401, path


def test_made_up_keys_of_uploads_are_no_errors(running: Root) -> None:
    """Another process is asked only where there is one; the one that serves knows no upload that nobody began."""
    token = f"Authorization: Bearer {running.sign('forged/app', 'pull,push')}"
    path = "/v2/forged/app/blobs/uploads/6a3d5a7e-0d5d-4a6b-8f5d-6a3d5a7e0d5d?_state=x&upload_key="

    def asked(key: str) -> bytes:
        return get(f"{path}{key}", "localhost", token)

    growth = grown(
        running, lambda: [flood(running, asked(f"{key:016x}"), 12, "127.0.0.14") for key in range(3)]
    )
    assert not growth.keys() & {ERRORS, f"{LOGS}/nginx-svlogd/current"}
    assert ask(running, asked("0" * 16)).status == ask(running, asked("")).status == 404


def hello() -> bytearray:
    """The first message of a client of TLS."""
    sent, trust = ssl.MemoryBIO(), ssl.create_default_context()
    client = trust.wrap_bio(ssl.MemoryBIO(), sent, server_hostname="localhost")
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return bytearray(sent.read())


def broken_handshakes(root: Root) -> None:
    """Each with another byte that is wrong."""
    whole = hello()
    for place in range(0, len(whole), 2):
        broken = whole.copy()
        broken[place] ^= 0x5A
        with connect(root, tls=False) as link, suppress(OSError):
            link.sendall(broken)
            link.shutdown(socket.SHUT_WR)
            link.recv(4_096)


@pytest.mark.one_registry("it is NGINX that speaks TLS")
def test_broken_handshakes_are_no_errors(running: Root) -> None:
    assert ERRORS not in grown(running, lambda: broken_handshakes(running))
    running.settings(NO_GITLAB, 'registry["nginx"]["error_log_level"] = "info"')
    running.reconfigure()
    assert ERRORS in grown(running, lambda: broken_handshakes(running)), "who looks for them finds them"
    running.settings(NO_GITLAB)
    running.reconfigure()


@pytest.mark.one_registry("they are NGINX's logs")
def test_errors_are_logged_and_bounded(running: Root) -> None:
    running.settings(NO_GITLAB)
    running.reconfigure()
    running.ctl("stop", "registry-auth").ok()
    growth = grown(running, lambda: running.client.get("/jwt/auth"))
    running.ctl("start", "registry-auth").ok()
    assert ERRORS in growth
    rotated = running.read("var/opt/gitlab/logrotate/logrotate.conf").partition("}")[0]
    assert "gitlab_registry_error.log" in rotated
    assert "size 15000000\n  rotate 1\n" in rotated
    config = running.path / "var/opt/gitlab/logrotate"
    command = ["/usr/sbin/logrotate", "-d", "--state", str(config / "status"), str(config / "logrotate.conf")]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd="/")
    assert "error:" not in done.stderr


@pytest.mark.one_registry("NGINX refuses, not the registry")
def test_429_is_neither_an_error_nor_each_in_a_log(running: Root) -> None:
    running.settings(
        NO_GITLAB,
        'registry["nginx"]["anonymous_requests_per_second"] = 1',
        'registry["nginx"]["anonymous_requests_burst"] = 1',
        'registry["nginx"]["error_log_level"] = "warn"',
    )
    running.reconfigure()
    number = 2_000
    counts: Counter[int] = Counter()
    growth = grown(running, lambda: counts.update(flood(running, get("/v2/too-often"), number, "127.0.0.10")))
    assert counts[429] > number * 0.9
    written = [
        line for line in running.read(REFUSED).splitlines() if "too-often" in line and '" 429 ' in line
    ]
    assert len(written) < number / 20
    assert set(growth) <= {REFUSED}
    running.settings(NO_GITLAB)
    running.reconfigure()


@pytest.mark.one_registry("NGINX refuses, not the registry")
def test_what_costs_nothing_to_refuse_is_logged_in_part(running: Root) -> None:
    """Unknown names, and whatever comes by the port of the redirect, are under no limit of requests."""
    number = 1_000
    growth = grown(
        running, lambda: flood(running, get("/v2/misdirected", "other.example.com"), number, "127.0.0.12")
    )
    assert set(growth) <= {REFUSED}
    lines = [line for line in running.read(REFUSED).splitlines() if "misdirected" in line]
    assert number / 30 < len(lines) < number / 5


@pytest.mark.one_registry("NGINX refuses, not the registry")
def test_logs_have_no_long_values(running: Root) -> None:
    name = f"cut/app{'x' * 240}"
    token = running.sign(name, "pull")
    long = "x" * 3_000
    request = get(
        f"/v2/{name}/manifests/{'v' * 128}?{long}",
        "localhost",
        f"Authorization: Bearer {token}",
        f"User-Agent: {long}",
        f"Referer: https://{long}",
    )
    ask(running, request)
    (line,) = wait_for(
        lambda: [line for line in running.read(ACCESS).splitlines() if "/v2/cut/app" in line], what="the line"
    )
    assert len(line) < 800
