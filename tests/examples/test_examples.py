"""Every example is rendered, and what it is about is found in the files that the programs will read."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.examples import storage_checks
from tests.harness import nginx_text, seeds
from tests.harness.rendered_examples import CHECKS, EXAMPLES, Rendered, example

pytestmark = pytest.mark.real

assert storage_checks, "it declares checks"


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_example(name: str, render: Callable[[str], Rendered]) -> None:
    assert_what_it_is_about = CHECKS[name]
    assert_what_it_is_about(render(name))


def test_every_example_is_checked_and_in_the_table() -> None:
    files = {path.name for path in EXAMPLES.glob("*.py")}
    listed = set(
        re.findall(r"^\| \[([^/\]]+\.py)\]", (EXAMPLES / "README.md").read_text(encoding="utf-8"), re.M)
    )
    assert files == set(CHECKS) == listed


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_example_names_its_section_as_the_table_does(path: Path) -> None:
    first, second, *_ = path.read_text(encoding="utf-8").splitlines()
    assert first == "# GitLab container registry administration:"
    section = second.removeprefix('# "').removesuffix('"')
    table = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| \[{re.escape(path.name)}\].* \| {re.escape(section)} \|$", table, re.M)


# --- names, ports and certificates


def _is_tls_server(server: nginx_text.Block, *, host: str, port: int, certificate: str, key: str) -> None:
    assert server.all("listen") == [(f"*:{port}", "ssl")]
    assert server.one("server_name") == host
    assert server.one("ssl_certificate") == certificate
    assert server.one("ssl_certificate_key") == key
    assert server.one("client_max_body_size") == "0"


@example("existing-domain.py")
def _existing_domain(made: Rendered) -> None:
    ssl = made.moved("/etc/gitlab/ssl/gitlab.example.com")
    (server,) = made.servers
    _is_tls_server(server, host="gitlab.example.com", port=5050, certificate=f"{ssl}.crt", key=f"{ssl}.key")
    assert (made.gitlab["registry"]["host"], made.gitlab["registry"]["port"]) == ("gitlab.example.com", 5050)
    assert made.config["auth"]["token"]["realm"] == "https://gitlab.example.com/jwt/auth"


@example("existing-domain-certificate.py")
def _existing_domain_certificate(made: Rendered) -> None:
    (server,) = made.servers
    assert server.one("ssl_certificate") == made.moved("/path/to/certificate.pem")
    assert server.one("ssl_certificate_key") == made.moved("/path/to/certificate.key")
    assert server.all("listen") == [("*:5050", "ssl")]


@example("letsencrypt.py")
def _letsencrypt(made: Rendered) -> None:
    challenges, server = sorted(made.servers, key=lambda one: len(one.directives))
    assert challenges.all("listen") == [("*:80",)]
    assert challenges.named("location", "^~", "/.well-known/acme-challenge/")
    host = "gitlab.your-company.com"
    ssl = made.moved(f"/etc/gitlab/ssl/{host}")
    _is_tls_server(server, host=host, port=5050, certificate=f"{ssl}.crt", key=f"{ssl}.key")
    assert made.gitlab["registry"]["port"] == 5050
    tasks = json.loads(made.path("/var/opt/gitlab/timer/tasks.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in tasks] == ["letsencrypt", "logrotate"]
    assert "warning" not in made.notes


@example("load-balancer.py")
def _load_balancer(made: Rendered) -> None:
    redirect, server = sorted(made.servers, key=lambda one: len(one.directives))
    assert redirect.all("listen") == [("*:80",)]
    assert (
        redirect.named("location", "/")[0].one("return")
        == "301 https://registry-gitlab.example.com$request_uri"
    )
    assert server.all("listen") == [("*:5678", "ssl")]
    registry = made.gitlab["registry"]
    assert (registry["host"], registry["port"]) == ("registry-gitlab.example.com", None)


@example("own-domain.py")
def _own_domain(made: Rendered) -> None:
    host = "registry.gitlab.example.com"
    ssl = made.moved(f"/etc/gitlab/ssl/{host}")
    (server,) = made.servers
    _is_tls_server(server, host=host, port=443, certificate=f"{ssl}.crt", key=f"{ssl}.key")
    assert (made.gitlab["registry"]["host"], made.gitlab["registry"]["port"]) == (host, None)
    assert made.config["auth"]["token"]["realm"] == "https://gitlab.example.com/jwt/auth"


@example("wildcard-certificate.py")
def _wildcard_certificate(made: Rendered) -> None:
    ssl = made.moved("/etc/gitlab/ssl/certificate")
    (server,) = made.servers
    _is_tls_server(
        server, host="registry.gitlab.example.com", port=443, certificate=f"{ssl}.pem", key=f"{ssl}.key"
    )


# --- which machine has what


@example("token-duration.py")
def _token_duration(made: Rendered) -> None:
    assert made.config["auth"]["token"]["realm"] == "https://registry.gitlab.example.com/jwt/auth"
    reported = json.loads(made.path("/var/opt/gitlab/registry-auth/config.json").read_text(encoding="ascii"))
    assert reported["lifetime"] == 15 * 60
    assert made.path("/opt/gitlab/sv/registry-auth/run").exists()
    assert not made.path("/var/opt/gitlab/gitlab-rails/etc/gitlab.yml").exists()


@example("disabled.py")
def _disabled(made: Rendered) -> None:
    assert not made.has_registry
    assert made.gitlab["registry"]["enabled"] is False


@example("key-only.py")
def _key_only(made: Rendered) -> None:
    assert not made.has_registry
    assert made.gitlab["registry"]["enabled"] is True
    key = made.path("/var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key").read_text(encoding="ascii")
    stored = json.loads((made.root / "etc/gitlab/gitlab-secrets.json").read_text(encoding="ascii"))
    assert key == stored["registry"]["internal_key"]


@example("external-registry.py")
def _external_registry(made: Rendered) -> None:
    assert not made.has_registry
    registry = made.gitlab["registry"]
    assert registry["enabled"] is True
    assert registry["api_url"] == "https://registry.internal.example.com:5000"
    assert (registry["host"], str(registry["port"])) == ("registry.gitlab.example.com", "5005")
    assert registry["issuer"] == "gitlab-issuer"
    assert registry["key"] == made.moved("/custom/path/to/registry-key.key")
    assert made.path("/custom/path/to/registry-key.key").read_text(encoding="ascii") == seeds.pair(1)[0]


@example("separate-registry-node.py")
def _separate_registry_node(made: Rendered) -> None:
    token = made.config["auth"]["token"]
    assert token["realm"] == "https://gitlab.example.com/jwt/auth"
    assert token["issuer"] == "gitlab-issuer"
    assert Path(token["rootcertbundle"]) == made.root / "var/opt/gitlab/registry/gitlab-registry.crt"
    bundle = made.path("/var/opt/gitlab/registry/gitlab-registry.crt").read_text(encoding="ascii")
    assert bundle == seeds.pair(1)[1]
    assert made.config["http"]["secret"] == "0123456"
    assert made.config["health"]["storagedriver"]["enabled"] is True
    assert made.has_registry
    assert not made.path("/var/opt/gitlab/gitlab-rails/etc/gitlab.yml").exists()
    assert not made.path("/var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key").exists()


@example("separate-gitlab-node.py")
def _separate_gitlab_node(made: Rendered) -> None:
    assert not made.has_registry
    registry = made.gitlab["registry"]
    assert registry["enabled"] is True
    assert registry["api_url"] == "https://registry.gitlab.example.com"
    assert registry["host"] == "registry.gitlab.example.com"
    assert registry["issuer"] == "gitlab-issuer"
    key = made.path("/var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key").read_text(encoding="ascii")
    assert key == seeds.pair(1)[0]


@example("own-key-pair.py")
def _own_key_pair(made: Rendered) -> None:
    key = made.path("/var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key")
    certificate = made.path("/var/opt/gitlab/registry/gitlab-registry.crt")
    assert (key.read_text(encoding="ascii"), certificate.read_text(encoding="ascii")) == seeds.pair(1)
    assert _modulus("rsa", key) == _modulus("x509", certificate)


def _modulus(kind: str, path: Path) -> str:
    command = ["openssl", kind, "-noout", "-modulus", "-in", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


GREPS = [
    ("auth:", 6, "registry/config.yml", "    autoredirect: false"),
    ("Container Registry", 9, "gitlab-rails/etc/gitlab.yml", "    notification_secret: null"),
]
"""What 'token signed by untrusted key' asks to be searched for: words, lines behind them, file, the last line."""


@pytest.mark.parametrize(("words", "lines", "file", "last"), GREPS)
def test_greps_of_the_guide(
    words: str, lines: int, file: str, last: str, render: Callable[..., Rendered]
) -> None:
    path = render("existing-domain.py").path(f"/var/opt/gitlab/{file}")
    done = subprocess.run(["grep", f"-A{lines}", words, path], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip("\n").split("\n")[-1] == last
    assert len(done.stdout.splitlines()) == lines + 1


@example("disabled-for-new-projects.py")
def _disabled_for_new_projects(made: Rendered) -> None:
    assert made.gitlab["gitlab"]["default_projects_features"] == {"container_registry": False}
    assert made.gitlab["registry"]["enabled"] is True
    assert made.has_registry


@example("self-compiled.py")
def _self_compiled(made: Rendered) -> None:
    production = yaml.safe_load(made.path("/home/git/gitlab/config/gitlab.yml").read_text(encoding="utf-8"))[
        "production"
    ]
    assert production["gitlab"] == {"host": "gitlab.example.com"}
    registry = production["registry"]
    assert (registry["enabled"], registry["host"], registry["port"]) == (True, "gitlab.example.com", 5050)
    assert made.config["auth"]["token"]["realm"] == "https://gitlab.example.com/jwt/auth"
    assert not made.path("/var/opt/gitlab/gitlab-rails/etc/gitlab.yml").exists()


# --- the process and its surroundings


@example("internal-port.py")
def _internal_port(made: Rendered) -> None:
    assert made.config["http"]["addr"] == "localhost:5010"
    text = made.path("/var/opt/gitlab/nginx/conf/gitlab-registry.conf").read_text(encoding="utf-8")
    own = nginx_text.parse(text).named("server")[-1]
    assert own.all("listen") == [("localhost:5010",)]
    assert made.gitlab["registry"]["api_url"] == "http://localhost:5010"


@example("notifications.py")
def _notifications(made: Rendered) -> None:
    (endpoint,) = made.config["notifications"]["endpoints"]
    expected = {
        "timeout": "500ms",
        "threshold": 5,  # as Distribution has it
        "backoff": "1s",
        "url": "https://gitlab.example.com/notify",
    }
    assert endpoint | expected == endpoint
    assert endpoint["headers"] == {"Authorization": ["AUTHORIZATION_EXAMPLE_TOKEN"]}
    assert "maxretries" not in endpoint


@example("relative-urls.py")
def _relative_urls(made: Rendered) -> None:
    variable = made.path("/opt/gitlab/etc/registry/env/REGISTRY_HTTP_RELATIVEURLS")
    assert variable.read_text(encoding="ascii").strip() == "true"
    run_script = made.path("/opt/gitlab/sv/registry/serve").read_text(encoding="utf-8")
    assert f"-e {made.moved('/opt/gitlab/etc/registry/env')}" in run_script


@example("schema1.py")
def _schema1(made: Rendered) -> None:
    assert made.config["compatibility"]["schema1"]["enabled"] is True


@example("debug-server.py")
def _debug_server(made: Rendered) -> None:
    debug = made.config["http"]["debug"]
    assert debug == {"addr": "localhost:5001", "prometheus": {"enabled": True, "path": "/metrics"}}
