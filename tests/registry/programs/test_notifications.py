"""Retries of notifications in the words of each program, and what of them has no effect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ctl.registry.programs import Distribution2, Distribution3, GitlabRegistry, RegistryProgram
from ctl.registry.support import ignored_settings
from ctl.settings.attributes import Attributes
from tests.harness.settings_site import Site

UPSTREAM = [Distribution2, Distribution3]
OTHERS = [GitlabRegistry, RegistryProgram]
SETTINGS = """\
registry_external_url = "http://registry.example.com:5050"
registry["notifications"] = [
    {"name": "none", "url": "http://a"},
    {"name": "new", "url": "http://a", "maxretries": 7},
    {"name": "old", "url": "http://a", "threshold": 3},
    {"name": "both", "url": "http://a", "threshold": 4, "maxretries": 8},
    {"name": "zero", "url": "http://a", "maxretries": 0},
]
"""
THRESHOLD = 'registry["default_notifications_threshold"] = 6\n'
MAXRETRIES = 'registry["default_notifications_maxretries"] = 9\n'


def program(kind: type[RegistryProgram]) -> RegistryProgram:
    return kind(Path("/usr/bin/registry"), "1.2")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "root")


def retries(kind: type[RegistryProgram], attributes: Attributes) -> dict[str, Any]:
    names = ("threshold", "maxretries")
    return {
        one["name"]: {name: one[name] for name in names if name in one}
        for one in program(kind).notifications(attributes)
    }


@pytest.mark.parametrize("kind", UPSTREAM)
@pytest.mark.parametrize(
    ("more", "default"), [("", 10), (MAXRETRIES, 9), (THRESHOLD, 6), (MAXRETRIES + THRESHOLD, 6)]
)
def test_distribution_has_a_threshold(
    site: Site, kind: type[RegistryProgram], more: str, default: int
) -> None:
    assert retries(kind, site.attributes(SETTINGS + more)) == {
        "none": {"threshold": default},
        "new": {"threshold": 7},
        "old": {"threshold": 3},
        "both": {"threshold": 4},
        "zero": {"threshold": 0},
    }


@pytest.mark.parametrize("kind", OTHERS)
def test_gitlabs_has_maxretries(site: Site, kind: type[RegistryProgram]) -> None:
    assert retries(kind, site.attributes(SETTINGS + MAXRETRIES)) == {
        "none": {"maxretries": 9},
        "new": {"maxretries": 7},
        "old": {"threshold": 3},
        "both": {"maxretries": 8},
        "zero": {"maxretries": 0},
    }


def test_an_endpoint_keeps_its_order_and_everything_else(site: Site) -> None:
    text = SETTINGS.replace('"url": "http://a"}', '"disabled": True, "url": "http://a"}', 1)
    first = program(Distribution2).notifications(site.attributes(text))[0]
    assert list(first) == ["name", "url", "timeout", "threshold", "backoff", "disabled"]


def warnings(kind: type[RegistryProgram], attributes: Attributes) -> list[str]:
    return [f"{one.setting}: {one.message}" for one in ignored_settings(attributes, program(kind))]


def test_what_distribution_ignores(site: Site) -> None:
    both, default = warnings(Distribution2, site.attributes(SETTINGS + THRESHOLD + MAXRETRIES))
    why = "has no effect: /usr/bin/registry (version 1.2, Distribution 2) does not know it, and goes by"
    assert both == f"registry.notifications: maxretries of both {why} threshold"
    assert default == f"registry.default_notifications_maxretries: {why} default_notifications_threshold"
    assert (
        warnings(Distribution3, site.attributes(SETTINGS.replace('"threshold": 4, ', "") + THRESHOLD)) == []
    )


def test_what_gitlabs_registry_has_given_up(site: Site) -> None:
    old, default = warnings(GitlabRegistry, site.attributes(SETTINGS + THRESHOLD))
    assert (
        "threshold is deprecated since GitLab 17.0 and dropped in 18.0: old, both should have maxretries"
        in old
    )
    assert default.startswith("registry.default_notifications_threshold: has no effect: ")


def test_many_endpoints_are_one_warning(site: Site) -> None:
    text = """
registry_external_url = "http://registry.example.com:5050"
registry["notifications"] = [{"name": f"e{n}", "url": "http://a", "threshold": 1} for n in range(50)]
"""
    (found,) = warnings(GitlabRegistry, site.attributes(text))
    assert "e0, e1, e2 and 47 more" in found


@pytest.mark.parametrize("kind", [*UPSTREAM, GitlabRegistry])
def test_the_queue_is_of_gitlabs_registry(site: Site, kind: type[RegistryProgram]) -> None:
    text = SETTINGS.replace('"maxretries": 7', '"queuepurgetimeout": "5s", "queuesizelimit": 100')
    attributes = site.attributes(text)
    (written,) = (one for one in program(kind).notifications(attributes) if one["name"] == "new")
    queue = {name: written[name] for name in ("queuepurgetimeout", "queuesizelimit") if name in written}
    reported = [one for one in warnings(kind, attributes) if "queue" in one]
    if kind is GitlabRegistry:
        assert (queue, reported) == ({"queuepurgetimeout": "5s", "queuesizelimit": 100}, [])
    else:
        assert queue == {}
        assert [one.split()[1] for one in reported] == ["queuepurgetimeout", "queuesizelimit"]
