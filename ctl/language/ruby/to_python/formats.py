"""`format('%s', value)` and `'%s' % value`: texts with values filled in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ctl.language.faults import Fault
from ctl.language.ruby import texts
from ctl.language.ruby.grammar import Span, named
from ctl.language.ruby.to_python.state import Writer
from ctl.language.ruby.to_python.terms import Term

if TYPE_CHECKING:
    from tree_sitter import Node

_FIELD: Final = re.compile(r"%(?:%|s|d|<(\w+)>[sd]|\{(\w+)\})")
_HINT: Final = 'There are %s, %d, %{name} and %%; or put values into text with "#{name}".'


def formatted(writer: Writer, form: Node, values: list[Node], whole: Node) -> Term:
    """A text with values in the place of its fields.

    Args:
        writer: writes the values.
        form: the text, which must be written out.
        values: what is filled in, in order; or one hash for fields with names.
        whole: the expression.

    Raises:
        Fault: the text is not written out, or its fields are not those that are read, or other than the values.
    """
    text = _text(writer, form)
    parts: list[Node] = []
    chunks, end, given = [""], 0, list(values)
    for found in _FIELD.finditer(text):
        chunks[-1] += text[end : found.start()]
        end = found.end()
        if found[0] == "%%":
            chunks[-1] += "%"
            continue
        name = found[1] or found[2]
        parts.append(_named(writer, values, name, whole) if name else _next(given, whole))
        chunks.append("")
    chunks[-1] += text[end:]
    if "%" in _FIELD.sub("", text):
        raise Fault("this field of a format is not read in a gitlab.rb", Span(form), _HINT)
    return writer.filled(chunks, parts, whole)


def _text(writer: Writer, form: Node) -> str:
    written = writer.text(form)
    plain = form.type == "string" and len(written) > 1 and "#{" not in written
    if not plain or (written[0] != "'" and "\\" in written):
        raise Fault("the text of a format must be written out", Span(form), _HINT)
    return texts.plain(written[1:-1], written[0])


def _next(given: list[Node], whole: Node) -> Node:
    if not given:
        raise Fault("there are fewer values than fields in this format", Span(whole), _HINT)
    return given.pop(0)


def _named(writer: Writer, values: list[Node], name: str, whole: Node) -> Node:
    pairs = values[0] if len(values) == 1 and values[0].type == "hash" else None
    for pair in named(pairs) if pairs is not None else values:
        key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
        if key is not None and value is not None and writer.text(key).strip(":'\"") == name:
            return value
    raise Fault(f"there is no value for %{{{name}}} in this format", Span(whole), _HINT)
