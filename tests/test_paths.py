"""Every managed path is below the root, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.paths import Layout

ROOT = Path("/srv/root")


def test_paths_are_moved_below_the_root_once() -> None:
    layout = Layout(ROOT)
    assert layout.path("/etc/gitlab") == ROOT / "etc/gitlab"
    assert layout.path(layout.path("/etc/gitlab")) == ROOT / "etc/gitlab"
    assert Layout().path("/etc/gitlab") == Path("/etc/gitlab")
    with pytest.raises(ValueError, match="etc/gitlab is not an absolute path"):
        layout.path("etc/gitlab")


@pytest.mark.parametrize("name", [name for name, one in vars(Layout).items() if isinstance(one, property)])
def test_every_path_is_below(name: str) -> None:
    if name == "is_machine":
        assert (Layout().is_machine, Layout(ROOT).is_machine) == (True, False)
    else:
        assert getattr(Layout(ROOT), name).is_relative_to(ROOT)
        assert getattr(Layout(ROOT), name) == Layout(ROOT).path(getattr(Layout(), name))
