"""Loads recipes: the shipped ones in their order, then the site's own, each a file with a `recipe` function."""

from __future__ import annotations

import os
import stat
import traceback
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from ctl.converge import Item
from ctl.errors import CtlError
from ctl.node.node import Node
from ctl.paths import Layout
from ctl.text.content import content_folder

ORDER = (
    "secrets",
    "runit",
    "gitlab_rails",
    "registry",
    "registry_auth",
    "token_pair",
    "nginx",
    "letsencrypt",
    "logrotate",
)
"""The shipped recipes: what others build on comes first."""

Recipe = Callable[[Node], Iterator[Item]]


def items(node: Node) -> Iterator[Item]:
    """Every resource and validation of a node, in order.

    Raises:
        CtlError: a recipe is broken or not safe to run; names the file and line.
    """
    for path in recipe_files(node.layout):
        recipe = load(path)
        try:
            yield from recipe(node)
        except CtlError:
            raise
        except Exception as error:
            raise CtlError(f"recipe {_place(error, path)}: {type(error).__name__}: {error}") from error


def recipe_files(layout: Layout) -> list[Path]:
    """The files of all recipes; the site's own in the order of their names."""
    shipped = [content_folder("recipes") / f"{name}.py" for name in ORDER]
    site = sorted(layout.site_recipes.glob("*.py")) if layout.site_recipes.is_dir() else []
    for path in site:
        _refuse_unsafe(path)
    return shipped + site


def load(path: Path) -> Recipe:
    """Run a recipe file and return its `recipe` function.

    Raises:
        CtlError: the file cannot be run, or defines no such function.
    """
    spec = spec_from_file_location(f"ctl_recipe_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise CtlError(f"recipe {path}: not a Python file")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise CtlError(f"recipe {_place(error, path)}: {type(error).__name__}: {error}") from error
    recipe: object = getattr(module, "recipe", None)
    if not callable(recipe):
        raise CtlError(f"recipe {path}: defines no function recipe(node)")
    return recipe


def _refuse_unsafe(path: Path) -> None:
    """A recipe runs with the rights of this process: only its own account, or root, may be able to write it."""
    for place in (path, path.parent):
        facts = place.stat()
        if facts.st_uid not in (0, os.geteuid()) or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise CtlError(
                f"recipe {place}: others than its owner root can write it",
                hint=f"chown root {place} && chmod go-w {place}",
            )


def _place(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"{path}:{error.lineno}"
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
    ]
    return f"{path}:{lines[-1]}" if lines else str(path)
