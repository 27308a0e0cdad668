"""Every test can fail by what it asserts, not only by an exception on the way."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
ASSERTING = frozenset({"raises", "fail", "warns", "wait_for", "refused", "exits"})
"""What fails a test beside `assert`; helpers named assert_… do too."""


def asserts(function: ast.FunctionDef, helpers: frozenset[str]) -> bool:
    """Whether something is asserted in a function, or in a helper that it calls."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", "") or getattr(node.func, "id", "")
            if name in helpers or name.startswith("assert_"):
                return True
    return False


@pytest.mark.real
def test_every_test_asserts_something() -> None:
    without = []
    for path in TESTS.rglob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        own = {one.name for one in functions if asserts(one, ASSERTING) and not one.name.startswith("test_")}
        tests = [one for one in functions if one.name.startswith("test_")]
        without += [f"{path}: {one.name}" for one in tests if not asserts(one, ASSERTING | own)]
    assert without == []
