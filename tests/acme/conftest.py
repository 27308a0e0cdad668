"""Fixtures of the tests of certificates from an authority."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.acme_site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A root without certificates."""
    return Site(tmp_path)
