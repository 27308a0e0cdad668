"""The words of CONTRIBUTING.md: what it gave up comes back neither in names nor in prose."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
GIVEN_UP = {
    "said|told|tells?": "given, reported, report, print, warn",
    "attends?": "renew",
    "passed_over|left_out|unserved": "ignored, dropped, unsupported",
    "shall|strange|holders|sites|unclear": "must, not_acme, assignments, ambiguous, preview",
}
"""Words, and what to write instead."""
WRONG = re.compile(rf"(?:^|_)(?:{'|'.join(GIVEN_UP)})(?:_|$)", re.IGNORECASE)
ANYWHERE = re.compile(rf"(?:\b|_)(?:{'|'.join(GIVEN_UP)})(?:\b|_)", re.IGNORECASE)
_WHERE = "(?:in|on|at|below|beside|behind|under|there)"
PROSE = re.compile(
    rf"\b(?:shall|passed over|attend(?:s|ed|ing)?|(?:is|are|was|were) told|(?:lies?|lay|stands?|stood) {_WHERE})\b"
    r"|(?<!\.)\btells?\b",
    re.IGNORECASE,
)
"""Likewise in sentences: must, ignored, renew, report or print, is in."""


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
    files = {
        path: path.read_text(encoding="utf-8")
        for top in ("ctl", "recipes")
        for path in (TOP / top).rglob("*.py")
    }
    found = {
        f"{path.relative_to(TOP)}: {name}"
        for path, text in files.items()
        if ANYWHERE.search(text)  # parsing costs more
        for name in names(ast.parse(text))
        if WRONG.search(name)
    }
    assert found == set(), GIVEN_UP


@pytest.mark.real
def test_prose_keeps_to_them_too() -> None:
    """Messages, comments, docstrings and pages alike."""
    tops = [TOP / top for top in ("ctl", "recipes", "templates", "tests", "docs", "examples", "packaging")]
    files = [path for top in tops for path in top.rglob("*") if path.suffix in (".py", ".j2", ".md", ".sh")]
    found = [
        f"{path.relative_to(TOP)}: {match[0]}"
        for path in (*files, *TOP.glob("*.md"))
        if path != Path(__file__).resolve()
        for match in PROSE.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []
