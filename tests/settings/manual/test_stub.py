"""The stub that types `Node.attributes`: it is up to date, and mypy finds a typo in a recipe by it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ctl.settings.manual.stub import stub

TOP = Path(__file__).resolve().parents[3]
RECIPE = """
from collections.abc import Iterator
from ctl.converge import Directory, Item
from ctl.node.node import Node


def recipe(node: Node) -> Iterator[Item]:
    registry = node.attributes.registry
    yield Directory(node.layout.path(registry.{name}), mode={mode})
"""


def test_the_stub_is_up_to_date() -> None:
    written = (TOP / "ctl/settings/named.pyi").read_text()
    assert written == stub(), "run: python -m ctl.settings.manual.stub > ctl/settings/named.pyi"


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "mode", "errors"),
    [
        ("dir", "0o755", []),
        ("nginx.ssl_certificate", "0o755", []),
        ("dri", "0o755", ['"Registry" has no attribute "dri"']),
        ("nginx.listen_prot", "0o755", ['"RegistryNginx" has no attribute "listen_prot"']),
        ("dir", "registry.username", ['Argument "mode" to "Directory" has incompatible type "str"']),
    ],
)
def test_mypy_finds_a_typo_in_a_recipe(tmp_path: Path, name: str, mode: str, errors: list[str]) -> None:
    path = tmp_path / "site.py"
    path.write_text(RECIPE.format(name=name, mode=mode))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=TOP,
    )
    found = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert len(found) == len(errors), done.stdout + done.stderr
    for line, error in zip(found, errors, strict=True):
        assert error in line
