"""Quoting of values for the language of the file that they enter: YAML, NGINX, shell, logrotate."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping


class Quoted(str):
    """Text that is already in the language of its file."""

    __slots__ = ()


_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_YAML_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null"])
"""Words that YAML 1.1 reads as a boolean or as nothing."""
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
"""What JSON leaves as it is but YAML reads as a line break or refuses (YAML 1.2, 5.1)."""
_PLAIN_NGINX = re.compile(r"[A-Za-z0-9_./:$@%+,=*^|?!&-]+")
_CONTROL = re.compile("[\x00-\x1f\x7f]")


def yaml(value: object, indent: int = 0) -> Quoted:
    """A value as YAML, as it follows `key:` directly (it begins with the separator).

    Args:
        value: a scalar, or mappings and lists of such; strings always come out in double quotes, so that
            `#`, `: `, `0123456` and `y` arrive as written.
        indent: columns of the key that it follows.

    Returns:
        " scalar", or line breaks and lines indented by two columns more than the key.

    Raises:
        ValueError: a value of a type that YAML does not know.
    """
    return Quoted("".join(_emit(value, indent)))


def _emit(value: object, indent: int) -> Iterable[str]:
    if isinstance(value, Mapping) and value:
        pad = " " * (indent + 2)
        for key, item in value.items():
            yield f"\n{pad}{_yaml_key(key)}:"
            yield from _emit(item, indent + 2)
    elif isinstance(value, list | tuple) and value:
        pad = " " * (indent + 2)
        for item in value:
            yield f"\n{pad}-"
            yield from _emit(item, indent + 2)
    else:
        yield " " + _yaml_scalar(value)


def _yaml_key(key: object) -> str:
    if isinstance(key, str) and _PLAIN_KEY.fullmatch(key) and key.lower() not in _YAML_WORDS:
        return key
    return _yaml_scalar(key)


def _yaml_scalar(value: object) -> str:
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, float) and value == value and abs(value) != float("inf"):
        mantissa, exponent, power = json.dumps(value).partition("e")
        # Without a point, 1e-06 is a text in YAML 1.1.
        return (mantissa if "." in mantissa else mantissa + ".0") + exponent + power
    raise ValueError(f"a value of type {type(value).__name__} cannot be written as YAML")


def nginx(value: object) -> Quoted:
    """A value as one parameter of an NGINX directive, quoted where it must be; `$variables` stay variables.

    Raises:
        ValueError: the value holds a control character, which no NGINX parameter can.
    """
    text = str(value)
    if _CONTROL.search(text):
        raise ValueError("a control character (such as a line break) cannot be written in an NGINX parameter")
    if _PLAIN_NGINX.fullmatch(text):
        return Quoted(text)
    return Quoted('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')


def nginx_words(value: object) -> Quoted:
    """A text or list of several parameters of an NGINX directive ("TLSv1.2 TLSv1.3"), each quoted on its own.

    Raises:
        ValueError: as `nginx`.
    """
    words = value.split() if isinstance(value, str) else value if isinstance(value, list | tuple) else [value]
    return Quoted(" ".join(nginx(word) for word in words))


def shell(value: object) -> Quoted:
    """A value as one word of a POSIX shell command.

    Raises:
        ValueError: the value holds a NUL, which no argument can.
    """
    text = str(value)
    if "\0" in text:
        raise ValueError("a NUL cannot be written in a shell script")
    return Quoted(shlex.quote(text))


def logrotate(folder: object, pattern: str) -> Quoted:
    """The files of a folder as one quoted pattern that begins a block of logrotate.conf.

    logrotate splits the line as popt does, and gives each word to glob(7). It looks for the brace that begins
    the block before either, so no quoting lets one through: "?" takes its place.

    Args:
        folder: absolute; nothing in its name is taken for a pattern.
        pattern: of the files in it, as "*.log".

    Raises:
        ValueError: the folder's name holds a line break or the like, which logrotate's language cannot.
    """
    text = str(folder)
    if _CONTROL.search(text):
        raise ValueError("a control character (such as a line break) cannot be written in logrotate.conf")
    plain = re.sub(r"[{}]", "?", re.sub(r"[\\*?\[\]]", r"\\\g<0>", text))
    return Quoted('"' + plain.replace('"', '\\"') + f'/{pattern}"')


def verbatim(value: object) -> Quoted:
    """Text that is meant to be in the file's own language: snippets that the administrator wrote."""
    return Quoted(str(value))


FILTERS: Mapping[str, Callable[..., Quoted]] = {
    "yaml": yaml,
    "nginx": nginx,
    "nginx_words": nginx_words,
    "shell": shell,
    "logrotate": logrotate,
    "verbatim": verbatim,
}
"""The names under which templates know them."""
