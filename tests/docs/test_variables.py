"""A variable that a documented command sets is read by somebody: one that is misspelt would change nothing."""

from __future__ import annotations

import re

import pytest

from tests.harness.people import CHECKOUT

PAGES = [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/*.md"), *CHECKOUT.glob("ctl/*/README.md")]
SET = re.compile(r"`\s*(?:[A-Z_]+=\S+ )*?([A-Z][A-Z_]{3,})=[^`\s]+(?=[`\s])")
FOR_OTHERS = {"GOGC", "TMPDIR"}
"""Go's and Python's own."""


def documented() -> set[str]:
    """The variables before commands, in all pages."""
    return {name for page in PAGES for name in SET.findall(page.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("name", sorted(documented() - FOR_OTHERS))
def test_a_variable_is_read(name: str) -> None:
    readers = (*CHECKOUT.glob("tests/**/*.py"), *CHECKOUT.glob("tests/*.sh"), *CHECKOUT.glob("install.sh"))
    own = f'environ.get("{name}"', f'environ["{name}"]', f"${{{name}", f"${name}"
    assert any(text in path.read_text(encoding="utf-8") for path in readers for text in own)


def test_variables_are_found() -> None:
    assert {"CTL_TEST_CRASH_POINTS", "CTL_TEST_HISTORIES", "MIGRATION_KILLS"} <= documented()
