"""What `render` writes for the issuer: its service, configuration and key, and NGINX's way to it."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ctl.__main__ import run
from ctl.auth.config import read_config
from ctl.auth.runtime import NEEDED
from ctl.machine.python import runtime
from tests.harness import nginx_text, seeds

URL = 'registry_external_url = "https://registry.example.com"\nletsencrypt["enable"] = False\n'
Render = Callable[..., Path]
CONNECTIONS = 'registry["nginx"]["connections_per_address"]'
ANONYMOUS = 'registry["nginx"]["anonymous_requests_per_second"]'
BEHIND = 'registry["nginx"]["listen_https"] = False\n'


@pytest.fixture
def render(tmp_path: Path) -> Render:
    """Renders settings in a root that has secrets. Returns the folder in the place of that root."""
    etc = tmp_path / "root/etc/gitlab"
    etc.mkdir(parents=True)
    (etc / "gitlab-secrets.json").write_text(seeds.secrets_json(), encoding="ascii")
    (etc / "gitlab-secrets.json").chmod(0o600)

    def render(text: str) -> Path:
        (etc / "gitlab.py").write_text(URL + text, encoding="utf-8")
        output = tmp_path / "output"
        assert run(["--root", str(tmp_path / "root"), "render", "--output", str(output)]) == 0
        return output / str(tmp_path / "root").lstrip("/")

    return render


def locations(made: Path) -> dict[str, nginx_text.Block]:
    text = (made / "var/opt/gitlab/nginx/conf/gitlab-registry.conf").read_text(encoding="utf-8")
    server, _own_address = nginx_text.parse(text).named("server")
    found = {" ".join(block.name[1:]): block for block in server.named("location")}
    return {name: block for name, block in found.items() if not name.startswith("= /.refused/")}


def test_the_service_runs_this_python_with_nothing_around_it(render: Render, tmp_path: Path) -> None:
    made = render("")
    script = (made / "opt/gitlab/sv/registry-auth/serve").read_text(encoding="utf-8")
    words = shlex.split(script.splitlines()[-1])
    config = f"{tmp_path}/root/var/opt/gitlab/registry-auth/config.json"
    assert words[:3] == ["exec", "env", "-i"]
    assert words[-6:] == ["-P", "-s", "-B", "-m", "ctl.auth", config]
    python = Path(words[-7])
    assert python.is_absolute()
    assert python.samefile(sys.executable)
    names = [word.partition("=")[0] for word in words[3:] if "=" in word and not word.startswith("-")]
    assert set(names) <= {"PATH", "LANG", "PYTHONPATH", "CTL_SERVICE", "CTL_SOCKET"}
    assert "PRIVATE" not in script
    facts = json.loads((made / "opt/gitlab/sv/registry-auth/ctl.json").read_text(encoding="utf-8"))
    assert facts["listen"] == [f"unix:{tmp_path}/root/var/opt/gitlab/run/registry-auth/current.sock"]


def test_without_nginx_it_listens_at_its_address(render: Render) -> None:
    made = render('nginx["enable"] = False\n')
    facts = json.loads((made / "opt/gitlab/sv/registry-auth/ctl.json").read_text(encoding="utf-8"))
    assert facts["listen"] == ["127.0.0.1:5002"]
    assert read_config(made / "var/opt/gitlab/registry-auth/config.json").listen == "127.0.0.1:5002"
    assert not (made / "opt/gitlab/sv/registry-auth/serve").exists()


def test_folders_beyond_the_usual_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout, or a copy of the packages: the service must find what ctl itself has found."""
    monkeypatch.setattr("site.getsitepackages", list)
    folders = runtime(NEEDED).packages.split(os.pathsep)
    assert str(Path(__file__).resolve().parents[2]) in folders
    assert any((Path(folder) / "uvicorn").is_dir() for folder in folders)


def test_an_environment_behind_a_link_is_named_by_the_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As install.sh makes it: an upgrade moves the link, and removes what it pointed to."""
    home = tmp_path / "venv-abc"
    (home / "bin").mkdir(parents=True)
    (home / "bin/python").symlink_to(sys.executable)
    (tmp_path / "venv").symlink_to(home)
    monkeypatch.setattr(sys, "prefix", str(home))
    monkeypatch.setattr(sys, "executable", str(home / "bin/python"))
    assert runtime().python == tmp_path / "venv/bin/python"
    (tmp_path / "venv").unlink()
    assert runtime().python == home / "bin/python"


def test_its_configuration(render: Render, tmp_path: Path) -> None:
    made = render(
        'registry_auth["token_expire_delay"] = 15\nregistry_auth["failed_attempts_period"] = "1h"\n'
        'gitlab_rails["registry_issuer"] = "me"\n'
    )
    path = made / "var/opt/gitlab/registry-auth/config.json"
    config = read_config(path)
    assert (config.lifetime, config.failed_period, config.issuer) == (900, 3600, "me")
    assert config.realm == "https://registry.example.com"
    assert config.accounts_file == f"{tmp_path}/root/etc/gitlab/registry-accounts.json"
    assert config.key_file == f"{tmp_path}/root/var/opt/gitlab/registry-auth/gitlab-registry.key"
    assert "PRIVATE" not in path.read_text()
    assert (path.parent / "gitlab-registry.key").read_text() == seeds.pair(0)[0]
    yaml = (made / "var/opt/gitlab/registry/config.yml").read_text()
    assert "https://registry.example.com/jwt/auth" in yaml


def test_nginx_passes_requests_for_tokens_on(render: Render) -> None:
    found = locations(render(""))
    assert set(found) == {"= /jwt/auth", "/"}
    location = found["= /jwt/auth"]
    assert location.one("proxy_pass") == "http://registry-auth/jwt/auth"
    assert ("X-Real-IP", "$remote_addr") in location.all("proxy_set_header")
    assert location.one("limit_req") == "zone=registry_of_remote_addr_tokens burst=150 nodelay"


def test_nginx_without_limits_behind_another_proxy(render: Render) -> None:
    found = locations(
        render(
            'registry_auth["requests_per_second"] = 0\nregistry["nginx"]["proxy_protocol"] = True\n'
            'registry["autoredirect"] = True\n'
        )
    )
    assert set(found) == {"= /jwt/auth", "= /auth/token", "/"}
    for name in ("= /jwt/auth", "= /auth/token"):
        assert found[name].one("proxy_pass") == "http://registry-auth/jwt/auth"
        assert ("X-Real-IP", "$proxy_protocol_addr") in found[name].all("proxy_set_header")
        assert not found[name].all("limit_req")


@pytest.mark.parametrize(
    ("text", "limited"),
    [
        ("", True),
        (f"{CONNECTIONS} = 0\n{ANONYMOUS} = 0\n", False),
        (BEHIND, False),
        (f'{BEHIND}registry["nginx"]["real_ip_trusted_addresses"] = ["10.0.0.1"]\n', True),
        (f"{BEHIND}{CONNECTIONS} = 9\n{ANONYMOUS} = 9\n", True),
    ],
)
def test_an_address_is_limited_where_it_is_the_clients(render: Render, text: str, limited: bool) -> None:
    """Behind a proxy that hides addresses a limit would be one of all clients together."""
    made = render(text)
    written = (made / "var/opt/gitlab/nginx/conf/gitlab-registry.conf").read_text(encoding="utf-8")
    server, *_ = nginx_text.parse(written).named("server")
    assert bool(server.all("limit_conn")) is limited
    assert bool(server.all("limit_req")) is limited


@pytest.mark.parametrize(
    "text", ['external_url = "https://gitlab.example.com"\n', 'registry_auth["enable"] = False\n']
)
def test_elsewhere_there_is_nothing_of_it(render: Render, text: str) -> None:
    made = render(text)
    assert set(locations(made)) == {"/"}
    assert not (made / "opt/gitlab/sv/registry-auth").exists()
    assert not (made / "var/opt/gitlab/registry-auth").exists()
