"""The stub that types `Node.attributes`, from the declarations: mypy finds a wrong name in a recipe by it.

python -m ctl.settings.manual.stub > ctl/settings/named.pyi
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from types import GenericAlias, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from ctl.settings.option import Option, Sourced, Unset
from ctl.settings.options import OPTIONS

HEAD = '''\
"""Every setting with its type. Generated: python -m ctl.settings.manual.stub > ctl/settings/named.pyi"""

from typing import Any

from ctl.settings.attributes import Section
'''


def stub() -> str:
    """The text of the stub: a class for each section, and one with all of them."""
    return f"{HEAD}\n{chr(10).join(_classes('Named', '', OPTIONS.values(), base=''))}"


def _classes(name: str, prefix: str, options: Iterable[Option], *, base: str) -> Iterator[str]:
    """The class of a section, after those of the sections in it."""
    own = {option.name.removeprefix(prefix): option for option in options if option.name.startswith(prefix)}
    inner = dict.fromkeys(key.partition(".")[0] for key in own if "." in key)
    for key in inner:
        yield from _classes(_class_name(prefix + key), f"{prefix}{key}.", own.values(), base="(Section)")
    yield f"class {name}{base}:"
    yield from (f"    {key}: {annotation(option)}" for key, option in own.items() if "." not in key)
    yield from (f"    {key}: {_class_name(prefix + key)}" for key in inner)
    yield ""


def _class_name(dotted: str) -> str:
    return "".join(part.capitalize() for part in dotted.replace(".", "_").split("_"))


def annotation(option: Option) -> str:
    """The type of an option's value. One that may be None is `| Any`: whoever reads it must know when it is there.

    What the type reads, and what a rule and a completion return, is in their own annotations.
    """
    value = _returned(option.finish or type(option.type).read)
    if option.default is None and not (option.rule and _always(option.rule.apply)):
        value.add(Any)
    names = {_name(one) for one in value - {type(None)}}
    return " | ".join(sorted(names, key=lambda name: (name == "Any", name)))


def _name(one: object) -> str:
    if isinstance(one, type) and not isinstance(one, GenericAlias):
        return one.__name__
    return str(one).replace("typing.", "")


def _always(rule: Callable[..., Any]) -> bool:
    return not _returned(rule) & {Any, object, type(None), Sourced, Unset}


def _returned(function: Callable[..., Any]) -> set[Any]:
    hint = get_type_hints(function).get("return", Any)
    return set(get_args(hint)) if get_origin(hint) in (Union, UnionType) else {hint}


if __name__ == "__main__":
    sys.stdout.write(stub())
