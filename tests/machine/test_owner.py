"""Root does not write into the root of an ordinary user."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ctl.errors import PreflightError
from ctl.machine.owner import refuse_root_of_another
from ctl.paths import Layout
from tests.harness.as_nobody import NOBODY, as_nobody

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder away")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A root in which somebody has worked."""
    layout = Layout(tmp_path)
    layout.state.mkdir(parents=True)
    return layout


@pytest.mark.parametrize(("uid", "name"), [(1, "daemon"), (54_321, "#54321")])
def test_root_is_refused_with_the_users_name(layout: Layout, uid: int, name: str) -> None:
    os.chown(layout.state, uid, -1)
    with pytest.raises(PreflightError, match=f"is the root of user {name}") as caught:
        refuse_root_of_another(layout)
    assert caught.value.hint == f"Run: sudo -u {name} ctl --root {layout.root} …"


def test_roots_own_and_a_new_one_pass(layout: Layout, tmp_path: Path) -> None:
    os.chown(layout.state, NOBODY, -1)
    with pytest.raises(PreflightError):
        refuse_root_of_another(layout)
    os.chown(layout.state, 0, -1)
    refuse_root_of_another(layout)
    refuse_root_of_another(Layout(tmp_path / "new"))
    assert not (tmp_path / "new").exists()


def test_the_user_passes(layout: Layout) -> None:
    os.chown(layout.state, NOBODY, -1)
    assert as_nobody(lambda: refuse_root_of_another(layout)) == "None"
