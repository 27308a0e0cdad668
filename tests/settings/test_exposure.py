"""What settings open to others is a warning at its place, in check-config and in reconfigure's own reading."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ctl.language.source import Severity
from ctl.machine.trusted import open_to_all
from tests.harness import seeds
from tests.harness.settings_site import BOTH, URL, Site

VHOST = 'registry["nginx"]'
REALM = 'registry["enable"] = True\nregistry["token_realm"] = "https://gitlab.example.com"\n'
EVENTS = '{"name": "e", "url": "%s/events", "headers": {"Authorization": ["Bearer t"]}}'


@pytest.mark.parametrize(
    ("text", "setting", "message"),
    [
        (
            URL + 'registry["group"] = "root"',
            "registry.group",
            "may read and change whatever root's group may",
        ),
        (URL + 'registry_auth["group"] = "root"', "registry_auth.group", "is root: the token issuer"),
        (URL + 'web_server["group"] = "root"', "web_server.group", "is root: NGINX"),
        (BOTH + 'user["group"] = "docker"', "user.group", "can do whatever root can"),
        (URL + 'registry["group"] = "disk"', "registry.group", "can do whatever root can"),
        (URL + 'web_server["group"] = "shadow"', "web_server.group", "reads the machine's passwords"),
        (
            BOTH + 'registry["registry_http_addr"] = "0.0.0.0:5000"',
            "registry.registry_http_addr",
            "without TLS",
        ),
        (BOTH + 'registry["registry_http_addr"] = ":5000"', "registry.registry_http_addr", "is 0.0.0.0:5000"),
        (BOTH + 'registry["registry_http_addr"] = "[::]:5000"', "registry.registry_http_addr", "without TLS"),
        (
            REALM + 'registry["registry_http_addr"] = "0.0.0.0:5000"',
            "registry.registry_http_addr",
            "without TLS",
        ),
        (
            BOTH + 'nginx["status"]["listen_addresses"] = ["*"]',
            "nginx.status.listen_addresses",
            "every address",
        ),
        (
            BOTH + 'nginx["status"] = {"listen_addresses": ["127.0.0.1", "[::]"]}',
            "nginx.status.listen_addresses",
            "is [::]: the status page",
        ),
        (
            BOTH + 'registry["debug_addr"] = "localhost.example.com:5001"',
            "registry.debug_addr",
            "shows secrets",
        ),
        (BOTH + 'registry["env"] = {"REGISTRY_HTTP_DEBUG_ADDR": ":5001"}', "registry.env", "shows secrets"),
        *(
            (
                BOTH + f'{VHOST}["real_ip_trusted_addresses"] = ["10.0.0.1", "{network}"]',
                "registry.nginx.real_ip_trusted_addresses",
                f"trusts {network}: nearly every client can give itself any address",
            )
            for network in ("0.0.0.0/0", "::/0", "128.0.0.0/1", "0.0.0.0/0.0.0.0", "2000::/3")
        ),
        (BOTH + 'registry["redis"] = {"addr": "10.0.0.7:6379"}', "registry.redis", "asks 10.0.0.7:6379"),
        (
            BOTH
            + 'registry["redis"] = {"addr": "127.0.0.1:6379", "cache": {"enabled": True, "addr": "r:1"}}',
            "registry.redis",
            "asks r:1, another machine, without a password",
        ),
        (
            BOTH + 'registry["notifications"] = [%s]' % (EVENTS % "http://events.example.com"),
            "registry.notifications",
            "e: its secret headers travel to events.example.com without TLS",
        ),
    ],
)
def test_warnings(site: Site, text: str, setting: str, message: str) -> None:
    (found,) = [one for one in site.attributes(text).diagnostics if one.severity is Severity.WARNING]
    assert found.setting == setting
    assert message in found.message
    assert found.location is not None
    assert f"{site.layout.settings_file}:{text.count(chr(10)) + 1}:" in str(found)


@pytest.mark.parametrize(
    "text",
    [
        URL + 'registry["group"] = "www-data"',
        BOTH + 'registry["registry_http_addr"] = "10.0.0.5:5000"',
        BOTH + 'registry["registry_http_addr"] = "[fd00::5]:5000"',
        BOTH + 'registry["enable"] = False\nregistry["registry_http_addr"] = "0.0.0.0:5000"',
        BOTH + 'nginx["status"] = {"enable": False, "listen_addresses": ["*"]}',
        BOTH + 'nginx["status"]["listen_addresses"] = ["127.0.0.1", "10.0.0.5"]',
        BOTH + 'registry["debug_addr"] = "127.0.0.9:5001"',
        BOTH + 'registry["debug_addr"] = "[::1]:5001"',
        BOTH + f'{VHOST}["real_ip_trusted_addresses"] = ["10.0.0.0/8", "fc00::/7", "192.0.2.1", "unix:"]',
        BOTH + 'registry["redis"] = {"addr": "10.0.0.7:6379", "password": "p"}',
        BOTH + 'registry["redis"] = {"addrs": ["/run/redis.sock", "localhost:6379"]}',
        BOTH + 'registry["redis"] = {"addr": "10.0.0.7:6379", "tls": {"certificate": "/c", "key": "/k"}}',
        BOTH + 'registry["notifications"] = [%s]' % (EVENTS % "http://127.0.0.1:8000"),
        BOTH + 'registry["notifications"] = [%s]' % (EVENTS % "https://events.example.com"),
    ],
)
def test_nothing_to_warn_of(site: Site, text: str) -> None:
    assert site.warnings(text) == []


def test_a_registry_with_tls_of_its_own_may_listen_everywhere(site: Site) -> None:
    text = 'registry["registry_http_addr"] = ":5443"\nregistry["env"] = {"REGISTRY_HTTP_TLS_CERTIFICATE": "/c"}\n'
    assert site.warnings(REALM + text) == []


@pytest.fixture
def open_site() -> Iterator[Site]:
    """A root into which every account may look; those of other tests are in a folder of the user's own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Site(Path(folder))


def _key(site: Site, mode: int, text: str = seeds.pair()[0]) -> Path:
    file = site.folder / "own.key"
    file.write_text(text)
    file.chmod(mode)
    return file


@pytest.mark.parametrize(("mode", "warned"), [(0o644, True), (0o604, True), (0o640, False), (0o600, False)])
@pytest.mark.parametrize(
    "line",
    [
        f'{VHOST}["ssl_certificate"] = "/a.crt"\n{VHOST}["ssl_certificate_key"] = ROOT + "%s"',
        f'{VHOST}["ssl_password_file"] = ROOT + "%s"',
        'registry["redis"] = {"addr": "127.0.0.1:1", "tls": {"enabled": True, "key": "%s"}}',
        'registry["storage"] = {"gcs": {"bucket": "b", "keyfile": "%s"}}',
    ],
)
def test_keys_that_every_account_reads(open_site: Site, line: str, mode: int, warned: bool) -> None:
    file = _key(open_site, mode)
    text = BOTH + (line % file).replace(f'ROOT + "{open_site.folder}', '"')
    found = [one for one in open_site.warnings(text) if "every account of this machine may read it" in one]
    assert len(found) is int(warned)
    if warned:
        assert f"{file} is secret" in found[0]
        assert f"(mode {mode:04o})" in found[0]
        assert f"chmod o= {file}" in found[0]
        assert f"{open_site.layout.settings_file}:{text.count(chr(10)) + 1}:" in found[0]


@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_a_key_that_is_read_into_the_settings(open_site: Site, mode: int) -> None:
    file = _key(open_site, mode)
    text = BOTH + f'gitlab_rails["internal_key"] = read_file("{file}")\nregistry["enable"] = False\n'
    open_site.write(text).chmod(0o600)
    found = open_site.warnings(text)
    assert len(found) == (mode == 0o644)
    assert all(f"the file {file} holds a private key, and every account" in one for one in found)
    assert all(":4:32: warning: " in one for one in found)


def test_a_file_without_a_private_key_may_be_read_by_all(open_site: Site) -> None:
    file = _key(open_site, 0o644, seeds.pair()[1])
    text = BOTH + f'registry["enable"] = False\ngitlab_rails["registry_key_path"] = read_file("{file}")\n'
    assert "private key" not in str(open_site.errors(text))


@pytest.mark.parametrize("mode", [0o644, 0o640])
def test_secrets_in_a_settings_file_that_every_account_reads(open_site: Site, mode: int) -> None:
    text = BOTH + 'registry["http_secret"] = "geheim"\ngitlab_rails["registry_notification_secret"] = "s"\n'
    open_site.write(text).chmod(mode)
    found = open_site.warnings(text)
    assert len(found) == (mode == 0o644)
    for one in found:
        assert "gitlab.py:4:10: warning: registry.http_secret: is secret, and every account" in one
        assert f"chmod 600 {open_site.layout.settings_file}" in one
        assert "geheim" not in one.splitlines()[0]


def test_modes_count_with_the_folders_above(open_site: Site) -> None:
    closed = open_site.folder / "closed"
    closed.mkdir(mode=0o700)
    inner = closed / "key"
    inner.write_text("x")
    link = open_site.folder / "link"
    link.symlink_to(inner)
    assert [open_to_all(one) for one in (inner, link, open_site.folder, closed / "none")] == [None] * 4
    closed.chmod(0o711)
    assert [open_to_all(one) for one in (inner, link)] == ["0644"] * 2
