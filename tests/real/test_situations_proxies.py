"""The vhost behind load balancers, and what it passes to the registry about the client."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import balancers, images, seeds
from tests.harness.https import Client
from tests.harness.named import NamedClient
from tests.harness.root import Root, RootMaker
from tests.harness.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.one_registry]

HOST = "registry-gitlab.example.com"
CLIENT, BALANCER = "127.0.0.2", "127.0.0.1"
IMAGE = images.image("balanced")
VHOST = 'registry["nginx"]'
REFUSED_LOG = "var/log/gitlab/nginx/refused/gitlab_registry.log"


@pytest.fixture(scope="module")
def site(module_root_maker: RootMaker) -> Root:
    """A root of which each test makes what it needs."""
    return module_root_maker()


@pytest.fixture
def folder(site: Root) -> Iterator[Path]:
    """A folder for the files of a balancer."""
    place = site.folder / "balancer"
    place.mkdir()
    yield place
    shutil.rmtree(place)


def upload_place(client: Client, **headers: str) -> str:
    """Where the registry sends a client that begins an upload."""
    assert client.tokens
    headers["Authorization"] = f"Bearer {client.tokens('grp/x', 'pull,push')}"
    begun = client.request("POST", "/v2/grp/x/blobs/uploads/", headers=headers)
    assert begun.status == 202
    return begun.header("Location")


def logged(root: Root, name: str, mark: str) -> str:
    """The first line of a log that holds a mark."""

    def line() -> str:
        lines = root.read(name).splitlines()
        return next((one for one in lines if mark in one), "")

    return wait_for(line, what=f"{mark} in {name}")


def test_arbitrary_port_behind_a_balancer_that_ends_tls(site: Root, folder: Path) -> None:
    """The guide's 5678: users see the URL without a port, the balancer speaks http to NGINX."""
    outside = site.ports.take()
    site.settings(
        f'registry_external_url = "https://{HOST}"',
        f'{VHOST}["redirect_http_to_https"] = True',
        f'{VHOST}["redirect_http_to_https_port"] = {site.redirect_port}',
        f'{VHOST}["listen_port"] = {site.port}',
        f'{VHOST}["listen_https"] = False',
        f'{VHOST}["real_ip_header"] = "X-Forwarded-For"',
        f'{VHOST}["real_ip_trusted_addresses"] = ["{BALANCER}"]',
        f'{VHOST}["real_ip_recursive"] = "on"',
    )
    site.reconfigure()
    key, certificate = seeds.server_certificate(HOST)
    files = [folder / "key", folder / "certificate"]
    for path, text in zip(files, (key, certificate), strict=True):
        path.write_text(text)
    client = NamedClient(outside, files[1], site.sign, name=HOST, shown_port=443, source=CLIENT)
    with balancers.ending_tls(folder, outside, site.port, files[1], files[0]):
        assert upload_place(client).startswith(f"https://{HOST}/v2/grp/x/blobs/uploads/")
        for name in ("Host", "X-Forwarded-Host", "Forwarded"):
            value = "host=inner:8080;proto=http" if name == "Forwarded" else "inner:8080"
            place = upload_place(client, **{name: value})
            assert place.startswith(f"https://{HOST}/v2/grp/x/blobs/uploads/"), name
        client.push("grp/balanced", IMAGE, "v1")
        assert client.pulls("grp/balanced", IMAGE, "v1")
        assert client.get("/v2/marked-tls").status in (401, 404)
    assert logged(site, REFUSED_LOG, "/v2/marked-tls").startswith(f"{CLIENT} - ")
    redirected = NamedClient(site.redirect_port, name=HOST).get("/v2/some")
    assert redirected.header("Location") == f"https://{HOST}/v2/some"


def test_only_trusted_proxies_set_addresses(site: Root) -> None:
    site.settings(
        f'{VHOST}["real_ip_header"] = "X-Forwarded-For"',
        f'{VHOST}["real_ip_trusted_addresses"] = ["{BALANCER}"]',
    )
    site.reconfigure()
    for source, expected in ((BALANCER, "203.0.113.9"), (CLIENT, CLIENT)):
        mark = f"/v2/from-{source}"
        client = NamedClient(site.port, site.ca, source=source)
        client.request("GET", mark, headers={"X-Forwarded-For": "203.0.113.9"})
        assert logged(site, REFUSED_LOG, mark).startswith(f"{expected} - ")


def test_proxy_protocol(site: Root) -> None:
    """NGINX and the registry both learn where the client is, from the line before the connection."""
    outside = site.ports.take()
    site.settings(
        f'registry_external_url = "https://localhost:{outside}"',
        f'{VHOST}["listen_port"] = {site.port}',
        f'{VHOST}["proxy_protocol"] = True',
        f'{VHOST}["real_ip_trusted_addresses"] = ["{BALANCER}"]',
    )
    site.reconfigure()
    client = NamedClient(outside, site.ca, site.sign, source=CLIENT)
    with balancers.proxy_protocol(outside, site.port):
        assert upload_place(client).startswith(f"https://localhost:{outside}/v2/")
        client.push("grp/proxied", IMAGE, "v1")
        assert client.get("/v2/marked-protocol").status in (401, 404)
    assert logged(site, REFUSED_LOG, "/v2/marked-protocol").startswith(f"{CLIENT} - ")
    seen = f"http.request.remoteaddr={CLIENT} http.request.uri=/v2/grp/proxied/"
    assert logged(site, "var/log/gitlab/registry/current", seen)
    with pytest.raises(OSError):  # noqa: PT011 - refused in one way or another: the line is missing
        NamedClient(site.port, site.ca).get("/v2/")


def test_headers_to_the_registry(site: Root) -> None:
    """A removed header does not reach the registry, a given one does: it builds its URLs of them."""
    site.settings()
    site.reconfigure()
    assert upload_place(site.client).startswith(f"{site.url}/v2/")
    site.settings(
        f'{VHOST}["proxy_set_headers"] = {{"x-forwarded-proto": None, "X-Forwarded-Host": "public.example.com:1"}}'
    )
    site.reconfigure()
    assert upload_place(site.client).startswith("http://public.example.com:1/v2/")
