"""In which order tests run, and which worker runs them.

What costs most is a root with a running registry, which the tests of a module share: so the tests of one module and
one registry program stay together on one worker. The longest come first, since at the end there must be
something short left for a worker that has nothing else to do.
"""

from __future__ import annotations

import re

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

_REGISTRY = re.compile(r"\[(?:.*-)?(distribution-\d)[-\]]")
_ALONE = ("tests/faults/test_faults.py", "tests/faults/test_accounts.py")
"""Modules whose tests share nothing, and take minutes in all: a group each."""
_LONG = (
    *(
        "tests/faults/",
        "tests/packaging/",
        "tests/registry/test_soak.py",
        "tests/registry/test_hard_cases.py",
    ),
    *("tests/real/test_storage_migration", "tests/images/migrate/", "tests/real/test_backup.py"),
    *("tests/real/test_held_pushes.py", "tests/registry/test_deletion_while_serving.py"),
)
"""Modules whose few tests take long."""


def together(nodeid: str) -> str:
    """The name of the group of tests that a test belongs to."""
    module, _, test = nodeid.partition("::")
    if module in _ALONE:
        return nodeid
    program = _REGISTRY.search(test)
    return f"{module} with {program[1]}" if program else module


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out whole groups, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return together(nodeid)


def in_order(items: list[pytest.Item]) -> list[pytest.Item]:
    """Groups with real programs first, long ones before short ones, large ones before small ones."""
    groups: dict[str, list[pytest.Item]] = {}
    for item in items:
        groups.setdefault(together(item.nodeid), []).append(item)
    return [item for group in sorted(groups.values(), key=_weight) for item in group]


def _weight(group: list[pytest.Item]) -> tuple[bool, bool, int]:
    real = sum(item.get_closest_marker("real") is not None for item in group)
    return not real, not group[0].nodeid.startswith(_LONG), -(real or len(group))
