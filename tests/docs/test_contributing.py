"""CONTRIBUTING.md names files and commands that are there."""

from __future__ import annotations

import re
from importlib.util import find_spec

import pytest

from tests.harness.people import CHECKOUT

TEXT = (CHECKOUT / "CONTRIBUTING.md").read_text()
PATHS = re.findall(
    r"(?<![\w/.])((?:ctl|recipes|templates|tests|docs|packaging|benchmarks|\.ci)/[\w/.-]*)", TEXT
)
MODULES = re.findall(r"python -m ([\w.]+)", TEXT)


@pytest.mark.parametrize(
    "path", sorted({one.rstrip(".-") for one in PATHS if not re.search("[A-Z]{3}", one)})
)
def test_paths(path: str) -> None:
    assert (CHECKOUT / path).exists()


@pytest.mark.parametrize("module", sorted(set(MODULES)))
def test_modules(module: str) -> None:
    assert find_spec(module)
