"""Root in the root of an ordinary user: nothing of that user's becomes root's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.harness.cli import Cli
from tests.harness.seeds import secrets_json

need_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")


@need_root
@pytest.mark.parametrize("command", [["user", "add", "bob", "--random-password"], ["generate-secrets"]])
def test_it_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    ctl = Cli(tmp_path, capsys)
    ctl.settings('registry_external_url = "https://registry.example.com"\n')
    state = tmp_path / "var/opt/gitlab/ctl"
    state.mkdir(parents=True)
    os.chown(state, 65534, 65534)
    result = ctl(*command)
    assert result.code == 1
    assert f"{tmp_path} is the root of user nobody" in result.err
    assert f"sudo -u nobody ctl --root {tmp_path}" in result.err
    assert not list(tmp_path.glob("etc/gitlab/*.json"))
    os.chown(state, 0, 0)
    (tmp_path / "etc/gitlab/gitlab-secrets.json").write_text(secrets_json())  # making a key takes its time
    assert ctl(*command).code == 0
