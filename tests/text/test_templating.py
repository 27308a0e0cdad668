"""Templates refuse unquoted values and say where they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.errors import CtlError
from ctl.text.templating import render


def template(folder: Path, text: str) -> str:
    path = folder / "site.conf.j2"
    path.write_text(text)
    return str(path)


def test_a_site_template_is_filled_in(tmp_path: Path) -> None:
    assert render(template(tmp_path, "a {{ x | nginx }};\n"), {"x": "b c"}) == 'a "b c";\n'


def test_a_value_without_a_filter_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(CtlError, match=r"site\.conf\.j2:2: .*without a quoting filter"):
        render(template(tmp_path, "a;\nb {{ x }};\n"), {"x": "c"})


def test_an_unknown_name_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CtlError, match=r"site\.conf\.j2:1: 'y' is undefined"):
        render(template(tmp_path, "{{ y | nginx }}"), {})


def test_broken_syntax_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(CtlError, match=r"site\.conf\.j2:2: "):
        render(template(tmp_path, "\n{% if %}"), {})


def test_a_missing_template_is_named() -> None:
    with pytest.raises(CtlError, match=r"template no/such\.j2 not found"):
        render("no/such.j2", {})
