"""The short form of the soak (`python -m tests.harness.soak` is the long one)."""

from __future__ import annotations

import pytest

from tests.harness.registries import Registry
from tests.harness.soak import Rate, soak
from tests.harness.soak_collectors import mark_then_delete, no_collector, ours

pytestmark = pytest.mark.real


def test_nothing_is_lost_where_mark_then_delete_loses(registry_program: Registry) -> None:
    tally, alone = (soak(each, 250, program=registry_program.program) for each in (ours, no_collector))
    print(Rate.of(tally).beyond(Rate.of(alone)))
    assert (tally.pushes >= 250, tally.lost) == (True, 0)
    rounds = (soak(mark_then_delete, 250, program=registry_program.program) for _ in range(4))
    assert any(control.lost for control in rounds), "the soak is too weak to show anything"
