"""`ctl service-list`."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.__main__ import run


def test_enabled_ones_are_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("registry", "nginx", "spare"):
        (tmp_path / "opt/gitlab/sv" / name).mkdir(parents=True)
    enabled = tmp_path / "opt/gitlab/service"
    enabled.mkdir()
    for name in ("registry", "nginx"):
        (enabled / name).symlink_to(f"../sv/{name}")
    assert run(["--root", str(tmp_path), "service-list"]) == 0
    assert capsys.readouterr().out.split() == [
        "nginx*",
        "registry*",
        "registry-auth",
        "spare",
        "timer",
    ]
