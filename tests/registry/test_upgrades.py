"""`ctl upgrade-check`: what later versions deprecate, drop or set otherwise, with the line to change."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.errors import UsageFault
from ctl.registry.upgrades import CHANGES, parse_version
from tests.harness.cli import Cli

URL = 'registry_external_url = "https://registry.example.com"\n'
S3 = 'registry["storage"] = {"s3": {"accesskey": "a", "secretkey": "s3cret-key", "bucket": "b", "region": "r"}}\n'
DATABASE = 'registry["database"] = {"enabled": False}\n'


@pytest.fixture
def ctl(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """`ctl` with an empty root."""
    return Cli(tmp_path, capsys)


def later(ctl: Cli, *arguments: str) -> list[tuple[str, str, str]]:
    """Version, kind and setting of each finding."""
    found = ctl("upgrade-check", "--json", *arguments).json()["later"]
    return [(one["version"], one["kind"], one["setting"]) for one in found]


def test_a_driver_that_goes(ctl: Cli) -> None:
    ctl.settings(URL + S3 + DATABASE)
    setting = 'registry["storage"]["s3"]'
    assert later(ctl, "--to", "17.9") == []
    assert later(ctl, "--to", "18.0") == [("17.10", "deprecated", setting)]
    result = ctl("upgrade-check", "--to", "19.0").exits(1)
    assert f"19.0: dropped: {ctl.file}:2:" in result.out
    assert '"s3_v2": {…} in the place of "s3": {…}' in result.out
    assert "s3cret-key" not in result.text


def test_the_word_for_retries(ctl: Cli) -> None:
    hook = '{"name": "h", "url": "https://h.example.com/", "threshold": 7}'
    ctl.settings(URL + DATABASE + f'registry["notifications"] = [{hook}]\n')
    result = ctl("upgrade-check", "--to", "18.0")
    assert 'registry["notifications"][0]["threshold"]' in result.out
    assert '"maxretries": 7' in result.out
    assert ("19.0", "dropped", 'registry["notifications"][0]["threshold"]') in later(ctl)


def test_the_database_by_default(ctl: Cli) -> None:
    ctl.settings(URL)
    result = ctl("upgrade-check", "--to", "19.0").ok()
    assert '19.0: another default: registry["database"]' in result.out
    assert 'registry["database"] = {"enabled": False}' in result.out
    ctl.settings(URL + DATABASE)
    assert later(ctl, "--to", "18.4") == []
    assert later(ctl, "--to", "19.0") == [("18.5", "deprecated", 'registry["database"]')]


def test_what_the_program_here_cannot_do_is_reported_too(ctl: Cli) -> None:
    ctl.settings(URL + 'registry["gc"] = {"disabled": False}\n' + DATABASE)
    result = ctl("upgrade-check", "--to", "16.0").exits(1)
    assert "now, " in result.out
    assert "gc" in result.out


def test_nothing_to_change(ctl: Cli) -> None:
    ctl.settings(URL + DATABASE)
    assert "nothing to change up to 17.5" in ctl("upgrade-check", "--to", "17.5").ok().out


@pytest.mark.parametrize(("text", "version"), [("18", (18, 0)), ("18.5", (18, 5)), ("v18.5.1-ee.0", (18, 5))])
def test_versions(text: str, version: tuple[int, int]) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize("text", ["", "latest", "18.x", "1234", "18.12", "7.0", "0"])
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(UsageFault):
        parse_version(text)


def test_each_change_says_what_it_does() -> None:
    assert all(one.effect and one.since >= (15, 0) for one in CHANGES)
