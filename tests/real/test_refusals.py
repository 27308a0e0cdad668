"""What NGINX refuses by itself: as JSON with the right status, for names that are not the registry's, and bounded."""

from __future__ import annotations

import base64
import http.client
import io
import json
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from recipes.logrotate import REFUSED_NUMBER, REFUSED_SIZE
from tests.harness import seeds, tokens
from tests.harness.https import Answer
from tests.harness.issuer import reachable, write_accounts
from tests.harness.people import Person
from tests.harness.root import Root, RootMaker
from tests.harness.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.one_registry("NGINX refuses, not the registry")]
NO_GITLAB = "external_url = None"
LOGS = "var/log/gitlab"
REFUSED = f"{LOGS}/nginx/refused/gitlab_registry.log"
ACCESS = f"{LOGS}/nginx/gitlab_registry_access.log"


@pytest.fixture(scope="module")
def module_root(module_root_maker: RootMaker, me: Person, ordinary_user: Person) -> Root:
    """A registry with its own issuer."""
    root = module_root_maker(reachable(me, ordinary_user))
    root.settings(NO_GITLAB)
    write_accounts(root)
    root.reconfigure()
    return root


def connect(
    root: Root, *, tls: bool = True, source: str = "127.0.0.1", certificate: str = ""
) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", root.port), timeout=30, source_address=(source, 0))
    if not tls:
        return plain
    trust = ssl.create_default_context(cafile=str(root.ca))
    if certificate:
        trust.load_cert_chain(certificate)
    return trust.wrap_socket(plain, server_hostname="localhost")


def ask(root: Root, request: bytes, **how: Any) -> Answer:  # noqa: ANN401
    """Send bytes, and read the answer to them."""
    with connect(root, **how) as link:
        link.sendall(request)
        return answer(link)


def answer(link: socket.socket) -> Answer:
    received = b""
    while part := link.recv(65_536):
        received += part
        head, _, body = received.partition(b"\r\n\r\n")
        length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        if length and len(body) >= int(length[0].partition(b":")[2]):
            break
    head, _, body = received.partition(b"\r\n\r\n")
    first, _, fields = head.partition(b"\r\n")
    headers = http.client.parse_headers(io.BytesIO(fields + b"\r\n\r\n"))
    return Answer(int(first.split()[1]), headers, body)


def get(path: str = "/v2/", host: str = "localhost", *fields: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", *fields, "", ""]).encode()


def refused(found: Answer, status: int, code: str) -> None:
    assert found.status == status, found
    assert found.header("Content-Type") == "application/json"
    (error,) = json.loads(found.body)["errors"]
    assert error["code"] == code
    assert error["message"]


# --- JSON


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (b"GET /v2/ HTTP/1.1\r\n\r\n", 400, "UNSUPPORTED"),
        (b"GET /v2/ HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "UNSUPPORTED"),
        (b"rubbish\r\n\r\n", 400, "UNSUPPORTED"),
        (b"GET /v2/\0 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "UNSUPPORTED"),
        (get("/v2/" + "x" * 9_000), 414, "UNSUPPORTED"),
        (get("/v2/", "localhost", "X-Long: " + "x" * 9_000), 431, "UNSUPPORTED"),
        (get(method="TRACE"), 405, "UNSUPPORTED"),
        (get("/v2/", "localhost", "Transfer-Encoding: rot13", method="POST"), 501, "UNSUPPORTED"),
        (b"GET /v2/ HTTP/9.9\r\nHost: localhost\r\n\r\n", 501, "UNSUPPORTED"),
        (get(host="other.example.com"), 421, "UNSUPPORTED"),
        (get("/v2/x%20/.refused/400", host="other.example.com"), 421, "UNSUPPORTED"),
        (get("/.refused/400"), 404, "NAME_UNKNOWN"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_refusals_are_json(running: Root, request_: bytes, status: int, code: str) -> None:
    found = ask(running, request_)
    refused(found, status, code)
    assert b"<html" not in found.body


def test_plain_http_on_the_port_of_tls_is_json(running: Root) -> None:
    refused(ask(running, get(), tls=False), 400, "UNSUPPORTED")


def test_what_nginx_is_configured_to_refuse_is_json(running: Root) -> None:
    """By directives of the administrator's own; and a page of the administrator's own stays."""
    own = (
        "location = /denied { deny all; } location = /large { client_max_body_size 1; proxy_pass http://registry; } "
        "location = /missing { root /nonexistent; } location = /own { error_page 403 =200 /mine; deny all; } "
        "location = /mine { return 200 mine; } location = /lengthless { return 411; } "
        "location = /broken { return 500; }"
    )
    running.settings(NO_GITLAB, f'registry["nginx"]["custom_gitlab_server_config"] = {own!r}')
    running.reconfigure()
    refused(running.client.get("/denied"), 403, "DENIED")
    refused(running.client.get("/lengthless"), 411, "SIZE_INVALID")
    refused(running.client.get("/broken"), 500, "UNKNOWN")
    refused(running.client.get("/missing"), 404, "NAME_UNKNOWN")
    refused(running.client.request("POST", "/large", body=b"four"), 413, "SIZE_INVALID")
    assert running.client.get("/own").status == 200
    running.settings(NO_GITLAB)
    running.reconfigure()


def test_who_shows_no_certificate_or_a_wrong_one_is_refused_in_json(running: Root) -> None:
    key, certificate = seeds.server_certificate("somebody")
    shown = running.write("client.pem", certificate + key)
    running.settings(
        NO_GITLAB,
        f'registry["nginx"]["ssl_client_certificate"] = "{running.ca}"',
        'registry["nginx"]["ssl_verify_client"] = "on"',
    )
    running.reconfigure()
    refused(ask(running, get()), 400, "UNAUTHORIZED")
    refused(ask(running, get(), certificate=str(shown)), 400, "UNAUTHORIZED")
    running.settings(NO_GITLAB)
    running.reconfigure()


@pytest.mark.parametrize("service", ["registry", "registry-auth"])
@pytest.mark.parametrize("way", ["client", "direct"])
def test_what_is_stopped_is_unavailable_in_json(running: Root, service: str, way: str) -> None:
    if (service, way) == ("registry-auth", "direct"):
        pytest.skip("the issuer has no other way")
    running.ctl("stop", service).ok()
    try:
        found = getattr(running, way).get("/v2/" if service == "registry" else "/jwt/auth")
    finally:
        running.ctl("start", service).ok()
    refused(found, 503, "UNAVAILABLE")
    assert found.header("Retry-After")


# --- names


def upload(root: Root, *fields: str, host: str) -> Answer:
    token = root.sign("named/app", "pull,push")
    request = get(
        "/v2/named/app/blobs/uploads/",
        host,
        f"Authorization: Bearer {token}",
        "Content-Length: 0",
        *fields,
        method="POST",
    )
    return ask(root, request)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:{port}", "127.0.0.1:{port}", "127.0.0.9", "[::1]", socket.gethostname()]
)
def test_known_names_and_addresses_reach_the_registry(running: Root, host: str) -> None:
    assert ask(running, get(host=host.format(port=running.port))).status == 401


@pytest.mark.parametrize(
    "host", ["evil.example.com", "localhost.example.com", "xlocalhost", "localhost1", "x"]
)
def test_an_unknown_name_gets_no_upload_of_its_own(running: Root, host: str) -> None:
    found = upload(running, host=host)
    refused(found, 421, "UNSUPPORTED")
    assert not found.header("Location")


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("X-Forwarded-Host: evil.example.com", "https://localhost/"),
        ("Forwarded: host=evil.example.com;proto=http", "https://localhost/"),
        ("X-Forwarded-Host: localhost:4711", "https://localhost:4711/"),
    ],
)
def test_what_is_claimed_of_another_host_counts_only_where_it_is_the_registrys(
    running: Root, field: str, expected: str
) -> None:
    assert upload(running, field, host="localhost").header("Location").startswith(expected)


def test_further_names_are_a_setting(running: Root) -> None:
    names = {'["registry.internal", "*.lan"]': "registry.internal x.y.lan", '["*"]': "anything"}
    for given, known in names.items():
        running.settings(NO_GITLAB, f'registry["nginx"]["host_names"] = {given}')
        running.reconfigure()
        for host in known.split():
            assert ask(running, get(host=host)).status == 401
        assert ask(running, get(host="lan")).status == (421 if given != '["*"]' else 401)
    running.settings(NO_GITLAB)
    running.reconfigure()


def test_the_registrys_own_address_takes_any_name(running: Root) -> None:
    """GitLab reaches it there, by whichever name its administrator gave the machine."""
    with socket.create_connection(("127.0.0.1", running.registry_port), timeout=10) as link:
        link.sendall(get(host="registry-node.internal:5000"))
        assert answer(link).status == 401


# --- bounds


def test_connections_of_an_address_are_bounded_and_others_go_on(running: Root) -> None:
    running.settings(NO_GITLAB, 'registry["nginx"]["connections_per_address"] = 3')
    running.reconfigure()
    token = running.sign("held/app", "pull,push")
    begin = get(
        "/v2/held/app/blobs/uploads/",
        "localhost",
        f"Authorization: Bearer {token}",
        "Content-Length: 9",
        method="POST",
    )
    held = [connect(running, source="127.0.0.3") for _ in range(3)]
    for link in held:
        link.sendall(begin)

    def crowded() -> bool:
        found = ask(running, get(), source="127.0.0.3")
        return found.status == 429 and found.header("Retry-After") == "1"

    wait_for(crowded, what="the fourth is refused")
    assert ask(running, get(), source="127.0.0.4").status == 401
    for link in held:
        link.close()
    wait_for(lambda: not crowded(), what="room again")
    running.settings(NO_GITLAB)
    running.reconfigure()


def flood(root: Root, request: bytes, number: int, source: str) -> Counter[int]:
    """Requests in a row on a few connections. Returns how often each status came."""
    found: Counter[int] = Counter()

    def send() -> None:
        link = connect(root, source=source)
        for _ in range(number // 4):
            link.sendall(request)
            found[answer(link).status] += 1
        link.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def grown(root: Root, action: Callable[[], object]) -> dict[str, int]:
    """By how many bytes each log has grown."""

    def sizes() -> dict[str, int]:
        files = [path for path in (root.path / LOGS).rglob("*") if path.is_file() and not path.is_symlink()]
        return {str(path.relative_to(root.path)): path.stat().st_size for path in files}

    before = sizes()
    action()
    return {name: size - before.get(name, 0) for name, size in sizes().items() if size > before.get(name, 0)}


def test_without_credentials_an_address_is_refused_beyond_its_rate_and_others_go_on(running: Root) -> None:
    running.settings(
        NO_GITLAB,
        'registry["nginx"]["anonymous_requests_per_second"] = 1',
        'registry["nginx"]["anonymous_requests_burst"] = 10',
    )
    running.reconfigure()
    counts = flood(running, get(), 100, "127.0.0.5")
    assert counts[429] > 50
    assert counts.keys() == {401, 429}
    rubbish = flood(running, get("/v2/", "localhost", "Authorization: Bearer rubbish"), 100, "127.0.0.6")
    assert rubbish[429] > 50
    assert ask(running, get(), source="127.0.0.7").status == 401
    token = running.sign("any/app", "pull")
    known = flood(
        running, get("/v2/any/app/tags/list", "localhost", f"Authorization: Bearer {token}"), 60, "127.0.0.5"
    )
    assert known == {404: 60}
    running.settings(NO_GITLAB)
    running.reconfigure()


MOST_A_SECOND = 10_000
"""Requests by one client that NGINX takes on two processors, several times what was measured with TLS."""


def test_one_client_without_credentials_cannot_fill_200_megabytes(running: Root) -> None:
    """What it writes for each request, at most, and what is kept of it: by arithmetic and by a flood."""
    address = "127.0.0.8"
    # every byte is escaped as four; nothing is longer than it is cut to
    odd = b"\xc3" * 3_000
    raw = b"GET /v2/%b HTTP/1.1\r\nHost: localhost\r\nUser-Agent: %b\r\nReferer: %b\r\n\r\n" % (odd, odd, odd)
    number = 400
    growth = grown(running, lambda: flood(running, raw, number, address))
    assert set(growth) <= {REFUSED}, "nothing but the log that is bounded"
    line = growth[REFUSED] / number
    assert line <= 128 * 4 + 150
    rate_limited = 50 * 60 + 1_000
    sampled = MOST_A_SECOND * 60 * 0.1
    between_two_looks = (rate_limited + sampled) * line
    assert REFUSED_SIZE * (REFUSED_NUMBER + 1) + between_two_looks + 10_000_000 * 11 < 200_000_000
    config = running.read("var/opt/gitlab/logrotate/logrotate.conf")
    assert f"size {REFUSED_SIZE}" in config
    log = running.read("var/log/gitlab/registry-auth/config")
    assert "s10000000\nn10\n" in log


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


def logged_for(root: Root, token: str, number: int) -> dict[str, int]:
    request = get("/v2/forged/app/tags/list", "localhost", f"Authorization: Bearer {token}")
    return grown(root, lambda: flood(root, request, number, "127.0.0.13"))


@pytest.mark.parametrize("format_", ["text", "json"])
def test_forged_tokens_cannot_fill_200_megabytes(running: Root, format_: str) -> None:
    """They are under no limit of requests, so what is written of them is bounded: it has a small log of its own."""
    apart = f"{LOGS}/registry/refused/current"
    running.settings(NO_GITLAB, f'registry["log_formatter"] = "{format_}"')
    running.reconfigure()
    number, before = 40, running.read(REFUSED).count("/v2/forged/")
    for token in forged(running):
        growth = logged_for(running, token, number)
        output = running.read(f"{LOGS}/registry/current")[-3_000:]
        if format_ == "text":  # the others put what was asked for first, and so cannot be told apart
            assert set(growth) <= {REFUSED, apart}, output
    assert running.read(REFUSED).count("/v2/forged/") - before < number * len(forged(running)) / 3
    kept = [path.read_text() for path in (running.path / apart).parent.iterdir() if path.suffix != ".lock"]
    assert "token signed by untrusted key" in "".join(kept)
    assert running.read(f"{LOGS}/registry/refused/config").splitlines()[1:3] == ["s2000000", "n2"]
    running.settings(NO_GITLAB)
    running.reconfigure()


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


def test_what_costs_nothing_to_refuse_is_logged_in_part(running: Root) -> None:
    """Unknown names, and whatever comes by the port of the redirect, are under no limit of requests."""
    number = 1_000
    growth = grown(
        running, lambda: flood(running, get("/v2/misdirected", "other.example.com"), number, "127.0.0.12")
    )
    assert set(growth) <= {REFUSED}
    lines = [line for line in running.read(REFUSED).splitlines() if "misdirected" in line]
    assert number / 30 < len(lines) < number / 5


def test_logs_have_no_long_values(running: Root) -> None:
    token = running.sign("cut/app", "pull")
    long = "x" * 3_000
    request = get(
        f"/v2/cut/app/manifests/v1{long}",
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
