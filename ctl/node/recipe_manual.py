"""The page on a site's own recipes (docs/recipes.md), made from the docstrings of what recipes use.

python -m ctl.node.recipe_manual > docs/recipes.md
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ctl import converge
from ctl.converge.model import Validation
from ctl.machine.health import FolderCheck, HttpCheck
from ctl.node.node import Node, Programs
from ctl.node.runit_service import component_account, runit_service
from ctl.paths import Layout
from ctl.settings.component import Account, Component, account_settings, listens_at, own_account
from ctl.settings.components import COMPONENTS
from ctl.tls import ServerCertificate

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/recipes.d/downloads.py"
HEAD = """\
# A site's own recipes

Written by `python -m ctl.node.recipe_manual` from the docstrings of the code.

A recipe is a Python file in `/etc/gitlab/recipes.d`, run by `ctl reconfigure` with the rights of root: the file and
its folder may be writable by root alone. Its function `recipe(node)` yields resources, as the recipes of ctl itself do
(folder `recipes`), after those and in the order of the files' names. It describes how the machine must be, and never
looks how it is: each resource compares, shows its difference, applies it, and undoes it when the run fails.

A recipe that adds a service declares it as `COMPONENT`. From the declaration ctl knows its account, its addresses
and its log, and refuses what another component has already; in which order services start; and which signals mean
something to it. Where `COMPONENT` is not enabled, its service is stopped and removed, and the function
`without(node)`, if there is one, yields instead of `recipe(node)`. A function `preflight(node)` raises
`ctl.errors.PreflightError` where the machine cannot have the component: nothing is changed then.

mypy finds a wrong name or type in a recipe: `mypy --strict /etc/gitlab/recipes.d/downloads.py`, with the Python of
ctl. `ctl reconfigure --dry-run --diff` shows what a recipe would do.

## A service in one file

`examples/recipes.d/downloads.py`:

"""
LARGEST_DECIMAL = 99
"""Numbers above it are modes of files."""
LONGEST = 40
RESOURCES = (
    converge.Directory,
    converge.File,
    converge.Template,
    converge.FileRights,
    converge.Symlink,
    converge.Absent,
    converge.EnvDirectory,
    converge.YamlPart,
    converge.Group,
    converge.User,
    converge.Command,
    converge.Service,
    ServerCertificate,
    Validation,
)
SECTIONS: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
    ("What a recipe sees", "", (Node, Programs, Layout)),
    (
        "Resources",
        "From `ctl.converge`; paths are absolute, `node.layout.path` moves them below --root.",
        RESOURCES,
    ),
    ("What resources notify", "From `ctl.converge`.", (converge.restart, converge.reload)),
    ("Services", "From `ctl.node.runit_service`.", (runit_service, component_account)),
    (
        "Components",
        "From `ctl.settings.component`.",
        (Component, Account, own_account, account_settings, listens_at),
    ),
    ("What says that a component is healthy", "From `ctl.machine.health`.", (HttpCheck, FolderCheck)),
)


def manual() -> str:
    """The whole page, in Markdown."""
    parts = [f"{HEAD}```python\n{EXAMPLE.read_text(encoding='utf-8')}```\n"]
    for title, where, things in SECTIONS:
        parts.append(f"## {title}\n" + (f"\n{where}\n" if where else ""))
        parts += ["\n".join(_entry(thing)) for thing in things]
    parts.append("\n".join(_components()))
    return "\n".join(parts)


def _entry(thing: Any) -> Iterator[str]:  # noqa: ANN401 - a class or a function
    """A heading, how it is called, what the docstring says, its arguments as a list."""
    yield f"### {thing.__name__}\n"
    text, *_ = (inspect.getdoc(thing) or "").partition("\nArgs:\n")
    yield f"`{_call(thing)}`\n\n{text.strip()}\n"
    for line in _arguments(thing):
        names, _, what = line.partition(": ")
        yield f"- `{names}`: {what}"
    if inspect.isclass(thing):
        yield from (f"- `.{name}`: {what}" for name, what in _properties(thing))
    yield ""


def _call(thing: Any) -> str:  # noqa: ANN401
    """The name with its parameters and their plain defaults."""
    parameters = inspect.signature(thing).parameters.values()
    shown = [one for one in parameters if not one.name.startswith("_")]
    words = [one.name if one.default is one.empty else f"{one.name}={_default(one.default)}" for one in shown]
    first = next((index for index, one in enumerate(shown) if one.kind is one.KEYWORD_ONLY), None)
    if first is not None:
        words.insert(first, "*")
    return f"{thing.__name__}({', '.join(words)})"


def _default(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value > LARGEST_DECIMAL:
        return f"0o{value:o}"
    return repr(value) if isinstance(value, str | int | tuple | None) and len(repr(value)) < LONGEST else "…"


def _arguments(thing: Any) -> list[str]:  # noqa: ANN401
    """The lines under "Args:", those of base classes too."""
    found: dict[str, str] = {}
    for one in reversed(thing.__mro__ if inspect.isclass(thing) else [thing]):
        _, _, rest = inspect.cleandoc(one.__doc__ or "").partition("\nArgs:\n")
        for line in _joined(rest.partition("\n\n")[0]):
            found[line.partition(": ")[0]] = line
    return list(found.values())


def _joined(arguments: str) -> Iterator[str]:
    """The lines of an argument as one."""
    yield from (
        re.sub(r"\s+", " ", one).strip() for one in re.split(r"\n(?= {4}\S)", arguments) if one.strip()
    )


def _properties(thing: type) -> Iterator[tuple[str, str]]:
    for name, found in vars(thing).items():
        if isinstance(found, property) and thing in (Layout, Node):
            yield name, (inspect.getdoc(found) or "").splitlines()[0]


def _components() -> Iterator[str]:
    yield "## The components of ctl\n"
    yield "| name | what | enabled by | starts after | signals |"
    yield "|---|---|---|---|---|"
    for one in COMPONENTS:
        signals = "; ".join(f"{name}: {meaning}" for name, meaning in one.signals.items())
        kind = "" if one.supervised else " (no service)"
        yield f"| `{one.name}`{kind} | {one} | `{one.switch}` | {', '.join(one.after)} | {signals} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(manual())
