"""The words of CONTRIBUTING.md: names that it gave up do not come back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
GIVEN_UP = {
    "said|told|tells?": "given, reported, report, print, warn",
    "attends?": "renew",
    "passed_over|left_out|unserved": "ignored, dropped, unsupported",
    "shall|strange|holders|sites|unclear": "must, not_acme, assignments, ambiguous, preview",
}
"""Words, and what to write instead."""
WRONG = re.compile(rf"(?:^|_)(?:{'|'.join(GIVEN_UP)})(?:_|$)", re.IGNORECASE)


def names(tree: ast.AST) -> Iterator[str]:
    """What a module defines and gives values to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def test_names_that_were_given_up_do_not_come_back() -> None:
    files = [path for top in ("ctl", "recipes") for path in (TOP / top).rglob("*.py")]
    found = {
        f"{path.relative_to(TOP)}: {name}"
        for path in files
        for name in names(ast.parse(path.read_text(encoding="utf-8")))
        if WRONG.search(name)
    }
    assert found == set(), GIVEN_UP
