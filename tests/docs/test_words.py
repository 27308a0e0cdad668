"""The words of CONTRIBUTING.md: those that it gave up do not come back."""

from __future__ import annotations

import re
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
GIVEN_UP = {
    r"said|told|tells?(?!\(\))": "given, reported, report, print, warn",
    r"attends?": "renew",
    r"passed over": "ignored",
    r"is to be|are to be|shall": "must, should",
    r"stands?|lies": "is, is in",
    r"lets? (?:it )?(?:through|pass)": "may enter, accepts",
    r"strange": "unexpected, not ACME",
    r"again and again": "keeps exiting",
    r"asks of": "makes, needs",
    r"sites": "assignments, nodes",
}
"""Words, and what to write instead."""
SUFFIXES = {".py", ".pyi", ".md", ".j2", ".sh", ".8"}


def test_words_that_were_given_up_do_not_come_back() -> None:
    wrong = re.compile(rf"\b(?:{'|'.join(GIVEN_UP)})\b")
    places = (
        "ctl",
        "recipes",
        "templates",
        "docs",
        "examples",
        "packaging",
        "benchmarks",
        "README.md",
        "install.sh",
    )
    files = [
        path for name in places for path in [TOP / name, *(TOP / name).rglob("*")] if path.suffix in SUFFIXES
    ]
    found = [
        f"{path.relative_to(TOP)}:{number}: {word[0]}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for word in wrong.finditer(line)
    ]
    assert not found, GIVEN_UP
