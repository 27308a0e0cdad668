"""Recipes: the shipped ones first, then a site's own, which only its owner may be able to write."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from ctl.converge import File
from ctl.errors import CtlError, PreflightError
from ctl.node.node import Node
from ctl.node.recipes import load, recipe_files, shipped_names
from ctl.paths import Layout

GOOD = """
from ctl.converge import File
def recipe(node):
    yield File(node.layout.path("/etc/motd"), content="hello")
"""


@pytest.fixture
def site(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    layout.site_recipes.mkdir(parents=True, mode=0o755)
    return layout


def put(layout: Layout, name: str, text: str, mode: int = 0o644) -> Path:
    path = layout.site_recipes / name
    path.write_text(text)
    path.chmod(mode)
    return path


def test_every_shipped_recipe_is_in_the_order() -> None:
    shipped = {path.stem for path in (Path(__file__).parents[2] / "recipes").glob("*.py")}
    assert len(shipped_names()) == len(shipped)
    assert shipped == set(shipped_names())


def test_a_sites_recipes_come_last_by_name(site: Layout) -> None:
    put(site, "b.py", GOOD)
    put(site, "a.py", GOOD)
    assert [path.stem for path in recipe_files(site)] == [*shipped_names(), "a", "b"]


def test_a_sites_recipe_yields_resources(site: Layout) -> None:
    class FakeNode:
        layout = site

    items = list(load(put(site, "a.py", GOOD)).items(cast(Node, FakeNode())))
    assert items == [File(site.path("/etc/motd"), content="hello")]


class NodeWith:
    """What a check needs of a node: whether the component is enabled."""

    def __init__(self, *, enabled: bool) -> None:
        self.attributes = {"registry.enable": enabled}


CHECKED = """
from ctl.errors import PreflightError
from ctl.settings.component import Component
COMPONENT = Component("app", switch="registry.enable")
def preflight(node):
    raise PreflightError("no licence on this machine")
def recipe(node):
    return ()
"""


def test_a_recipe_may_refuse_a_machine_where_its_component_is_enabled(site: Layout) -> None:
    recipe = load(put(site, "a.py", CHECKED))
    with pytest.raises(PreflightError, match="no licence on this machine"):
        recipe.check(cast(Node, NodeWith(enabled=True)))
    recipe.check(cast(Node, NodeWith(enabled=False)))


def test_a_broken_check_of_a_recipe_is_named_with_its_line(site: Layout) -> None:
    recipe = load(put(site, "a.py", GOOD + "def preflight(node):\n    return 1 / node\n"))
    with pytest.raises(CtlError, match=r"a\.py:6: TypeError"):
        recipe.check(cast(Node, NodeWith(enabled=True)))


@pytest.mark.parametrize("mode", [0o666, 0o664, 0o646])
def test_a_recipe_that_others_can_write_is_refused(site: Layout, mode: int) -> None:
    path = put(site, "a.py", GOOD, mode)
    with pytest.raises(CtlError, match="may be changed by other accounts") as caught:
        recipe_files(site)
    assert str(path) in caught.value.message


def test_a_folder_that_others_can_write_is_refused(site: Layout) -> None:
    put(site, "a.py", GOOD)
    site.site_recipes.chmod(0o777)
    with pytest.raises(CtlError, match="may be changed by other accounts"):
        recipe_files(site)


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("x = 1\n", "defines no function recipe"),
        ("\nrecipe = = 1\n", r"a\.py:2: SyntaxError"),
        ("import sys\nsys.exit(3)\n", r"a\.py:2: SystemExit"),
        ("def recipe(node): ...\n1 / 0\n", r"a\.py:2: ZeroDivisionError"),
    ],
)
def test_a_broken_recipe_is_named_with_its_line(site: Layout, text: str, output: str) -> None:
    with pytest.raises(CtlError, match=output):
        load(put(site, "a.py", text))
