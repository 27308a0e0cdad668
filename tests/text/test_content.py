"""Recipes and templates are found in a checkout and in an installed wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.text import content
from tests.harness.people import CHECKOUT


@pytest.mark.parametrize("kind", ["recipes", "templates"])
def test_beside_the_package_and_inside_a_wheel(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert content.content_folder(kind) == CHECKOUT / kind
    monkeypatch.setattr(content, "PACKAGE", tmp_path / "ctl")
    inside = tmp_path / "ctl/_content" / kind
    inside.mkdir(parents=True)
    (tmp_path / kind).mkdir()
    assert content.content_folder(kind) == inside


def test_a_broken_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "PACKAGE", tmp_path / "ctl")
    with pytest.raises(FileNotFoundError, match=r"recipes/ is neither in .*_content nor in "):
        content.content_folder("recipes")
