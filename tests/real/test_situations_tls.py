"""Names, certificates and what TLS offers, as clients see it: domains of the guide, and settings of the vhost."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from tests.harness import images
from tests.harness.certificates import certificate_pem, key_pem, make_key
from tests.harness.named import NamedClient
from tests.harness.root import GITLAB_URL, Root, RootMaker

pytestmark = [pytest.mark.real, pytest.mark.one_registry]

SSL = "etc/gitlab/ssl"
GITLAB, REGISTRY, OTHER = "gitlab.example.com", "registry.gitlab.example.com", "images.gitlab.example.com"
IMAGE = images.image("tls")
VHOST = 'registry["nginx"]'


def bring(root: Root, name: str, *hosts: str, password: str = "") -> tuple[Path, Path]:
    """Put a certificate and its key where an administrator would."""
    key = make_key()
    certificate = certificate_pem(key, *hosts, now=datetime.now(UTC), common_name=name)
    pem = key_pem(key, password=password.encode() or None)
    return (
        root.write(f"{SSL}/{name}.pem", certificate.decode()),
        root.write(f"{SSL}/{name}.key", pem.decode(), mode=0o600),
    )


def client(root: Root, ca: Path, name: str) -> NamedClient:
    return NamedClient(root.port, ca, root.sign, name=name)


# --- one vhost with all that TLS can have


@pytest.fixture(scope="module")
def module_root(module_root_maker: RootMaker) -> Root:
    """A wildcard certificate with an encrypted key; certificates of clients are asked for, and may be missing."""
    root = module_root_maker()
    certificate, key = bring(root, "certificate", "*.gitlab.example.com", password="open sesame")
    for name in ("client", "stranger"):
        bring(root, name)
    passwords = root.write(f"{SSL}/passwords", "wrong\nopen sesame\n", mode=0o600)
    root.settings(
        f'registry_external_url = "https://{REGISTRY}:{root.port}"',
        f'{VHOST}["ssl_certificate"] = "{certificate}"',
        f'{VHOST}["ssl_certificate_key"] = "{key}"',
        f'{VHOST}["ssl_password_file"] = "{passwords}"',
        f'{VHOST}["host_names"] = ["*.gitlab.example.com"]',
        f'{VHOST}["ssl_client_certificate"] = "{root.path}/{SSL}/client.pem"',
        f'{VHOST}["ssl_verify_client"] = "optional"',
        f'{VHOST}["ssl_ciphers"] = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305"',
        f'{VHOST}["ssl_protocols"] = "TLSv1.2 TLSv1.3"',
        f'{VHOST}["ssl_ecdh_curve"] = "prime256v1"',
        f'{VHOST}["ssl_conf_command"] = ["Ciphersuites TLS_AES_128_GCM_SHA256"]',
        f'{VHOST}["http2_enabled"] = True',
        f'{VHOST}["hsts_max_age"] = 600',
        f'{VHOST}["hsts_include_subdomains"] = True',
        'nginx["custom_nginx_config"] = """map $ssl_client_verify $shown {',
        '  SUCCESS friend; default $ssl_client_verify; }"""',
        f'{VHOST}["custom_gitlab_server_config"] = "location = /who {{ return 200 $shown; }}"',
    )
    root.reconfigure()
    return root


def test_wildcard_certificate_is_good_for_every_name_below(running: Root) -> None:
    ca = running.path / SSL / "certificate.pem"
    for name in (REGISTRY, OTHER):
        assert client(running, ca, name).get("/v2/").status == 401
    with pytest.raises(OSError, match=r"not valid for 'gitlab\.example\.com'"):
        client(running, ca, GITLAB).get("/v2/")
    mine = client(running, ca, REGISTRY)
    mine.push("grp/wild", IMAGE, "v1")
    assert mine.pulls("grp/wild", IMAGE, "v1")


def handshake(root: Root, *options: str) -> str:
    """What openssl reports of a handshake; "" where there is none."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{root.port}", "-servername", REGISTRY, *options]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=20,
    )
    return done.stdout if done.returncode == 0 else ""


def test_protocols_ciphers_and_curves(running: Root) -> None:
    old = handshake(running, "-tls1_2")
    assert "Cipher is ECDHE-ECDSA-AES256-GCM-SHA384" in old
    assert "ECDH, prime256v1" in old
    assert not handshake(running, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")
    assert not handshake(running, "-groups", "X25519")
    assert not handshake(running, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")


def test_http_2_is_offered(running: Root) -> None:
    assert "ALPN protocol: h2" in handshake(running, "-alpn", "h2,http/1.1")
    running.settings()
    running.reconfigure()
    assert "ALPN protocol: http/1.1" in handshake(running, "-alpn", "h2,http/1.1")


def test_commands_for_openssl(running: Root) -> None:
    """ssl_ciphers says nothing about TLS 1.3: only a command does."""
    assert "Cipher is TLS_AES_128_GCM_SHA256" in handshake(running, "-tls1_3")
    assert not handshake(running, "-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384")


def test_strict_transport_security(running: Root) -> None:
    ca = running.path / SSL / "certificate.pem"
    answer = client(running, ca, REGISTRY).get("/v2/")
    assert answer.status == 401, "errors have the header too"
    assert answer.header("Strict-Transport-Security") == "max-age=600; includeSubDomains"


def test_client_certificates_and_custom_configuration(running: Root) -> None:
    """The vhost's own directive shows a variable that is made in the http block's."""
    folder = running.path / SSL
    plain = client(running, folder / "certificate.pem", REGISTRY)
    known, unknown = (
        replace(plain, certificate=(folder / f"{name}.pem", folder / f"{name}.key"))
        for name in ("client", "stranger")
    )
    assert plain.get("/who").body == b"NONE"
    assert known.get("/who").body == b"friend"
    assert unknown.get("/v2/").status == 400
    running.write(
        "etc/gitlab/gitlab.py",
        running.read("etc/gitlab/gitlab.py") + f'{VHOST}["ssl_verify_client"] = "on"\n',
    )
    running.reconfigure()
    assert plain.get("/v2/").status == 400
    assert known.get("/v2/").status == 401


def test_wrong_password_is_found_before_anything_changes(running: Root) -> None:
    running.write(f"{SSL}/passwords", "wrong\n", mode=0o600)
    result = running.ctl("reconfigure").exits(1)
    assert "certificate.key" in result.err
    running.write(f"{SSL}/passwords", "wrong\nopen sesame\n", mode=0o600)
    assert client(running, running.path / SSL / "certificate.pem", OTHER).get("/v2/").status == 401


# --- domains


@pytest.fixture(scope="module")
def site(module_root_maker: RootMaker) -> Root:
    """A root of which each test makes what it needs."""
    return module_root_maker()


def shown(root: Root) -> tuple[object, object]:
    """Host and port that GitLab shows to users."""
    reported = yaml.safe_load(root.read("var/opt/gitlab/gitlab-rails/etc/gitlab.yml"))["production"][
        "registry"
    ]
    return reported["host"], reported["port"]


def test_existing_domain_with_a_port(site: Root) -> None:
    """GitLab's own certificate is found where the guide says it is."""
    certificate, key = bring(site, "gitlab", GITLAB)
    site.write(f"{SSL}/{GITLAB}.crt", certificate.read_text())
    site.write(f"{SSL}/{GITLAB}.key", key.read_text(), mode=0o600)
    site.settings(f'registry_external_url = "https://{GITLAB}:{site.port}"')
    site.reconfigure()
    mine = client(site, certificate, GITLAB)
    assert f'realm="{GITLAB_URL}/jwt/auth"' in mine.get("/v2/").header("WWW-Authenticate")
    begun = mine.authorised("POST", "/v2/grp/x/blobs/uploads/", repository="grp/x", actions="pull,push")
    assert begun.header("Location").startswith(f"https://{GITLAB}:{site.port}/v2/grp/x/blobs/uploads/")
    mine.push("grp/domain", IMAGE, "v1")
    assert shown(site) == (GITLAB, site.port)


def test_own_domain(site: Root) -> None:
    """Without a certificate of its own, the local CA makes one for the name."""
    site.settings(f'registry_external_url = "https://{REGISTRY}:{site.port}"')
    site.reconfigure()
    mine = client(site, site.ca, REGISTRY)
    mine.push("grp/own", IMAGE, "v1")
    assert mine.pulls("grp/own", IMAGE, "v1")
    with pytest.raises(OSError, match="not valid for"):
        client(site, site.ca, GITLAB).get("/v2/")
    assert shown(site) == (REGISTRY, site.port)
