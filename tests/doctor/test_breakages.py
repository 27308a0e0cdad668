"""Each check of the doctor is proven by breaking what it asks about."""

from __future__ import annotations

from ctl.doctor.checks import CHECKS
from tests.doctor import test_names, test_processes, test_ways

IN_OTHER_WAYS = {"space", "renewal"}
"""Small file systems in test_node; an attempt that failed in test_command."""


def test_every_check_has_one() -> None:
    broken = {one[0] for module in (test_names, test_processes, test_ways) for one in module.BROKEN}
    assert {one.name for one in CHECKS} == broken | IN_OTHER_WAYS
