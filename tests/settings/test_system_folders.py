"""No component takes over a folder of the system's: its mode and owner would be changed."""

from __future__ import annotations

import pytest

from tests.harness.settings_site import Site

URL = 'registry_external_url = "https://r.example.com"\n'


@pytest.mark.parametrize(
    "setting",
    [
        'registry["dir"] = "/"',
        'registry["dir"] = "//etc/"',
        'registry["log_directory"] = "/var/log"',
        'nginx["dir"] = "/usr"',
        'gitlab_rails["registry_path"] = "/home"',
        'registry["storage"] = {"filesystem": {"rootdirectory": "/var"}}',
    ],
)
def test_a_folder_of_the_system_is_refused(site: Site, setting: str) -> None:
    assert "belongs to the system" in site.error(URL + setting)


def test_a_folder_of_its_own_is_taken(site: Site) -> None:
    assert site.value(URL + 'registry["dir"] = "/srv/registry"', "registry.dir").endswith("/srv/registry")
