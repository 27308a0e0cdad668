"""`registry_cleanup[…]`: what the timer runs, and where it can be done."""

from __future__ import annotations

import pytest

from ctl.settings.components.registry import REGISTRY
from tests.harness.settings_site import Site

CLEANUP = (
    'registry_external_url = "http://localhost:5050"\nregistry_cleanup["enable"] = True\n'
    'registry_cleanup["policies"] = [{"repositories": "**", "name_regex": "old.*"}]\n'
)
IN_BUCKET = 'registry["storage"] = {"s3": {"bucket": "images", "region": "eu-west-1"}}\n'
SWIFT = '{"authurl": "https://a", "container": "c", "username": "u", "password": "p"}'
ELSEWHERE = f'registry["storage"] = {{"swift": {SWIFT}}}\n'


def scheduled(site: Site, text: str) -> list[str]:
    return [task.name for task in REGISTRY.tasks(site.attributes(text)) if "cleanup" in task.name]


@pytest.mark.parametrize("storage", ["", IN_BUCKET], ids=["disk", "S3"])
def test_it_is_scheduled_for_each_storage_that_it_works_in(site: Site, storage: str) -> None:
    assert scheduled(site, CLEANUP + storage) == ["registry-cleanup"]
    assert scheduled(site, CLEANUP.replace("True", "False") + storage) == []


def test_elsewhere_it_is_not_and_a_note_says_so(site: Site) -> None:
    assert scheduled(site, CLEANUP + ELSEWHERE) == []
    assert "registry_cleanup.enable" in [
        one.setting for one in site.attributes(CLEANUP + ELSEWHERE).diagnostics
    ]
