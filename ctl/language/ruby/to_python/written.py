"""The Python form as text: with the layout and comments of the gitlab.rb, and names and values as Python has them."""

from __future__ import annotations

import ast
import json
import keyword
import re
from collections.abc import Collection, Iterable
from functools import reduce
from typing import Final, cast
from unicodedata import normalize

from ctl.language.faults import Fault
from ctl.language.functions import NAMES
from ctl.language.limits import check_number
from ctl.language.refusals import Unreadable

_PLAIN_CONTROL: Final = frozenset("\n\t")
_LONGEST_LINE: Final = 100
_LONGEST_NUMBER: Final = 400
INDENT: Final = "    "


class Comment(ast.stmt):
    """Comments and empty lines among statements.

    Args:
        lines: them, each without indentation.
        as_it_is: settings that are commented out in them stay in Ruby.
    """

    _fields = ()

    def __init__(self, lines: list[str], *, as_it_is: bool = False) -> None:
        super().__init__()
        self.lines, self.as_it_is = lines, as_it_is


class _Written(str):
    """Python that is written already; `ast.unparse` asks a constant for this."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def is_code(statements: Iterable[ast.stmt]) -> bool:
    """Whether there is more than comments."""
    return not all(isinstance(one, Comment | Unreadable) for one in statements)


def mark_unread(statements: list[ast.stmt], candidates: Collection[str]) -> None:
    """Puts an underscore before variables that nothing reads any more, which would be errors else.

    Args:
        statements: all of a file.
        candidates: the variables that the gitlab.rb reads.
    """
    nodes = [node for one in statements for node in ast.walk(one) if isinstance(node, ast.Name)]
    read = {node.id for node in nodes if not isinstance(node.ctx, ast.Store)}
    for node in nodes:
        if node.id in candidates and node.id not in read:
            node.id = f"_{node.id}"


def lines_of(statements: Iterable[ast.stmt], level: int = 0) -> list[str]:
    """Statements as lines of Python.

    Args:
        statements: them, with comments among them. A statement may have: `trailing`, a comment behind it;
            `inner`, comments in it; `sign`, the assignment's sign with the blanks around it.
        level: how deep the block is that they are in.

    Raises:
        Fault: one nests expressions too deeply.
    """
    lines: list[str] = []
    for one in statements:
        try:
            lines += _lines_of_one(one, level)
        except RecursionError:
            message = "this nests expressions too deeply to be written"
            raise Fault(message, one, "Take it apart with variables.") from None
        if comment := getattr(one, "trailing", ""):
            lines[-1] += f"  {comment}"
    return lines


def _lines_of_one(one: ast.stmt, level: int) -> list[str]:
    if isinstance(one, Comment | Unreadable):
        return [f"{INDENT * level}{line}".rstrip() if line else "" for line in one.lines]
    if isinstance(one, ast.If):
        return _branches(one, level)
    if isinstance(one, ast.For):
        head = f"for {ast.unparse(one.target)} in {_text(one.iter)}:"
        return [f"{INDENT * level}{head}", *lines_of(one.body, level + 1)]
    return _simple(one, level)


def _branches(one: ast.If, level: int) -> list[str]:
    lines, word = list[str](), "if"
    while True:
        test = _text(one.test)
        test = f"({test})" if "\n" in test else test
        behind = f"  {comment}" if (comment := getattr(one, "behind", "")) else ""
        lines += [f"{INDENT * level}{word} {test}:{behind}", *lines_of(one.body, level + 1)]
        if not one.orelse:
            return lines
        if not getattr(one.orelse[0], "is_elif", False):
            return [*lines, f"{INDENT * level}else:", *lines_of(one.orelse, level + 1)]
        word, one = "elif", cast(ast.If, one.orelse[0])


def _simple(one: ast.stmt, level: int) -> list[str]:
    shift = one.col_offset if hasattr(one, "lineno") else 0
    several = level == 0 and not shift
    if isinstance(one, ast.Assign):
        sign = getattr(one, "sign", " = ")
        text = sign.join([*(_text(target) for target in one.targets), _text(one.value, several=several)])
    elif isinstance(one, ast.Expr):
        text = _text(one.value, several=several)
    else:
        text = ast.unparse(_Layout(several=several).visit(one))
    inner = [comment for comment in getattr(one, "inner", ()) if "=>" not in comment and comment not in text]
    first, *others = text.split("\n")
    if not several:
        others = [INDENT * level + line[min(shift, len(line) - len(line.lstrip())) :] for line in others]
    return [*(INDENT * level + comment for comment in inner), INDENT * level + first, *others]


def _text(node: ast.expr, *, several: bool = False) -> str:
    return ast.unparse(_Layout(several=several).visit(node))


class _Layout(ast.NodeTransformer):
    """Puts what is written already in the place of texts, numbers, and containers with a layout of their own.

    Args:
        several: texts may take several lines.
    """

    def __init__(self, *, several: bool) -> None:
        self._several = several

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        """A text in double quotes, or a number as it was written."""
        if isinstance(node.value, _Written):
            return node
        if isinstance(node.value, str):
            several = self._several and getattr(node, "lines", False)
            return ast.Constant(_Written(lines(node.value) if several else quoted(node.value)))
        return ast.Constant(_Written(node.written)) if hasattr(node, "written") else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Something of a value: a number as it was written is in brackets, or `0.strip` would be no Python."""
        self.generic_visit(node)
        number = getattr(node.value, "value", None)
        if isinstance(number, _Written) and number[:1].isdigit():
            node.value = ast.Constant(_Written(f"({number})"))
        return node

    def visit_Dict(self, node: ast.Dict | ast.List) -> ast.expr:
        """A dictionary, or a list, with its line breaks and comments."""
        layout: list[str | ast.expr] | None = getattr(node, "layout", None)
        if layout is None:
            self.generic_visit(node)
            return node
        parts = [one if isinstance(one, str) else ast.unparse(self.visit(one)) for one in layout]
        return ast.Constant(_Written("".join(parts)))

    visit_List = visit_Dict  # noqa: N815 - the names are those of ast

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        """An f-string; a sum where Python 3.11 takes none, as there are quotes or braces in a value."""
        written = [
            _in_braces(one.value) if isinstance(one, ast.FormattedValue) else None for one in node.values
        ]
        if any(set('"\\\n{}#') & set(text) for text in written if text):
            return cast(ast.expr, self.visit(_sum(node)))
        parts = [
            f"{{{text}}}" if text else quoted(one.value)[1:-1].replace("{", "{{").replace("}", "}}")  # type: ignore[attr-defined]
            for one, text in zip(node.values, written, strict=True)
        ]
        return ast.Constant(_Written(f'f"{"".join(parts)}"'))


def _in_braces(node: ast.expr) -> str:
    """A value in an f-string; a brace by itself, which is not allowed there, for one that cannot be in any."""
    try:
        return ast.unparse(node)
    except ValueError:
        return "{"


def _sum(node: ast.JoinedStr) -> ast.expr:
    parts: list[ast.expr] = []
    for one in node.values:
        is_text = isinstance(one, ast.Constant) or getattr(one, "is_text", False)
        value = one.value if isinstance(one, ast.FormattedValue) else one
        parts.append(value if is_text else ast.Call(ast.Name("str", ast.Load()), [value], []))
    return reduce(lambda left, right: ast.BinOp(left, ast.Add(), right), parts)


def quoted(text: str) -> str:
    """A string in double quotes, on one line."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f")


def lines(text: str) -> str:
    """A string of several lines between three quotes; on one line where that would not show what it is."""
    odd = any(not letter.isprintable() and letter not in _PLAIN_CONTROL for letter in text)
    if odd or "\n" not in text or any(line != line.rstrip() for line in text.split("\n")):
        return quoted(text)
    escaped = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if escaped.endswith('"'):
        escaped = escaped[:-1] + '\\"'
    return f'"""\\\n{escaped}"""'


def name(ruby: str) -> str:
    """A local variable's name in Python: that of Ruby, unless Python or the settings language have it already."""
    if keyword.iskeyword(ruby) or ruby in NAMES or ruby in ("nil", "null", "true", "false"):
        return f"{ruby}_"
    if ruby.isascii() and ruby.isidentifier():
        return ruby
    # Python takes "ﬁ" and "fi" for one name, and many characters for none at all.
    if ruby.isidentifier() and normalize("NFKC", ruby) == ruby:
        return ruby
    return re.sub("[^0-9A-Za-z_]", lambda found: f"u{ord(found[0]):04x}", ruby)


def number(ruby: str) -> int | float:
    """A number of Ruby. Raises Fault for one that is none, or too large."""
    if len(ruby) > _LONGEST_NUMBER:
        raise Fault("the number has too many digits")
    text = ruby.lower().replace("_", "")
    try:
        if text[:2] in ("0x", "0b", "0o"):
            found: int | float = int(text, 0)
        elif text.isdigit():
            found = int(text, 8 if text[0] == "0" else 10)
        else:
            found = int(text[2:]) if text[:2] == "0d" else float(text)
    except ValueError:
        raise Fault("this is no whole number") from None
    check_number(found)
    return found


def value(given: object, depth: int = 0) -> str:
    """A plain value, laid out over several lines where it is long.

    Args:
        given: a value of strings, numbers, booleans, None, lists and dictionaries.
        depth: how many containers it is in.
    """
    if isinstance(given, str):
        return quoted(given)
    if not isinstance(given, (dict, list)):
        return repr(given)
    opening, closing = "{}" if isinstance(given, dict) else "[]"
    if isinstance(given, dict):
        parts = [f"{value(str(key))}: {value(one, depth + 1)}" for key, one in given.items()]
    else:
        parts = [value(one, depth + 1) for one in given]
    flat = f"{opening}{', '.join(parts)}{closing}"
    if (
        "\n" not in flat
        and len(flat) + 4 * depth < _LONGEST_LINE - 30
        and not (depth == 0 and _is_deep(given))
    ):
        return flat
    inner, outer = "    " * (depth + 1), "    " * depth
    body = "".join(f"{inner}{part},\n" for part in parts)
    return f"{opening}\n{body}{outer}{closing}"


def _is_deep(given: object) -> bool:
    """Whether there are containers with something in them inside a container."""
    inner = given.values() if isinstance(given, dict) else given if isinstance(given, list) else ()
    return any(isinstance(one, (dict, list)) and one for one in inner)
