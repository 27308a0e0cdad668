"""What Let's Encrypt brings to a node's files: the server for challenges, the timer, a line for cron."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.harness import nginx_text, seeds
from tests.harness.cli import Cli

URL = 'registry_external_url = "https://registry.public-site.eu"\n'
GITLAB = 'external_url = "https://gitlab.public-site.eu"\n'
CRON = "etc/cron.d/registry-ctl-letsencrypt"
TASKS = "var/opt/gitlab/timer/tasks.json"


class Rendered:
    """What `render` writes.

    Args:
        cli: with the root.
        settings: of the node.
    """

    def __init__(self, cli: Cli, settings: str) -> None:
        cli.settings(settings)
        secrets = cli.root / "etc/gitlab/gitlab-secrets.json"
        secrets.write_text(seeds.secrets_json(), encoding="ascii")
        result = cli("render", "--output", str(cli.root / "out"))
        assert result.code == 0, result.err
        self.top = cli.root / "out" / str(cli.root).lstrip("/")
        self.root = cli.root

    def text(self, name: str) -> str | None:
        """A file, or None."""
        path = self.top / name
        return path.read_text(encoding="utf-8") if path.exists() else None

    def renewal(self) -> dict[str, Any] | None:
        """The scheduled renewal, or None."""
        tasks = json.loads(self.text(TASKS) or "[]")
        return next((one for one in tasks if one["name"] == "letsencrypt"), None)

    def servers(self) -> list[nginx_text.Block]:
        """The servers that clients see, that on port 80 first."""
        text = self.text("var/opt/gitlab/nginx/conf/gitlab-registry.conf") or ""
        found = [
            one for one in nginx_text.parse(text).named("server") if one.all("server_name") != [("registry",)]
        ]
        return sorted(found, key=lambda one: len(one.directives))


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """`ctl` in a root of its own."""
    return Cli(tmp_path, capsys)


def test_challenges_are_answered_before_the_redirect(cli: Cli) -> None:
    made = Rendered(cli, URL + 'letsencrypt["alt_names"] = ["images.public-site.eu"]\n')
    plain, tls = made.servers()
    assert plain.all("listen") == [("*:80",)]
    names = [("registry.public-site.eu", "images.public-site.eu")]
    assert plain.all("server_name") == tls.all("server_name") == names
    challenge, other, *_ = plain.named("location")
    assert challenge.name == ("location", "^~", "/.well-known/acme-challenge/")
    assert challenge.one("root") == f"{made.root}/var/opt/gitlab/nginx/www"
    assert other.one("return") == "301 https://registry.public-site.eu$request_uri"


def test_the_registry_that_came_along_has_no_redirect(cli: Cli) -> None:
    plain, tls = Rendered(cli, GITLAB).servers()
    assert plain.all("listen") == [("*:80",)]
    assert [one.one("return") for one in plain.named("location", "/")] == ["404"]
    assert tls.all("listen") == [("*:5050", "ssl")]


@pytest.mark.parametrize(
    "settings",
    [
        URL + 'letsencrypt["enable"] = False\n',
        'registry_external_url = "https://registry.example.com"\n',
        URL + 'registry["nginx"]["ssl_certificate"] = "/etc/ssl/own.crt"\n'
        'registry["nginx"]["ssl_certificate_key"] = "/etc/ssl/own.key"\nletsencrypt["enable"] = True\n'
        'registry["nginx"]["redirect_http_to_https"] = False\n',
    ],
)
def test_nothing_of_it_where_no_certificate_is_obtained(cli: Cli, settings: str) -> None:
    made = Rendered(cli, settings)
    (server,) = made.servers()
    assert server.one("server_name").startswith("registry.")
    assert (made.renewal(), made.text(CRON)) == (None, None)
    assert not (made.top / "etc/gitlab/letsencrypt").exists()


def test_the_timer_renews_at_its_times_and_finds_the_same_root(cli: Cli) -> None:
    more = 'letsencrypt["auto_renew_minute"] = 7\nletsencrypt["auto_renew_hour"] = "4,16"\n'
    made = Rendered(cli, URL + more)
    task = made.renewal()
    assert task is not None
    assert (task["cron"], task["retry"]) == ("7 4,16 */4 * *", True)
    assert task["command"][-5:] == ["-m", "ctl", "--root", str(made.root), "renew-le-certs"]
    assert task["log"][-1] == f"{made.root}/var/log/gitlab/lets-encrypt"
    assert made.text("var/log/gitlab/lets-encrypt/config")
    assert made.text(CRON) is None


def test_or_cron_does(cli: Cli) -> None:
    more = 'letsencrypt["auto_renew_scheduler"] = "cron"\nletsencrypt["auto_renew_minute"] = "12"\n'
    made = Rendered(cli, URL + more)
    assert made.renewal() is None
    (line,) = [one for one in (made.text(CRON) or "").splitlines() if one.startswith("12 0 */4 * * root ")]
    assert f"renew-le-certs >> {made.root}/var/log/gitlab/lets-encrypt/renewal.log 2>&1" in line


def test_or_nobody(cli: Cli) -> None:
    made = Rendered(cli, URL + 'letsencrypt["auto_renew"] = False\n')
    assert (made.renewal(), made.text(CRON)) == (None, None)
    assert len(made.servers()) == 2


def test_another_port_behind_port_80(cli: Cli) -> None:
    more = 'registry["nginx"]["redirect_http_to_https_port"] = 8080\n'
    plain, _ = Rendered(cli, URL + more).servers()
    assert plain.all("listen") == [("*:8080",)]


def test_renewal_where_there_is_nothing_to_renew(cli: Cli) -> None:
    cli.settings(URL + 'letsencrypt["enable"] = False\n')
    result = cli("renew-le-certs")
    assert result.code == 1
    assert "certificates are not obtained here" in result.err
