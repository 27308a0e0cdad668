"""A component is declared once: what is known of it elsewhere, and in how few files its name is."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from ctl.converge.order import order
from ctl.errors import CtlError
from ctl.settings.component import Component, needs
from ctl.settings.components import COMPONENTS
from ctl.settings.options import OPTIONS

TOP = Path(__file__).resolve().parents[2]
ISSUER_ROOMS = (
    "ctl/auth/",
    "ctl/cli/accounts.py",
    "ctl/doctor/",  # asks each service in its own way
    "ctl/settings/checks/issuing.py",
    "ctl/settings/components/registry_auth.py",
    "ctl/settings/options/registry_auth.py",
    "ctl/settings/rules/token_issuer.py",
    "recipes/registry_auth.py",
    "templates/registry_auth/",
)
"""The token issuer's own."""
ISSUER_ELSEWHERE = {
    "ctl/settings/components/__init__.py": "the table of components",
    "ctl/settings/options/__init__.py": "the table of options",
    "ctl/settings/named.pyi": "made from that",
    "ctl/nginx/vhost.py": "NGINX passes requests for tokens on",
    "templates/nginx/gitlab-registry.conf.j2": "likewise",
}


ROTATION_ROOMS = (
    "ctl/settings/components/logrotate.py",
    "ctl/settings/options/",  # its settings are those of whoever writes logs
    "ctl/settings/rules/logs.py",
    "recipes/logrotate.py",
    "templates/logrotate/",
)
"""Those of the rotation of logs."""
ROTATION_ELSEWHERE = {
    "ctl/distribution/alpine.py": "where its program is",
    "ctl/distribution/debian.py": "likewise",
    "ctl/doctor/checks/disk.py": "what to do about a large log",
    "ctl/doctor/checks/node.py": "which programs it needs",
    "ctl/node/locate.py": "the programs that are looked for",
    "ctl/node/node.py": "and found",
    "ctl/node/removal.py": "packages that stay",
    "ctl/settings/component.py": "an example",
    "ctl/settings/components/__init__.py": "the table of components",
    "ctl/settings/components/timer.py": "a service of earlier versions",
    "ctl/settings/named.pyi": "made from the options",
    "ctl/text/quoting.py": "quoting for its language",
}
NGINX_ROOMS = (
    "ctl/doctor/",
    "ctl/nginx/",
    "ctl/settings/components/nginx.py",
    "ctl/settings/options/nginx.py",
    "recipes/nginx.py",
    "templates/nginx/",
)
"""NGINX's own."""
NGINX_ELSEWHERE = {
    "ctl/acme/step.py": "answers to challenges are served by it before the first run is over",
    "ctl/backup/take.py": "its version is in the manifest",
    "ctl/cli/loading.py": "directives that it does not know are dropped",
    "ctl/commands/reconfigure.py": "which of them are reported",
    "ctl/commands/version.py": "its version",
    "ctl/distribution/alpine.py": "where its program is",
    "ctl/distribution/debian.py": "likewise",
    "ctl/language/ruby/to_python/state.py": "a section is called so too",
    "ctl/node/locate.py": "the programs that are looked for",
    "ctl/node/node.py": "and found",
    "ctl/node/preflight.py": "ports that it knows to be taken",
    "ctl/settings/components/registry_health.py": "the registry is asked through it",
    "ctl/settings/editing/naming.py": "a section is called so too",
    "ctl/settings/options/foreign.py": "half of its settings are GitLab's",
    "ctl/settings/components/logrotate.py": "its logs are rotated",
    "ctl/text/quoting.py": "quoting for its language",
    "ctl/tls/ca_renewal.py": "it serves the certificate",
    "ctl/tls/served.py": "likewise",
    "recipes/logrotate.py": "its logs are rotated",
    "recipes/registry.py": "a restart without a socket waits for it",
}


@cache
def contents() -> dict[str, str]:
    """All code and templates, by their names."""
    files = [path for top in ("ctl", "recipes", "templates") for path in (TOP / top).rglob("*")]
    kept = (path for path in files if path.suffix in (".py", ".pyi", ".j2"))
    return {str(path.relative_to(TOP)): path.read_text(encoding="utf-8") for path in kept}


@pytest.mark.parametrize(
    ("name", "rooms", "elsewhere"),
    [
        (r"registry[-_]auth", ISSUER_ROOMS, ISSUER_ELSEWHERE),
        ("logrotate", ROTATION_ROOMS, ROTATION_ELSEWHERE),
        # as a service or by its room; in other words "nginx" is a section of the settings
        (r"""(?<!\[)["']nginx["']|from ctl\.nginx\b""", NGINX_ROOMS, NGINX_ELSEWHERE),
    ],
)
def test_a_components_name_is_in_its_rooms_and_where_it_must_be(
    name: str, rooms: tuple[str, ...], elsewhere: dict[str, str]
) -> None:
    naming = {path for path, text in contents().items() if re.search(name, text)}
    assert {one for one in naming if not one.startswith(rooms)} == set(elsewhere)


def test_declarations_name_settings_that_exist() -> None:
    for one in COMPONENTS:
        named = {one.switch, one.log_setting, *(name for names in one.starter.values() for name in names)}
        assert named - {""} <= OPTIONS.keys()
        assert f"{one.logging}.svlogd_size" in OPTIONS


def test_each_comes_after_those_that_it_needs() -> None:
    """By its own words, or by theirs; else as they come; an unknown one is nobody's hindrance."""
    found = [
        Component("web", after=("registry", "elsewhere")),
        Component("registry"),
        Component("other"),
        Component("database", before=("registry",)),
    ]
    assert needs(found, found[1]) == ("database",)
    assert order({one.name: needs(found, one) for one in found}) == ["database", "registry", "web", "other"]


def test_a_circle_is_named() -> None:
    with pytest.raises(CtlError, match="a -> b -> a"):
        order({"a": ["b"], "b": ["a"], "c": []})
