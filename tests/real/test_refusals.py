"""What NGINX refuses by itself: as JSON with the right status, for names that are not the registry's, and bounded."""

from __future__ import annotations

import json
import socket

import pytest

from tests.harness import seeds
from tests.harness.https import Answer
from tests.harness.issuer import NO_GITLAB, reachable, root_with_issuer
from tests.harness.people import Person
from tests.harness.raw_requests import answer, ask, connect, flood, get
from tests.harness.root import Root, RootMaker
from tests.harness.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.one_registry("NGINX refuses, not the registry")]
LOGS = "var/log/gitlab"
REFUSED = f"{LOGS}/nginx/refused/gitlab_registry.log"
ACCESS = f"{LOGS}/nginx/gitlab_registry_access.log"


@pytest.fixture(scope="module")
def module_root(module_root_maker: RootMaker, me: Person, ordinary_user: Person) -> Root:
    """A registry with its own issuer."""
    return root_with_issuer(module_root_maker, reachable(me, ordinary_user))


def refused(found: Answer, status: int, code: str) -> None:
    assert found.status == status, found
    assert found.header("Content-Type") == "application/json"
    (error,) = json.loads(found.body)["errors"]
    assert error["code"] == code
    assert error["message"]


# --- JSON

PAGES = (
    *(*range(400, 407), *range(409, 417), 421, 429, 494, 495, 496, 497),
    *(*range(500, 506), 507),
)
"""The errors for which NGINX has a page of its own (src/http/ngx_http_special_response.c); at 408 it says nothing."""
SAID_OTHERWISE = {494: 431, 495: 400, 496: 400, 497: 400, 502: 503, 504: 503, 505: 501}


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


def test_the_port_of_the_redirect_refuses_in_json(running: Root) -> None:
    running.settings(
        NO_GITLAB,
        'registry["nginx"]["redirect_http_to_https"] = True',
        f'registry["nginx"]["redirect_http_to_https_port"] = {running.redirect_port}',
    )
    running.reconfigure()
    for request, status in (
        (b"rubbish\r\n\r\n", 400),
        (get("/v2/" + "x" * 9_000), 414),
        (get(method="TRACE"), 405),
    ):
        with socket.create_connection(("127.0.0.1", running.redirect_port), timeout=30) as link:
            link.sendall(request)
            refused(answer(link), status, "UNSUPPORTED")
    running.settings(NO_GITLAB)
    running.reconfigure()


def test_what_nginx_is_configured_to_refuse_is_json(running: Root) -> None:
    """By directives of the administrator's own; and a page of the administrator's own stays."""
    own = (
        "location = /denied { deny all; } location = /large { client_max_body_size 1; proxy_pass http://registry; } "
        "location = /missing { root /nonexistent; } location = /own { error_page 403 =200 /mine; deny all; } "
        "location = /mine { return 200 mine; } location = /lengthless { return 411; } "
        "location = /broken { return 500; } "
    ) + " ".join(f"location = /{status} {{ return {status}; }}" for status in PAGES)
    running.settings(NO_GITLAB, f'registry["nginx"]["custom_gitlab_server_config"] = {own!r}')
    running.reconfigure()
    refused(running.client.get("/denied"), 403, "DENIED")
    refused(running.client.get("/lengthless"), 411, "SIZE_INVALID")
    refused(running.client.get("/broken"), 500, "UNKNOWN")
    for status in PAGES:
        page = running.client.get(f"/{status}")
        assert "errors" in json.loads(page.body), status
        assert page.status == SAID_OTHERWISE.get(status, status)
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


def test_without_credentials_an_address_is_refused_beyond_its_rate_and_others_go_on(running: Root) -> None:
    running.settings(
        NO_GITLAB,
        'registry["nginx"]["anonymous_requests_per_second"] = 1',
        'registry["nginx"]["anonymous_requests_burst"] = 10',
        'registry["nginx"]["real_ip_header"] = "X-Forwarded-For"',
        'registry["nginx"]["real_ip_trusted_addresses"] = ["127.0.0.0/8"]',
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

    def from_(address: str) -> int:
        return ask(running, get("/v2/", "localhost", f"X-Forwarded-For: {address}")).status

    network = [from_(f"2001:db8:1:2:{number:x}::1") for number in range(1, 41)]
    assert network.count(429) > 20, "a client of IPv6 has as many addresses as it likes"
    assert from_("2001:db8:1:3::1") == 401
    assert {from_(f"198.51.100.{number}") for number in range(40)} == {401}
    running.settings(NO_GITLAB)
    running.reconfigure()
