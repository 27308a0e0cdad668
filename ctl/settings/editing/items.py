"""Adding an item to a dictionary in a settings file's text, and taking one away."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from ctl.settings.editing.document import Document
from ctl.settings.written import python_value


@dataclass(frozen=True)
class _Item:
    """Where an item is in the text.

    Args:
        start: where its key begins.
        end: where its value ends, with the brackets around it.
        comma: where the comma behind it ends, or None.
    """

    start: int
    end: int
    comma: int | None

    @property
    def tail(self) -> int:
        """Where all of it ends."""
        return self.end if self.comma is None else self.comma


def _item(document: Document, dictionary: ast.Dict, index: int) -> _Item:
    key = dictionary.keys[index]
    assert key is not None  # noqa: S101 - dictionaries with ** are not edited
    end = document.end(dictionary.values[index])
    after = document.skip(end)
    while document.text[after] == ")":
        end = after + 1
        after = document.skip(end)
    return _Item(document.start(key), end, after + 1 if document.text[after] == "," else None)


def with_item(document: Document, dictionary: ast.Dict, key: str, source: str) -> str:
    """The text with an item more, in the dictionary's own layout.

    Args:
        document: the text.
        dictionary: the dictionary in it; its keys are written out.
        key: a key that it does not have.
        source: the value as it must be written.
    """
    pair = f"{python_value(key)}: {source}"
    if not dictionary.keys:
        start = document.start(dictionary) + 1
        return document.replaced(start, start, pair)
    last = _item(document, dictionary, len(dictionary.keys) - 1)
    if not (document.is_first(last.start) and document.is_last(last.tail)):
        return document.replaced(last.end, last.end, f", {pair}")
    number = document.line_at(last.start)
    indentation = document.text[document.line_start(number) : last.start]
    end = document.line_end(document.line_at(last.tail))
    comma = "" if last.comma is None else ","
    text = document.replaced(end, end, f"{document.newline}{indentation}{pair}{comma}")
    return text if comma else f"{text[: last.end]},{text[last.end :]}"


def without_item(document: Document, dictionary: ast.Dict, index: int) -> str:
    """The text without an item: without its lines, where it has them for itself."""
    item = _item(document, dictionary, index)
    before = _item(document, dictionary, index - 1) if index else None
    is_last = index == len(dictionary.keys) - 1
    if document.is_first(item.start) and document.is_last(item.tail):
        first, last = document.line_at(item.start), document.line_at(item.tail)
        text = document.without_lines(first, last)
        if before and before.comma and is_last and item.comma is None:
            text = text[: before.comma - 1] + text[before.comma :]
        return text
    if before and not document.text[before.tail : item.start].strip(" \t"):
        return document.replaced(before.end, item.end, "")
    if not is_last:
        following = _item(document, dictionary, index + 1)
        if not document.text[item.tail : following.start].strip(" \t"):
            return document.replaced(item.start, following.start, "")
    return document.replaced(item.start, item.tail, "")
