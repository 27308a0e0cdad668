"""The nearest known name: what people get wrong must lead to what they meant."""

from __future__ import annotations

import pytest

from ctl.settings.nearest import nearest, very_near
from tests.harness.work import at_most

KNOWN = [
    "external_url",
    "registry_external_url",
    "registry",
    "registry_nginx",
    "log_level",
    "log_formatter",
    "ssl_certificate",
    "ssl_certificate_key",
    "storage",
    "storage_delete_enabled",
    "gid",
    "uid",
]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("registry_extenal_url", "registry_external_url"),
        ("regsitry", "registry"),
        ("Registry", "registry"),
        ("loglevel", "log_level"),
        ("log-level", "log_level"),
        ("logLevel", "log_level"),
        ("registry_url", "registry_external_url"),
        ("url_external", "external_url"),
        ("ssl_cert", "ssl_certificate"),
        ("delete_enabled", "storage_delete_enabled"),
        ("gdi", "gid"),
        ("stroage", "storage"),
        ("storages", "storage"),
        ("completely_different", None),
        ("", None),
        ("x", None),
    ],
)
def test_names_what_was_meant(written: str, meant: str | None) -> None:
    assert nearest(written, KNOWN) == meant


def test_the_first_of_equals_wins() -> None:
    assert nearest("abcdex", ["abcdea", "abcdeb"]) == "abcdea"


def test_no_known_names() -> None:
    assert nearest("registry", []) is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("registry_external_urls", "registry_external_url"),
        ("regstry", "registry"),
        ("registry", None),
        ("registry_url", None),
        ("git", None),
    ],
)
def test_very_near_is_a_slip_of_the_finger(written: str, meant: str | None) -> None:
    assert very_near(written, KNOWN) == meant


def test_a_huge_name_is_no_burden() -> None:
    with at_most(calls=50_000):
        nearest("registry_" * 100_000, [f"setting_number_{n}" for n in range(500)])
