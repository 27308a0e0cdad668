"""A root for each test, and two pairs of keys for all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.settings.secrets.token_pair import TokenPair
from tests.harness import seeds
from tests.harness.settings_site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A root with nothing in it."""
    return Site(tmp_path)


@pytest.fixture(scope="session")
def pair() -> TokenPair:
    """A pair, a shorter one than the product makes."""
    return TokenPair(*seeds.pair())


@pytest.fixture(scope="session")
def other_pair() -> TokenPair:
    """Another pair."""
    return TokenPair(*seeds.pair(1))
