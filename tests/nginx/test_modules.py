"""An NGINX that was built without a module: its directives are dropped, or the program is refused."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ctl.converge import render_to
from ctl.converge.model import Machine
from ctl.errors import PreflightError
from ctl.nginx.build import USUAL, NginxBuild, parse
from ctl.nginx.modules import dropped_directives, missing_modules
from ctl.node.locate import locate
from ctl.node.node import Node
from ctl.node.preflight import check
from ctl.node.recipes import items, load_recipes
from ctl.paths import Layout
from ctl.services.runit import Runit
from ctl.settings.load import load
from tests.harness import nginx_text, seeds
from tests.harness.settings_site import Site

SMALL = """nginx version: nginx/1.22.1
built by gcc 12.2.0 (Debian 12.2.0-14+deb12u1)
built with OpenSSL 3.0.22 25 Aug 2026
TLS SNI support enabled
configure arguments: --prefix=/opt/nginx --without-http_gzip_module --without-http_fastcgi_module \
--without-http_uwsgi_module --without-http_scgi_module --without-http_access_module --with-http_ssl_module
"""
"""Of a build of NGINX 1.22.1 that starts and serves with the files that are rendered for it."""
OLD = "nginx version: nginx/1.18.0 (Ubuntu)\nconfigure arguments: --with-http_ssl_module --with-http_v2_module\n"
BARE = "nginx version: nginx/1.26.0\nconfigure arguments: --without-http_proxy_module --without-http_map_module\n"
_HTTP2_AS_OF_OLD = 'the "listen ... http2" directive is deprecated'
"""What NGINX from 1.25.1 on warns of, where it reads the files for an older one."""
SETTINGS = """\
registry_external_url = "https://localhost:5050"
letsencrypt["enable"] = False
external_url = "https://gitlab.example.com"
registry["nginx"]["http2_enabled"] = True
registry["nginx"]["real_ip_header"] = "X-Forwarded-For"
registry["nginx"]["real_ip_trusted_addresses"] = ["127.0.0.1"]
nginx["status"]["enable"] = True
nginx["gzip_enabled"] = True
"""

NodeOf = Callable[..., Node]


def build(text: str) -> NginxBuild:
    found = parse(text)
    assert found is not None
    return found


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A root with nothing in it."""
    return Site(tmp_path / "root")


@pytest.fixture
def node_of(site: Site) -> NodeOf:
    """The node that settings come to on a machine with another NGINX."""

    def make(nginx: NginxBuild, *more: str) -> Node:
        site.write_secrets(seeds.secrets_json()).chmod(0o600)
        loaded = load(site.write("\n".join([SETTINGS, *more])), site.layout, environment={})
        programs = replace(locate(loaded.attributes, required=False), nginx_build=nginx)
        return Node(loaded.attributes, site.layout, programs, False, None, lambda: None)

    return make


def rendered(node: Node, output: Path) -> Path:
    """The files of a node, at their places below its root."""
    machine = Machine(services=Runit(node.layout), privileged=False, blank=True)
    render_to(items(node, load_recipes(node.layout)), output, machine)
    root = node.layout.root
    shutil.copytree(output / root.relative_to("/"), root, dirs_exist_ok=True)
    return root / "var/opt/gitlab/nginx/conf"


def directives(conf: Path) -> set[str]:
    text = "".join(path.read_text() for path in sorted(conf.glob("*.conf")))
    words = (
        line.split()[0].rstrip(";")
        for line in text.splitlines()
        if line.strip() and not line.strip().startswith("#")
    )
    return set(words)


GONE = {
    "gzip",
    "gzip_types",
    "fastcgi_temp_path",
    "uwsgi_temp_path",
    "scgi_temp_path",
    "real_ip_header",
    "set_real_ip_from",
    "stub_status",
    "allow",
    "deny",
}


def test_directives_of_missing_modules_are_dropped(node_of: NodeOf, tmp_path: Path) -> None:
    node = node_of(build(SMALL))
    conf = rendered(node, tmp_path / "output")
    assert not GONE & directives(conf)
    vhost = nginx_text.parse((conf / "gitlab-registry.conf").read_text())
    server, _own_address = vhost.named("server")
    assert server.all("listen") == [("*:5050", "ssl")]
    assert not (conf / "nginx-status.conf").exists()
    assert node.listens()["nginx"] == ["127.0.0.1:5000", "*:5050"]


def test_they_are_there_where_the_modules_are(node_of: NodeOf, tmp_path: Path) -> None:
    conf = rendered(node_of(USUAL), tmp_path / "output")
    assert directives(conf) >= GONE | {"proxy_temp_path"}


def test_what_was_asked_for_and_dropped_is_reported(node_of: NodeOf) -> None:
    node = node_of(build(SMALL))
    found = [f"{one.setting} {one.location.line if one.location else 0}: {one.message}" for one in dropped_directives(
        node.attributes, build(SMALL)
    )]  # fmt: skip
    without = "has no effect: this NGINX was built without"
    assert found == [
        f"registry.nginx.http2_enabled 4: {without} http_v2_module",
        f"registry.nginx.real_ip_header 5: {without} http_realip_module",
        f"registry.nginx.real_ip_trusted_addresses 6: {without} http_realip_module",
        f"nginx.gzip_enabled 8: {without} http_gzip_module",
        f"nginx.status.enable 7: {without} http_stub_status_module and http_access_module",
    ]
    assert dropped_directives(node.attributes, USUAL) == []


def test_defaults_are_dropped_without_a_word(site: Site) -> None:
    attributes = site.attributes("\n".join(SETTINGS.splitlines()[:3]))
    assert dropped_directives(attributes, build(SMALL)) == []


def test_what_nothing_can_replace_is_refused(node_of: NodeOf, site: Site) -> None:
    node = node_of(build(BARE))
    assert missing_modules(node.attributes, build(BARE)) == [
        "this NGINX was built without http_ssl_module, which https needs",
        "this NGINX was built without http_proxy_module, which passing requests on to the registry needs",
        "this NGINX was built without http_map_module, which access logs without query strings needs",
    ]
    with pytest.raises(PreflightError, match="without http_ssl_module, which https needs"):
        check(node, Machine(services=Runit(Layout(site.folder)), privileged=False), load_recipes(node.layout))
    plain = node_of(build(SMALL), 'registry_external_url = "http://localhost:5050"')
    assert missing_modules(plain.attributes, build(SMALL)) == []
    assert missing_modules(site.attributes('external_url = "https://gitlab.example.com"'), build(BARE)) == []


def test_an_old_nginx_has_no_keepalive_time(node_of: NodeOf, tmp_path: Path) -> None:
    assert "keepalive_time" not in directives(rendered(node_of(build(OLD)), tmp_path / "output"))


@pytest.mark.real
@pytest.mark.parametrize("text", [SMALL, OLD])
def test_nginx_accepts_what_is_left(node_of: NodeOf, tmp_path: Path, text: str) -> None:
    """A file that a full NGINX refuses, no other would take: what is not included must leave whole sentences."""
    conf = rendered(node_of(build(text), 'nginx["status"]["port"] = 5051'), tmp_path / "output")
    command = [
        "/usr/sbin/nginx",
        "-t",
        "-q",
        "-e",
        "stderr",
        "-c",
        str(conf / "nginx.conf"),
        "-p",
        f"{tmp_path}/",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    warnings = [line for line in done.stderr.splitlines() if _HTTP2_AS_OF_OLD not in line]
    assert not warnings
    assert done.returncode == 0
