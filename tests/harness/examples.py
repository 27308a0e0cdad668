"""How many random examples a test tries: fewer where the fast tests are run by themselves."""

from __future__ import annotations

from hypothesis import settings

_ORDINARY = 60
"""Of a whole run (tests/conftest.py)."""


def examples(number: int) -> int:
    """That many in a whole run, as small a part of them as of all others in a fast one."""
    profile = settings.default
    assert profile is not None
    return max(2, number * profile.max_examples // _ORDINARY)
