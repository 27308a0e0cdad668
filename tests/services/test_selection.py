"""The services that a command line names."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.errors import EXIT_FAILED, EXIT_USAGE, CtlError
from ctl.paths import Layout
from ctl.services.selection import select


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    for name in ("nginx", "registry", "spare"):
        (layout.sv / name).mkdir(parents=True)
    layout.service.mkdir(parents=True)
    for name in ("nginx", "registry"):
        (layout.service / name).symlink_to(f"../sv/{name}")
    return layout


def test_all_enabled_ones_unless_some_are_named(layout: Layout) -> None:
    assert select(layout, []) == ["nginx", "registry"]
    assert select(layout, ["registry", "nginx", "registry"]) == ["registry", "nginx"]


def test_a_mistyped_name_gets_the_nearest(layout: Layout) -> None:
    with pytest.raises(CtlError, match="no service 'registy'; did you mean 'registry'") as caught:
        select(layout, ["nginx", "registy"])
    assert caught.value.exit_code == EXIT_USAGE


def test_a_name_near_to_none_gets_the_list(layout: Layout) -> None:
    with pytest.raises(CtlError, match="no service 'zzz'") as caught:
        select(layout, ["zzz"])
    assert caught.value.hint == "Services: nginx, registry, spare"


def test_a_service_that_is_not_enabled_is_not_unknown(layout: Layout) -> None:
    with pytest.raises(CtlError, match="service spare is not enabled") as caught:
        select(layout, ["spare"])
    assert caught.value.exit_code == EXIT_FAILED
