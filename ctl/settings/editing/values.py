"""Values on the command line, and how they are written in a settings file."""

from __future__ import annotations

import ast
import math
import warnings
from typing import Any

from ctl.errors import UsageFault
from ctl.settings.editing.naming import Setting
from ctl.settings.place import Refused
from ctl.settings.types.base import NO_LITERAL
from ctl.settings.written import python_value


def value_of(setting: Setting, text: str) -> Any:  # noqa: ANN401 - a value of the settings language
    """What a word on the command line means: a Python literal, or where the setting is text, itself.

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
    try:
        return setting.type.parse_word(text, _literal(text, setting.name))
    except Refused as refused:
        raise UsageFault(f"the value of {setting.name} {refused.message}", hint=refused.hint) from None


def _literal(text: str, name: str) -> Any:  # noqa: ANN401
    """The value of a Python literal, or NO_LITERAL."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = ast.literal_eval(text.strip())
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return NO_LITERAL
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
