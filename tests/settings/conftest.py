"""A root for each test, and one pair of keys for all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.settings.secrets.token_pair import TokenPair, make_pair
from tests.harness import seeds
from tests.harness.settings_site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A root with nothing in it."""
    return Site(tmp_path)


@pytest.fixture(scope="session")
def pair() -> TokenPair:
    """A pair as the product makes it; once, because that takes its time."""
    return make_pair()


@pytest.fixture(scope="session")
def other_pair() -> TokenPair:
    """Another pair, a shorter one."""
    return TokenPair(*seeds.pair())
