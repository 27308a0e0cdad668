"""Loads recipes: the shipped ones in their order, then the site's own, each a file with a `recipe` function."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from ctl.converge import Item, Service
from ctl.converge.order import order
from ctl.converge.written import Written
from ctl.errors import CtlError
from ctl.machine.trusted import unsafe
from ctl.node.node import Node
from ctl.paths import Layout
from ctl.services.definition import enabled_names
from ctl.settings.component import Component, needs
from ctl.settings.components import COMPONENTS
from ctl.text.content import content_folder

FIRST, LAST = ("secrets", "runit"), ("token_pair",)
"""The shipped recipes of no component: what every component builds on, and what is for several of them."""

Yields = Callable[[Node], Iterable[Item]]


@dataclass(frozen=True)
class Recipe:
    """A recipe's file.

    Args:
        path: the file.
        wanted: its function `recipe`.
        component: its COMPONENT; None for a recipe that is always wanted.
        without: its function `without`, for what must go where the component is not enabled.
        preflight: its function `preflight`, which raises a PreflightError where the node cannot have the component.
    """

    path: Path
    wanted: Yields
    component: Component | None = None
    without: Yields | None = None
    preflight: Callable[[Node], None] | None = None

    def check(self, node: Node) -> None:
        """Ask, before anything changes, whether the node can have its component.

        Raises:
            PreflightError: it cannot; says why, and what to do.
            CtlError: the function is broken; names the file and line.
        """
        if self.preflight is not None and self._runs(node):
            with self._placed():
                self.preflight(node)

    def items(self, node: Node) -> Iterator[Item]:
        """What it yields for a node.

        Raises:
            CtlError: it is broken; names the file and line.
        """
        with self._placed():
            yield from self._items(node)

    def _items(self, node: Node) -> Iterator[Item]:
        if self.component is None or self._runs(node):
            yield from self.wanted(node)
            return
        if self.component.supervised:
            yield Service(self.component.name, enabled=False)
        if self.without is not None:
            yield from self.without(node)

    def _runs(self, node: Node) -> bool:
        return self.component is None or self.component.runs(node.attributes)

    @contextmanager
    def _placed(self) -> Iterator[None]:
        """Put the file and line of the recipe before what goes wrong in it."""
        try:
            yield
        except CtlError:
            raise
        except Exception as error:
            raise CtlError(f"recipe {_place(error, self.path)}: {type(error).__name__}: {error}") from error


def items(node: Node, recipes: Iterable[Recipe]) -> Iterator[Item]:
    """Every resource and validation of a node, in order.

    Raises:
        CtlError: a recipe is broken; names the file and line.
    """
    for recipe in recipes:
        yield from recipe.items(node)


def abandoned(layout: Layout, wanted: Iterable[Item]) -> Iterator[Service]:
    """Services that ctl wrote and that no recipe describes any more, as one that was removed: to be disabled.

    What somebody else has put among the supervisor's services is left alone.
    """
    described = {one.service for one in wanted if isinstance(one, Service)}
    written = Written.read(layout)
    for name in enabled_names(layout):
        if name not in described and written.holds(layout.sv / name / "run"):
            yield Service(name, enabled=False)


def load_recipes(layout: Layout) -> list[Recipe]:
    """All recipes, in order.

    Raises:
        CtlError: a recipe cannot be run, or is not safe to run.
    """
    return [load(path) for path in recipe_files(layout)]


def components_of(recipes: Iterable[Recipe]) -> tuple[Component, ...]:
    """The components that recipes declare.

    Raises:
        CtlError: two of them have one name, or they need each other in a circle.
    """
    owners: dict[str, Recipe] = {}
    for recipe in recipes:
        if recipe.component is not None:
            name = recipe.component.name
            if owners.setdefault(name, recipe) is not recipe:
                raise CtlError(
                    f"recipe {recipe.path}: component {name!r} is declared in {owners[name].path} too",
                    hint="Give it another name.",
                )
    found = tuple(recipe.component for recipe in owners.values() if recipe.component is not None)
    order({one.name: needs(found, one) for one in found})
    return found


def recipe_files(layout: Layout) -> list[Path]:
    """The files of all recipes; the site's own in the order of their names."""
    shipped = [content_folder("recipes") / f"{name}.py" for name in shipped_names()]
    site = sorted(layout.site_recipes.glob("*.py")) if layout.site_recipes.is_dir() else []
    for path in site:
        _refuse_unsafe(path)
    return shipped + site


def shipped_names() -> list[str]:
    """The shipped recipes: each component's after those of the components that it needs."""
    recipes = {one.name: one.recipe or one.name for one in COMPONENTS}
    ordered = order({one.name: needs(COMPONENTS, one) for one in COMPONENTS})
    return [*FIRST, *(recipes[name] for name in ordered), *LAST]


def load(path: Path) -> Recipe:
    """Run a recipe's file.

    Raises:
        CtlError: the file cannot be run, or does not define what it must.
    """
    spec = spec_from_file_location(f"ctl_recipe_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise CtlError(f"recipe {path}: not a Python file")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise CtlError(f"recipe {_place(error, path)}: {type(error).__name__}: {error}") from error
    component: object = getattr(module, "COMPONENT", None)
    if component is not None and not isinstance(component, Component):
        raise CtlError(f"recipe {path}: COMPONENT is no ctl.settings.component.Component")
    wanted = _function(module, "recipe", path)
    if wanted is None:
        raise CtlError(f"recipe {path}: defines no function recipe(node)")
    without, preflight = (_function(module, name, path) for name in ("without", "preflight"))
    return Recipe(path, wanted, component, without, preflight)


def _function(module: ModuleType, name: str, path: Path) -> Callable[[Node], Any] | None:
    found: Callable[[Node], Any] | None = getattr(module, name, None)
    if found is not None and not callable(found):
        raise CtlError(f"recipe {path}: {name} is no function")
    return found


def _refuse_unsafe(path: Path) -> None:
    """A recipe runs with the rights of this process: only its own account, or root, may be able to write it."""
    found = unsafe(path)
    if found:
        raise CtlError(f"recipe {path} {found.message}", hint=found.hint)


def _place(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"{path}:{error.lineno}"
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
    ]
    return f"{path}:{lines[-1]}" if lines else str(path)
