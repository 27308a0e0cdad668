"""The manual page of settings says what the declarations say."""

from __future__ import annotations

from pathlib import Path

from ctl.settings.manual.reference import describe, reference
from ctl.settings.options import OPTIONS
from ctl.settings.options.storage import DRIVERS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "settings.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == reference(), "run: python -m ctl.settings.manual.reference > docs/settings.md"


def test_every_setting_is_on_the_page() -> None:
    page = reference()
    for option in OPTIONS.values():
        assert f"| `{option.python}`" in page
    for driver in DRIVERS:
        assert f"### {driver}" in page


def test_tables_are_whole() -> None:
    """A cell that breaks its row would shift every column behind it."""
    rows = [line for line in reference().splitlines() if line.startswith("|")]
    for row in rows:
        assert row.replace("\\|", "").count("|") in (3, 4, 7), row


def test_a_setting_is_described() -> None:
    text = describe(OPTIONS["registry.storage"])
    assert text.startswith('registry["storage"]\n')
    assert "regionendpoint" in text
    assert "its value is never shown" in describe(OPTIONS["registry.http_secret"])
    assert "maxretries" in describe(OPTIONS["registry.notifications"])
