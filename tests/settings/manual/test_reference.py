"""The manual page of settings says what the declarations say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ctl.settings.editing.naming import find
from ctl.settings.manual.reference import describe, reference
from ctl.settings.options import OPTIONS
from ctl.settings.options.storage import DRIVERS
from ctl.settings.types import Type

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


def described(name: str) -> str:
    return describe(find(name, in_elements=True), {"now": "1"})


def test_a_setting_is_described() -> None:
    text = described("registry.storage")
    assert text.startswith('registry["storage"]\n')
    assert "regionendpoint" in text
    assert "its value is never shown" in described("registry.http_secret")
    assert "maxretries" in described("registry.notifications")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("registry.storage.s3.chunksize", ["size", "Bytes of each part of an upload."]),
        ("registry.storage.s3.secretkey", ["never shown"]),
        ("registry.storage.maintenance.readonly.enabled", ["boolean", "Whether pushes are refused."]),
        ("registry.notifications.ignore.actions", ["list of text", "Actions of which nothing is sent."]),
        ("registry.notifications[0].headers", ["never shown"]),
        ("registry.database.password", ["never shown"]),
        ("registry.redis.tls.rootcas", ["Paths of the authorities"]),
        ("registry.middleware.storage.name", ["What it is."]),
    ],
)
def test_a_parameter_is_described_alone(name: str, words: list[str]) -> None:
    text = described(name)
    assert all(word in text for word in words)
    assert len(text.splitlines()) < 8


def parameters(name: str, kind: Type) -> Iterator[str]:
    for key, one in kind.elements().parameters().items():
        yield f"{name}.{key}"
        yield from parameters(f"{name}.{key}", one.type)


def test_every_parameter_can_be_described() -> None:
    names = [one for option in OPTIONS.values() for one in parameters(option.name, option.type)]
    assert len(names) > 250
    for name in names:
        assert name.rpartition(".")[2] in described(name).splitlines()[0]
