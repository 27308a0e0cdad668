"""The settings as a JSON Schema (draft 2020-12), from their declarations.

It describes both what a settings file may give and what `ctl show-config --format json --show-secrets` shows.
Where the two differ it takes either: a port may be 5005 and "5005", and None is what is not given.
"""

from __future__ import annotations

from typing import Final

from ctl.settings.option import Option
from ctl.settings.options import OLD_VHOST, OPTIONS
from ctl.settings.options.foreign import ELSEWHERE, FOREIGN, HALF_OURS, NOT_DONE
from ctl.settings.types.base import Node, or_null

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_FOREIGN: Final[Node] = {"description": "Belongs to a component that is not run here."}


def schema() -> Node:
    """The schema of all settings."""
    tree = _section("")
    vhost = tree["properties"]["registry"]["properties"]["nginx"]
    old = {**vhost, "deprecated": True, "description": 'Older spelling of registry["nginx"].'}
    tree["properties"][OLD_VHOST] = old
    tree["properties"] |= {name: _FOREIGN for name in sorted(FOREIGN) if name not in tree["properties"]}
    return {
        "$schema": DIALECT,
        "title": "Settings of ctl",
        "description": "The settings file, as `ctl settings template --all` explains it.",
        **tree,
        "patternProperties": {"_role$": _FOREIGN},
    }


def _section(prefix: str) -> Node:
    """A group of options: those below a dotted name."""
    properties: Node = {}
    for name, option in OPTIONS.items():
        if not name.startswith(prefix):
            continue
        key, dot, _ = name.removeprefix(prefix).partition(".")
        if key not in properties:
            properties[key] = _section(f"{prefix}{key}.") if dot else _option(option)
    section = prefix.removesuffix(".")
    for key in sorted(ELSEWHERE.get(section, ())):
        properties.setdefault(key, _FOREIGN)
    for key, reason in NOT_DONE.get(section, {}).items():
        properties[key] = {"description": f"Not done here: {reason}."}
    return {"type": "object", "properties": properties, "additionalProperties": section in HALF_OURS}


def _option(option: Option) -> Node:
    found: Node = {"description": option.description}
    if option.secret:
        found["writeOnly"] = True
    if option.rule is None and not option.default_text and option.default is not None:
        found["default"] = option.default
    elif option.default_in_words:
        found["description"] += f" Default: {option.default_in_words}."
    return found | or_null(option.type.json_schema())
