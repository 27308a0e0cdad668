"""From one registry program to the other: images, tokens and settings stay."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.harness import images
from tests.harness.registries import REGISTRIES, Registry
from tests.harness.root import Root

pytestmark = [pytest.mark.real, pytest.mark.one_registry("these tests run both")]

CONFIG = "var/opt/gitlab/registry/config.yml"
KEYS = "var/opt/gitlab/registry/token-keys.json"


@pytest.fixture
def three() -> Registry:
    """Distribution 3."""
    found = REGISTRIES[1]
    if found.missing:
        pytest.skip(found.missing)
    return found


def _use(root: Root, registry: Registry, *lines: str) -> None:
    root.settings(f'registry["executable"] = "{registry.program}"', *lines)


def _serves_with(root: Root, registry: Registry) -> bool:
    """Whether that program serves, has its words in config.yml, and a further run changes nothing."""
    (program,) = {one.arguments[0] for one in root.processes() if "serve" in one.arguments}
    config, new = yaml.safe_load(root.read(CONFIG)), registry.major == 3
    assert ("jwks" in config["auth"]["token"]) is (root.path / KEYS).exists() is new
    assert ("compatibility" in config) is not new
    return Path(program) == registry.program and root.reconfigure().nothing


def test_there_and_back(running: Root, three: Registry) -> None:
    """With tokens whose key has GitLab's name, and those of ctl."""
    two, before, after = REGISTRIES[0], images.image("before"), images.two_platforms("after")
    _use(running, two)
    running.reconfigure()
    assert _serves_with(running, two)
    running.client.push("grp/moved", before, "v1")
    _use(running, three)
    report = running.reconfigure()
    assert report.restarted == {"registry"}
    assert KEYS in report.paths
    assert _serves_with(running, three)
    assert running.client.pulls("grp/moved", before, "v1")
    running.client.push("grp/moved", after, "v2")
    token = running.ctl("registry-token", "--repository", "grp/moved").ok().out.strip()
    headers = {"Authorization": f"Bearer {token}"}
    assert running.client.request("GET", "/v2/grp/moved/tags/list", headers=headers).status == 200
    _use(running, two)
    running.reconfigure()
    assert _serves_with(running, two)
    assert running.client.pulls("grp/moved", before, "v1")
    assert running.client.pulls("grp/moved", after, "v2")


def test_what_3_gave_up_is_refused_before_anything_changes(running: Root, three: Registry) -> None:
    before = running.lasting_pids()
    _use(running, three, 'registry["compatibility_schema1_enabled"] = True')
    refused = running.ctl("reconfigure").exits(1)
    assert 'registry["compatibility_schema1_enabled"] needs Distribution 2: ' in refused.err
    assert "gitlab.py:" in refused.err
    assert running.lasting_pids() == before
    assert "needs Distribution 2" in running.ctl("check-config").ok().err
