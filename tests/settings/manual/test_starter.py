"""The settings file to begin with is itself valid, as it is and with everything in it turned on."""

from __future__ import annotations

import re

import pytest

from ctl.errors import UsageFault
from ctl.settings.manual.starter import MOST_USED, template
from ctl.settings.options import OPTIONS
from ctl.settings.written import python_value
from tests.harness.settings_site import Site

URLS = ["https://registry.example.com", "https://gitlab.example.com:5050", "http://[::1]:8080"]
TURNED_OFF = re.compile(r"^# (?=[a-z_]+(?:\[\"|(?:_url)? = ))", re.MULTILINE)


def uncommented(text: str) -> str:
    return TURNED_OFF.sub("", text)


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("full", [False, True])
def test_the_file_is_valid_and_says_nothing(site: Site, url: str, full: bool) -> None:
    attributes = site.attributes(template(url, full=full))
    assert attributes.registry_external_url == url
    assert attributes.diagnostics == ()
    given = [name for name, origin in attributes.origins().items() if origin.kind == "file"]
    assert given == ["registry_external_url"]


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("url", URLS[:2])
def test_everything_in_it_can_be_turned_on(site: Site, url: str, full: bool) -> None:
    attributes = site.attributes(uncommented(template(url, full=full)))
    assert [str(one) for one in attributes.diagnostics if one.severity != "note"] == []
    assert attributes.registry.storage["s3"]["bucket"] == "images"


def test_each_setting_can_be_turned_on_alone(site: Site) -> None:
    lines = [line for line in template().splitlines() if TURNED_OFF.match(line)]
    needs = {
        "ssl_certificate_key": 'registry["nginx"]["ssl_certificate"] = "/c"\n',
        "internal": "",
    }
    for line in lines:
        company = "".join(text for name, text in needs.items() if f'"{name}"' in line)
        text = f'registry_external_url = "https://registry.example.com"\n{company}{line[2:]}\n'
        origins = site.attributes(text).origins()
        (option,) = (one for one in OPTIONS.values() if line[2:].startswith(f"{one.python} = "))
        assert origins[option.name].kind == "file" or option.wins or ", None)" in line


def test_the_short_file_is_short_and_the_full_one_full() -> None:
    short = [line for line in template().splitlines() if TURNED_OFF.match(line)]
    full = [line for line in template(full=True).splitlines() if TURNED_OFF.match(line)]
    assert len(short) == sum(map(len, MOST_USED.values()))
    assert 35 <= len(short) <= 50
    shown = list(OPTIONS.values())
    assert len(full) == len(shown) - 1


def test_lines_are_comments_settings_or_empty_and_fit_a_screen() -> None:
    for line in template(full=True).splitlines():
        assert not line or line.startswith(("## ", "# ", "registry_external_url = ")) or line == "##"
        assert len(line) <= 100 or line.startswith("# ")


@pytest.mark.parametrize("url", ["registry.example.com", "https://r.example.com/v2", 'https://x"\nimport os'])
def test_a_url_that_a_registry_cannot_have(url: str) -> None:
    with pytest.raises(UsageFault, match=r"^--url "):
        template(url)


def test_values_are_written_as_python() -> None:
    value = {"a": ['b"', 1, True, None, 0.5]}
    assert python_value(value) == '{"a": ["b\\"", 1, True, None, 0.5]}'
