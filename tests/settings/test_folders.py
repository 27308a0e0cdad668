"""Folders whose names the programs would read otherwise than they are written, or that two services share."""

from __future__ import annotations

import pytest

from ctl.language.source import SettingsError
from ctl.paths import Layout
from ctl.settings.load import load
from tests.harness.settings_site import URL, Site

BASE = URL + 'letsencrypt["enable"] = False\n'


@pytest.mark.parametrize(
    ("line", "setting", "output"),
    [
        ('nginx["log_directory"] = "/logs/$host"', "nginx.log_directory", "start of a variable"),
        (
            'registry["nginx"]["ssl_certificate"] = "/ssl/a$b.crt"',
            "registry.nginx.ssl_certificate",
            "start of a variable",
        ),
        ('nginx["dir"] = "/srv/nginx[1]"', "nginx.dir", "patterns of names"),
    ],
)
def test_what_nginx_would_expand(site: Site, line: str, setting: str, output: str) -> None:
    found = site.error(BASE + line)
    assert "gitlab.py:3:" in found
    assert f" error: {setting}: holds" in found
    assert output in found


@pytest.mark.parametrize(
    ("more", "setting"),
    [
        ('nginx["enable"] = False\nnginx["log_directory"] = "/logs/$host"', "nginx.log_directory"),
        (
            'registry_external_url = "http://registry.example.com"\n'
            'registry["nginx"]["ssl_certificate"] = "/ssl/a$b.crt"',
            "registry.nginx.ssl_certificate",
        ),
        ('nginx["dir"] = "/srv/a$b {c}"', "nginx.dir"),
    ],
)
def test_what_nginx_never_reads_or_takes_as_written(site: Site, more: str, setting: str) -> None:
    assert "$" in site.value(BASE + more, setting)


def test_a_root_with_a_dollar_is_named(site: Site) -> None:
    inside = Site(site.folder / "a$b")
    with pytest.raises(SettingsError, match=r"is below \S+/a\$b, which holds '\$'"):
        load(inside.write(BASE), Layout(inside.folder), environment={}, use_secrets=False)


@pytest.mark.parametrize(
    ("lines", "setting", "services"),
    [
        (
            'nginx["log_directory"] = "/var/log/gitlab/registry/"',
            "nginx.log_directory",
            "registry and nginx",
        ),
        (
            'registry["log_directory"] = "/var/log/gitlab/nginx"',
            "registry.log_directory",
            "registry and nginx",
        ),
        (
            'registry["log_directory"] = "/var/log/gitlab/timer"',
            "registry.log_directory",
            "registry and timer",
        ),
        (
            'registry_auth["enable"] = True; registry_auth["log_directory"] = "/var/log/gitlab/nginx"',
            "registry_auth.log_directory",
            "registry-auth and nginx",
        ),
    ],
)
def test_two_services_with_one_log_folder(site: Site, lines: str, setting: str, services: str) -> None:
    found = site.error(BASE + lines)
    assert "gitlab.py:3:" in found
    assert f" error: {setting}: is the log folder of two services, {services}" in found


def test_a_service_that_does_not_run_is_in_nobodys_way(site: Site) -> None:
    text = BASE + 'registry["enable"] = False\nnginx["log_directory"] = "/var/log/gitlab/registry"'
    assert site.value(text, "nginx.log_directory") == site.value(text, "registry.log_directory")
