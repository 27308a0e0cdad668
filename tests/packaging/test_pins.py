"""What pyproject.toml asks for is pinned, with hashes, for the installation and for the tests."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable

import pytest

from tests.harness.people import CHECKOUT

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
INSTALLED = [*PROJECT["dependencies"], *EXTRAS["build"]]


def names(requirements: Iterable[str]) -> set[str]:
    """Their names as they are compared (PEP 503)."""
    found = (re.match(r"[\w.-]+", one) for one in requirements)
    return {re.sub(r"[-_.]+", "-", one[0]).lower() for one in found if one}


def pinned(file: str) -> dict[str, str]:
    """The version of each package, all of which have hashes."""
    text = (CHECKOUT / file).read_text()
    found = re.findall(r"^([\w.-]+)==(\S+)(?: ;[^\n]*?)? \\\n    --hash=sha256:", text, re.MULTILINE)
    assert len(found) == len(re.findall(r"^[\w.-]+==", text, re.MULTILINE))
    return dict(found)


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("packaging/requirements.txt", INSTALLED),
        ("tests/requirements.txt", [*INSTALLED, *EXTRAS["dev"]]),
    ],
)
def test_every_dependency_is_pinned(file: str, wanted: list[str]) -> None:
    assert names(wanted) - names(pinned(file)) == set(), "run: sh packaging/pin.sh"


def test_the_tests_run_with_what_is_installed() -> None:
    tests = pinned("tests/requirements.txt")
    assert {name: tests[name] for name in pinned("packaging/requirements.txt")} == pinned(
        "packaging/requirements.txt"
    )
