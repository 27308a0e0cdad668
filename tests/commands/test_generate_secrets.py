"""`ctl generate-secrets` makes what is missing, once, and says no value."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from ctl.errors import EXIT_LOCKED, EXIT_USAGE
from ctl.paths import Layout
from ctl.settings.secrets import secrets_file as secrets_module
from ctl.settings.secrets.token_pair import PairMaker, TokenPair
from tests.harness import seeds
from tests.harness.cli import Cli

GOOD = 'registry_external_url = "https://registry.example.com"\n'


@pytest.fixture
def ctl(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    pair = TokenPair(*seeds.pair())
    monkeypatch.setattr(secrets_module, "PairMaker", lambda: PairMaker(lambda: pair))
    made = Cli(tmp_path, capsys)
    made.settings(GOOD)
    return made


def secrets_file(ctl: Cli) -> Path:
    return Layout(ctl.root).secrets_file


def test_missing_secrets_are_made_once(ctl: Cli) -> None:
    result = ctl("generate-secrets")
    assert result.code == 0
    assert "made registry.http_secret, registry.internal_certificate, registry.internal_key" in result.out
    file = secrets_file(ctl)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first = file.read_bytes()
    registry = json.loads(first)["registry"]
    assert registry["internal_key"] == seeds.pair()[0]
    for value in registry.values():
        assert value not in result.out + result.err
    again = ctl("generate-secrets")
    assert "nothing is missing" in again.out
    assert file.read_bytes() == first


def test_others_secrets_stay(ctl: Cli) -> None:
    secrets_file(ctl).write_text('{"gitlab_rails": {"otp_key_base": "x"}}')
    assert ctl("generate-secrets").code == 0
    assert json.loads(secrets_file(ctl).read_bytes())["gitlab_rails"] == {"otp_key_base": "x"}


def test_a_damaged_file_stays(ctl: Cli) -> None:
    secrets_file(ctl).write_text('{"registry": ')
    result = ctl("generate-secrets")
    assert result.code == 1
    assert f"{secrets_file(ctl)}:1:14: is not valid JSON" in result.err
    assert secrets_file(ctl).read_text() == '{"registry": '


def test_secrets_that_may_not_be_written(ctl: Cli) -> None:
    ctl.settings(GOOD + 'package["generate_secrets_json_file"] = False\n')
    result = ctl("generate-secrets")
    assert result.code == EXIT_USAGE
    assert "may not be written" in result.err
    assert not secrets_file(ctl).exists()


def test_one_at_a_time(ctl: Cli) -> None:
    from ctl.converge import run_lock

    with run_lock(Layout(ctl.root)):
        assert ctl("generate-secrets").code == EXIT_LOCKED
    assert not secrets_file(ctl).exists()
