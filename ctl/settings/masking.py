"""Hides secrets in what is shown: YAML text (diffs of config.yml and gitlab.yml, old and new), and values.

YAML is masked by indentation, not by parsing: a file that somebody has edited may be no valid YAML any more.
Where in doubt more is hidden than would be needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import chain

from ctl.settings.option import Option
from ctl.settings.options import OPTIONS

MASK = "********"

_GENERAL = re.compile(
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|(?:auth|session|access|bearer|_)token|dsn|authorization|credentials?"
    r"|private_?key|secret_?key|access_?key|account_?key|api_?key)$",
    re.IGNORECASE,
)
"""Keys that hold secrets wherever they are: sections that are passed on as given have no declarations."""
_ENVIRONMENT = re.compile(
    r"(?:key|token|secret|pass(?:word|wd)?|pwd|credentials?|dsn|authorization)$", re.IGNORECASE
)

_HEADERS, _NOTIFICATIONS = "headers", ("notifications", "endpoints")
"""The headers of notifications are secret; those of the registry's own answers (http.headers) are not."""

_KEY = re.compile(
    r"([ \t]*)((?:-[ \t]+)*)"
    r"(\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'|(?!-[ \t])[^\s#\"'\[{][^\n]*?)"
    r"[ \t]*:(?=[ \t]|$)(.*)"
)
_FLOW = re.compile(r"[ \t]*(?:[!&]\S+[ \t]+)*[\[{]")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'", re.DOTALL)
"""A quoted text, with its style's form of a quote in it."""
_FLOW_KEY = re.compile(r"([\w.-]+)[\"']?[ \t\n]*:")
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@\"']+@")
_NOTHING = ("", "null", "~", '""', "''", "{}", "[]")


@cache
def secret_keys() -> frozenset[str]:
    """The keys under which declared secrets are in YAML files, in lower case."""
    found = {name for option in OPTIONS.values() for name in _secrets_of(option)}
    return frozenset(name.lower() for name in found - {_HEADERS})


def _secrets_of(option: Option) -> Iterator[str]:
    if option.secret:
        last = option.name.rpartition(".")[2]
        yield from (last, last.removeprefix("registry_"), last.removeprefix("http_"))
    yield from option.type.secrets()


def is_secret(key: str, ancestors: Iterable[str] = ()) -> bool:
    """Whether what is under a key is secret.

    Args:
        key: the key.
        ancestors: the keys above it.
    """
    name = key.lower()
    if name == _HEADERS:
        return any(ancestor in _NOTIFICATIONS for ancestor in ancestors)
    return name in secret_keys() or bool(_GENERAL.search(name))


def is_secret_variable(name: str) -> bool:
    """Whether an environment variable of this name holds a secret."""
    return is_secret(name) or bool(_ENVIRONMENT.search(name))


def mask_yaml(text: str) -> str:
    """YAML text with every secret value replaced by a mask; masking it again changes nothing.

    Args:
        text: a config.yml or gitlab.yml: as rendered, as the Linux package writes it, or edited by hand.
    """
    return "\n".join(_masked_lines(text.split("\n")))


def _masked_lines(lines: list[str]) -> Iterator[str]:
    code, comments = _Masker(), _Masker()
    index = 0
    while index < len(lines):
        line = lines[index]
        if line.lstrip().startswith("#"):
            before, _, rest = line.partition("#")
            after = lines[index + 1].lstrip() if index + 1 < len(lines) else ""
            following = after[1:] if after.startswith("#") else ""
            yield from (f"{before}#{shown}" for shown in comments.block([rest], following))
            index += 1
        else:
            size = _flow_size(lines, index)
            following = next((one for one in lines[index + size :] if one.strip()), "")
            yield from code.block(lines[index : index + size], following)
            index += size


def _flow_size(lines: list[str], index: int) -> int:
    """How many lines a flow collection that begins here takes: until its brackets are closed."""
    found = _KEY.fullmatch(lines[index])
    start = found.start(4) if found else 0
    if not _FLOW.match(lines[index][start:] if found else lines[index].lstrip(" \t-")):
        return 1
    first = lines[index][start:]
    if _flow_end(first) is not None:
        return 1
    text = "\n".join([first, *lines[index + 1 :]])
    end = _flow_end(text)
    return len(lines) - index if end is None else text.count("\n", 0, end) + 1


def _flow_end(text: str) -> int | None:
    """Where the first flow collection of a text ends; None where it does not (YAML 1.2, 7.4)."""
    depth, position, fresh = 0, 0, True
    while position < len(text):
        mark = text[position]
        if fresh and mark in "\"'":
            quoted = _QUOTED.match(text, position)
            if quoted is None:
                return None
            position, fresh = quoted.end(), False
            continue
        depth += (mark in "[{") - (mark in "]}")
        position += 1
        if mark in "]}" and depth <= 0:
            return position
        fresh = mark in "[{,:\n" or (fresh and mark.isspace())
    return None


class _Masker:
    """Goes through lines and remembers below which keys it is."""

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []
        self._hidden: int | None = None  # column of the secret key whose value still goes on

    def block(self, lines: list[str], following: str) -> Iterator[str]:
        """The shown form of a line, or of the lines of one flow collection; none of it below a secret key.

        Args:
            lines: them.
            following: the next line with anything on it.
        """
        if self._goes_on(lines[0]):
            yield from (line for line in lines if not line.strip())
            return
        self._hidden = None
        found = _KEY.fullmatch(lines[0])
        if found is None:
            yield from self._without_key(lines)
            return
        indent, dashes, key, value = found.groups()
        ancestors = self._enter(len(indent) + len(dashes), _unquoted(key))
        before = lines[0][: found.start(4)]
        if is_secret(_unquoted(key), ancestors):
            self._hidden = len(indent) + len(dashes)
            nothing = value.strip() in _NOTHING and not (following and self._goes_on(following))
            yield f"{before}{value}" if nothing else f'{before} "{MASK}"'
        elif len(lines) > 1 or _FLOW.match(value):
            yield from self._flow(lines, f'{before} "{MASK}"', [*ancestors, _unquoted(key)])
        else:
            yield _CREDENTIALS.sub(f"{MASK}@", lines[0])

    def _enter(self, column: int, key: str) -> list[str]:
        """Note that a key is in a column. Returns the keys above it."""
        self._path = [one for one in self._path if one[0] < column]
        ancestors = [name for _, name in self._path]
        self._path.append((column, key))
        return ancestors

    def _goes_on(self, line: str) -> bool:
        if self._hidden is None:
            return False
        if not line.strip():
            return True
        indent = len(line) - len(line.lstrip(" \t"))
        return indent > self._hidden or (
            indent == self._hidden and line.lstrip().startswith(("- ", "-\t", "]", "}"))
        )

    def _without_key(self, lines: list[str]) -> Iterator[str]:
        line = lines[0]
        if _FLOW.match(line.lstrip(" \t-")):
            indent = line[: len(line) - len(line.lstrip(" \t-"))]
            yield from self._flow(lines, f'{indent}"{MASK}"', [one for _, one in self._path])
        elif re.match(r"[ \t]*:[ \t]", line):  # the value of an explicit key: `? key`
            yield line[: line.index(":")] + f': "{MASK}"'
        else:
            yield _CREDENTIALS.sub(f"{MASK}@", line)

    @staticmethod
    def _flow(lines: list[str], masked: str, ancestors: list[str]) -> Iterator[str]:
        text = "\n".join(lines)
        keys = _FLOW_KEY.findall(text)
        if any(is_secret(key, chain(ancestors, keys)) for key in keys):
            yield masked
        else:
            yield from (_CREDENTIALS.sub(f"{MASK}@", line) for line in lines)


def _unquoted(key: str) -> str:
    return key[1:-1] if len(key) > 1 and key[0] in "\"'" and key[-1] == key[0] else key


def mask_value(
    value: object, *, secret: bool = False, path: tuple[str, ...] = (), environment: bool = False
) -> object:
    """A value with every secret in it replaced by a mask; keys and shape stay.

    Args:
        value: scalars, lists and mappings.
        secret: whether all of it is secret.
        path: the keys above it.
        environment: whether its keys are names of environment variables.
    """
    if isinstance(value, Mapping):
        return {
            key: mask_value(
                one,
                secret=secret or is_secret(key, path) or (environment and is_secret_variable(key)),
                path=(*path, key),
            )
            for key, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [mask_value(one, secret=secret, path=path) for one in value]
    if secret:
        return value if value in (None, "") else MASK
    return _CREDENTIALS.sub(f"{MASK}@", value) if isinstance(value, str) else value
