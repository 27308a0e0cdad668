"""The page on a site's own recipes says what the code says."""

from __future__ import annotations

from pathlib import Path

from ctl.converge.model import Resource
from ctl.node.recipe_manual import RESOURCES, manual
from ctl.settings.components import COMPONENTS

TOP = Path(__file__).resolve().parents[2]


def test_the_page_is_up_to_date() -> None:
    written = (TOP / "docs/recipes.md").read_text()
    assert written == manual(), "run: python -m ctl.node.recipe_manual > docs/recipes.md"


def test_every_resource_of_the_shipped_recipes_is_on_the_page() -> None:
    used = "\n".join(path.read_text() for path in (TOP / "recipes").glob("*.py"))
    from ctl import converge

    for name in converge.__all__:
        thing = getattr(converge, name)
        if isinstance(thing, type) and f"yield {name}(" in used and thing is not Resource:
            assert thing in RESOURCES


def test_every_component_is_on_the_page() -> None:
    for component in COMPONENTS:
        assert f"| `{component.name}`" in manual()
