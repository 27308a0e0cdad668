"""Values on the command line, and how they are written in a settings file."""

from __future__ import annotations

import ast
import math
import warnings
from typing import Any, Final

from ctl.errors import UsageFault
from ctl.settings.addresses import AbsolutePath, Address, ListenAddress, Network, Url
from ctl.settings.editing.naming import Setting
from ctl.settings.manual.starter import python_value
from ctl.settings.options.storage import Bucket, Storage
from ctl.settings.quantities import CronField
from ctl.settings.shapes import Free, ListOf, MapOf, Schema
from ctl.settings.types import Bool, Enum, OneOf, Scalar, Snippet, Text, Type, Words

_TEXTS: Final = (
    *(Text, Snippet, Enum, Words, Url, Address, ListenAddress, Network, AbsolutePath, Bucket),
    *(CronField, Scalar),
)
"""Types of which a value is text: 5000 and True are words here, and need no quotes."""

_LITERALS: Final[dict[type[Type], tuple[type, ...]]] = {Scalar: (bool,), CronField: (int,), Enum: (int,)}
"""What stays a literal in some of them."""

_MAPPINGS: Final = (Storage, Schema, MapOf)
_WORDS: Final = {"true": True, "false": False}
_NO_LITERAL: Final = object()


def value_of(setting: Setting, text: str) -> Any:  # noqa: ANN401 - a value of the settings language
    """What a word on the command line stands for: a Python literal, or where the setting is text, itself.

    Args:
        setting: the setting that it is a value of.
        text: the word, or what standard input gave.

    Raises:
        UsageFault: the setting is a list or dictionary, and this is no literal of one; or it is no text.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageFault(f"the value of {setting.name} is not UTF-8 text") from None
    return _as_type(setting.type, text, setting.name)


def _as_type(kind: Type, text: str, name: str) -> Any:  # noqa: ANN401
    while isinstance(kind, OneOf):
        kind = kind._types[0]  # the likeliest, and the one whose errors are shown
    literal = _literal(text, name)
    if isinstance(kind, _TEXTS):
        kept = literal is None or isinstance(literal, (str, *_LITERALS.get(type(kind), ())))
        return literal if kept else text
    if isinstance(kind, Bool) and text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if isinstance(kind, ListOf) and not isinstance(literal, list) and literal is not None:
        return [_as_type(kind.element, text, name)]
    if literal is _NO_LITERAL and (isinstance(kind, _MAPPINGS) or _is_free_mapping(kind)):
        raise UsageFault(
            f"the value of {name} must be a dictionary as Python writes it",
            hint="""Put it in single quotes: '{"key": "value"}'""",
        )
    return text if literal is _NO_LITERAL else literal


def _is_free_mapping(kind: Type) -> bool:
    return isinstance(kind, Free) and kind.label == "mapping"


def _literal(text: str, name: str) -> Any:  # noqa: ANN401
    """The value of a Python literal, or _NO_LITERAL."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = ast.literal_eval(text.strip())
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return _NO_LITERAL
    return _plain(value, name)


def _plain(value: object, name: str) -> Any:  # noqa: ANN401
    """The value with lists for tuples, if a setting can have it."""
    if value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, list | tuple):
        return [_plain(one, name) for one in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(one, name) for key, one in value.items()}
    raise UsageFault(
        f"the value of {name} is none that a setting can have",
        hint="There are texts, numbers, True, False, None, lists, and dictionaries with texts as keys.",
    )


def source_of(value: object) -> str:
    """A value as it is written in a settings file; a text of several lines keeps them."""
    lines = isinstance(value, str) and "\n" in value and value.replace("\n", "").isprintable()
    if isinstance(value, str) and lines and not any(sign in value for sign in '"\\'):
        return f'"""{value}"""'
    return python_value(value)
