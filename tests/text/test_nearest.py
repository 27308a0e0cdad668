"""The nearest known name: what people get wrong must lead to what they meant."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from ctl.settings.options import OPTIONS
from ctl.text.nearest import nearest, very_near
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
    """As long as the known ones, which a settings file may have named, and hardly other than they."""
    name = "ab" * 1_000
    with at_most(calls=50_000):
        assert nearest(f"{name}_c", [f"{name}_{n}" for n in range(10)]) == f"{name}_0"


def slips(name: str, random: Random) -> Iterator[str]:
    """A name with a character missing, another, doubled, swapped, two missing, and with other separators."""
    place = random.randrange(len(name) - 1)
    before, here, after = name[:place], name[place], name[place + 1 :]
    yield from (before + after, before + random.choice("aeioutns") + after, before + here * 2 + after)
    yield from (before + after[0] + here + after[1:], before + after[1:])
    yield from (name.replace("_", "-"), name.replace("_", ""), name.upper())


def test_slips_lead_back_to_the_setting() -> None:
    names = sorted({name.rpartition(".")[2] for name in OPTIONS})
    random = Random(7)  # noqa: S311
    cases = [(slip, name) for name in names for slip in slips(name, random) if slip not in names]
    assert len(cases) > 1000
    cases = random.sample(cases, 200)  # each takes a millisecond
    missed = [(slip, name, found) for slip, name in cases if (found := nearest(slip, names)) != name]
    assert len(missed) < len(cases) / 50, missed


def test_other_components_settings_are_near_to_none() -> None:
    names = {name.rpartition(".")[2] for name in OPTIONS}
    others = "smtp_address ldap_servers time_zone omniauth_providers gravatar_enabled lfs_enabled usage_ping_enabled"
    assert [one for one in others.split() if nearest(one, names)] == []
