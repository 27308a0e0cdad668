"""The settings as a JSON Schema (draft 2020-12), from their declarations.

It describes both what a settings file may give and what `ctl show-config --format json --show-secrets` shows.
Where the two differ it takes either: a port may be 5005 and "5005", and None stands for what is not given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ctl.settings.addresses import Url
from ctl.settings.manual.starter import default_in_words
from ctl.settings.option import Option
from ctl.settings.options import OLD_VHOST, OPTIONS
from ctl.settings.options.foreign import ELSEWHERE, FOREIGN, HALF_OURS
from ctl.settings.options.storage import DEPRECATED, DRIVERS, FEATURES, Storage
from ctl.settings.quantities import CronField, Duration, Lifetime, NginxTime, Size
from ctl.settings.shapes import Free, ListOf, MapOf, Parameter, Schema, Unknown
from ctl.settings.types import Bool, Either, Enum, Integer, Number, OneOf, OnOff, Scalar, Type, Words

Node = dict[str, Any]
"""A schema, or part of one."""

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_DIGITS: Final = "^[+-]?[0-9]{1,18}$"
_TEXT: Final[Node] = {"type": "string"}
_FOREIGN: Final[Node] = {"description": "Belongs to a component that is not run here."}
_BOOLEAN: Final[Node] = {"anyOf": [{"type": "boolean"}, {"enum": ["true", "false"]}]}


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
    for key in sorted(ELSEWHERE.get(prefix.removesuffix("."), ())):
        properties.setdefault(key, _FOREIGN)
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": prefix.removesuffix(".") in HALF_OURS,
    }


def _option(option: Option) -> Node:
    found: Node = {"description": option.description}
    if option.deprecated:
        found |= {"deprecated": True, "description": f"{option.description} It {option.deprecated}."}
    if option.secret:
        found["writeOnly"] = True
    if option.rule is None and not option.default_text and option.default is not None:
        found["default"] = option.default
    elif default_in_words(option):
        found["description"] += f" Default: {default_in_words(option)}."
    return found | _or_null(node(option.type))


def _or_null(inner: Node) -> Node:
    """A setting that is None counts as not given."""
    if not inner:
        return {}
    choices = inner["anyOf"] if set(inner) == {"anyOf"} else [inner]
    return {"anyOf": [*choices, {"type": "null"}]}


def node(kind: Type) -> Node:
    """The schema of a type: text, unless it is declared below.

    Args:
        kind: the type.
    """
    for known, make in _MAKERS:
        if isinstance(kind, known):
            return make(kind)
    return _TEXT


def _integer(kind: Integer) -> Node:
    limits = {"minimum": kind._minimum, "maximum": kind._maximum}
    number: Node = {"type": "integer"} | {name: one for name, one in limits.items() if one is not None}
    return {"anyOf": [number, {"type": "string", "pattern": _DIGITS}]}


def _enum(words: tuple[str, ...], *more: object) -> Node:
    """Words; those that look like numbers may be given as such."""
    numbers = [float(word) for word in words if word.replace(".", "", 1).isdigit()]
    return {"enum": [*words, *more, *(int(one) if one.is_integer() else one for one in numbers)]}


def _size(kind: Size) -> Node:
    return {"anyOf": [{"type": "integer", "minimum": kind._minimum}, _TEXT]}


def _list(kind: ListOf) -> Node:
    many: Node = {"type": "array", "items": node(kind.element)}
    return {"anyOf": [many, node(kind.element)]} if kind._single else many


def _map(kind: MapOf) -> Node:
    value = node(kind._value)
    return {"type": "object", "additionalProperties": _or_null(value) if kind._none_removes else value}


def _mapping(kind: Schema) -> Node:
    found: Node = {
        "type": "object",
        "properties": {name: _parameter(one) for name, one in kind.parameters.items()},
        "additionalProperties": kind._unknown is not Unknown.ERROR,
    }
    required = [one.name for one in kind.parameters.values() if one.required]
    return found | ({"required": required} if required else {})


def _parameter(parameter: Parameter) -> Node:
    what = parameter.description
    hidden: Node = {"writeOnly": True} if parameter.secret else {}
    old: Node = {"deprecated": True} if what.startswith("deprecated") else {}
    inner = node(parameter.type)
    return {"description": what} | hidden | old | (inner if parameter.required else _or_null(inner))


def _storage(_kind: Storage) -> Node:
    """One driver, and what stands beside it."""
    drivers = {name: _driver(name, one) for name, one in DRIVERS.items()}
    beside = {name: _or_null(_mapping(one)) for name, one in FEATURES.items()}
    return {
        "type": "object",
        "properties": drivers | beside,
        "additionalProperties": False,
        "oneOf": [{"required": [name]} for name in DRIVERS],
    }


def _driver(name: str, parameters: Schema) -> Node:
    return _mapping(parameters) | ({"deprecated": True} if name in DEPRECATED else {})


def _one_of(kind: OneOf) -> Node:
    return {"anyOf": [node(one) for one in kind._types]}


_MAKERS: Final[tuple[tuple[type[Type], Callable[[Any], Node]], ...]] = (
    (Bool, lambda _: _BOOLEAN),
    (Integer, _integer),
    (Number, lambda _: {"anyOf": [{"type": "number"}, {"type": "string", "pattern": _DIGITS}]}),
    (Scalar, lambda _: {"type": ["string", "number", "boolean"]}),
    (Enum, lambda kind: _enum(kind.words)),
    (OnOff, lambda kind: _enum(kind._words.words, True, False)),
    (Either, lambda kind: _enum(kind._words, True, False, "true", "false")),
    (Words, lambda _: {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}),
    (Size, _size),
    (Duration, lambda _: {"anyOf": [_TEXT, {"const": 0}]}),
    (Lifetime, lambda _: {"anyOf": [{"type": "integer", "minimum": 1}, _TEXT]}),
    (NginxTime, lambda _: {"anyOf": [_TEXT, {"type": "integer", "minimum": 0}]}),
    (CronField, lambda _: {"type": ["string", "integer"]}),
    (Url, lambda _: {"type": "string", "format": "uri", "pattern": "^https?://"}),
    (OneOf, _one_of),
    (ListOf, _list),
    (MapOf, _map),
    (Storage, _storage),
    (Schema, _mapping),
    (Free, lambda kind: {"type": "object"} if kind.label == "mapping" else {}),
)
"""Types that are more than text, and how each is described. Their arguments are read here and nowhere else."""
