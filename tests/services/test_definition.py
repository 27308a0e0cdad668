"""The definition of a service, and the lists of services."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.errors import CtlError
from ctl.paths import Layout
from ctl.services.definition import (
    DEFAULT_WAIT,
    Definition,
    defined_names,
    enabled_names,
    read_definition,
)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    (layout.sv / "web").mkdir(parents=True)
    return layout


def test_what_is_written_is_read(layout: Layout) -> None:
    wanted = Definition(("127.0.0.1:5000", "unix:/run/a b"), 45, Path("/var/log/web"))
    (layout.sv / "web/ctl.json").write_text(wanted.content())
    assert read_definition(layout, "web") == wanted


def test_a_sites_own_service_needs_no_such_file(layout: Layout) -> None:
    assert read_definition(layout, "web") == Definition((), DEFAULT_WAIT, None)


@pytest.mark.parametrize("content", ["", "[]", '{"wait": "soon"}', '{"listen": 5}', "\0"])
def test_a_damaged_file_is_named(layout: Layout, content: str) -> None:
    path = layout.sv / "web/ctl.json"
    path.write_text(content)
    with pytest.raises(CtlError, match=str(path)):
        read_definition(layout, "web")


def test_lists_leave_out_what_runsvdir_leaves_out(layout: Layout) -> None:
    layout.service.mkdir(parents=True)
    for name in ("web", "api", ".web.123"):
        (layout.service / name).symlink_to(f"../sv/{name}")
    assert enabled_names(layout) == ["api", "web"]
    assert defined_names(layout) == ["web"]


def test_an_empty_root_has_no_services(tmp_path: Path) -> None:
    assert enabled_names(Layout(tmp_path)) == defined_names(Layout(tmp_path)) == []
