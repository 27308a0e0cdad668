"""Changes single values of somebody else's YAML file, and no other byte of it.

One parser (ruamel.yaml) gives only where things are; the text is cut and joined there. What comes out is
read by another (PyYAML) and compared with what went in, so that a form of YAML not
thought of ends in an error, never in a damaged file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ctl.errors import CtlError
from ctl.text.quoting import yaml as quoted

Path = tuple[str, ...]
_ALIAS = re.compile(r"\s*:[ \t]+(\*[^\s,\[\]{}]+)")
_COLON = re.compile(r"[ \t]*:")
_BOM = "\ufeff"


@dataclass(frozen=True)
class Splice:
    """A piece of text to put in the place of `start` to `end` (characters)."""

    start: int
    end: int
    text: str


class Document:
    """One YAML document with the places of its values.

    Args:
        text: the whole file.
        name: of the file, for errors.

    Raises:
        CtlError: it is not one YAML document that holds a mapping; with the line.
    """

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self._bom = _BOM if text.startswith(_BOM) else ""
        self.text = text.removeprefix(_BOM)
        self.root, self.data = _nodes(self.text, name), _data(self.text, name)
        if not isinstance(self.data, dict) or not _is_mapping(self.root):
            raise CtlError(f"{name}: must hold a mapping, as `production:`", hint=_UNCHANGED)
        self._newline = "\r\n" if "\r\n" in self.text else "\n"

    def value(self, path: Path) -> Any:  # noqa: ANN401 - whatever YAML holds
        """The value at a path of keys, merges and aliases followed; None where there is none."""
        return _value(self.data, path)

    def set(self, path: Path, values: Mapping[str, object]) -> str:
        """The text with these values in the mapping at a path; what is equal already is not touched.

        Args:
            path: keys from the top; all but the last must be there.
            values: scalars by key; None is written only over something else.

        Raises:
            CtlError: it cannot be done without touching something else; says where.
        """
        wanted = {key: value for key, value in values.items() if not same(self._at(path, key), value)}
        if not wanted:
            return self._bom + self.text
        text = _spliced(self.text, self._splices(path, wanted))
        self._verify(text, path, values)
        return self._bom + text

    def _at(self, path: Path, key: str) -> object:
        return self.value((*path, key))

    def _splices(self, path: Path, wanted: Mapping[str, object]) -> Iterator[Splice]:
        parent = self._mapping(path[:-1])
        pair = self._pair(parent, path[-1])
        if pair is None:
            if self.value(path) is not None:
                raise self._refusal(
                    parent, f"{_dotted(path)} comes from a merge (<<): give it a section of its own"
                )
            yield self._new_pair(parent, path[-1], wanted)
        elif _is_null(pair[1]):
            yield self._filled(pair, wanted)
        else:
            yield from self._changed(self._mapping(path), wanted)

    def _changed(self, mapping: Any, wanted: Mapping[str, object]) -> Iterator[Splice]:  # noqa: ANN401
        new: dict[str, object] = {}
        for key, value in wanted.items():
            pair = self._pair(mapping, key)
            if pair is None:
                new[key] = value
            else:
                yield self._scalar(pair, value)
        if new:
            yield self._insertion(mapping, new)

    def _scalar(self, pair: Any, value: object) -> Splice:  # noqa: ANN401
        """Another value behind a key."""
        key, node = pair
        scalar = str(quoted(value)).strip()
        start, end = node.start_mark.index, node.end_mark.index
        if start < key.start_mark.index:
            alias = _ALIAS.match(self.text, key.end_mark.index)
            if alias is None:
                raise self._refusal(key, f"{key.value} refers to another place")
            return Splice(alias.start(1), alias.end(1), scalar)
        if not _is_scalar(node) or node.style in ("|", ">") or self.text[start : start + 1] in ("&", "!"):
            raise self._refusal(
                key, f"the value of {key.value} is not a plain one (an anchor, a tag, several lines)"
            )
        if start == end:
            behind = self._behind_colon(key)
            return Splice(behind, behind, f" {scalar}")
        return Splice(start, end, scalar)

    def _behind_colon(self, key: Any) -> int:  # noqa: ANN401
        """Where an empty value belongs: the parser places it at the next thing in the file."""
        colon = _COLON.match(self.text, key.end_mark.index)
        if colon is None:
            raise self._refusal(key, f"{key.value} is not followed by a colon")
        return colon.end()

    def _filled(self, pair: Any, wanted: Mapping[str, object]) -> Splice:  # noqa: ANN401
        """Values for a key behind which there is nothing yet."""
        key, node = pair
        start, end = node.start_mark.index, node.end_mark.index
        if start == end:
            self._behind_colon(key)
            indent = key.start_mark.column + 2
            end_of_line = self._line_end(key.end_mark.index)
            return Splice(end_of_line, end_of_line, self._newline + self._lines(wanted, indent))
        return Splice(start, end, "{" + _flow(wanted) + "}")

    def _new_pair(self, parent: Any, name: str, wanted: Mapping[str, object]) -> Splice:  # noqa: ANN401
        if parent.flow_style or not parent.value:
            return self._insertion(parent, {name: wanted})
        column = parent.value[0][0].start_mark.column
        lines = f"{' ' * column}{name}:{self._newline}{self._lines(wanted, column + 2)}"
        return self._appended(parent, lines)

    def _insertion(self, mapping: Any, new: Mapping[str, object]) -> Splice:  # noqa: ANN401
        """New keys at the end of a mapping; at the beginning of one in braces."""
        if mapping.flow_style:
            start = self.text.index("{", mapping.start_mark.index) + 1
            return Splice(start, start, _flow(new) + (", " if mapping.value else ""))
        return self._appended(mapping, self._lines(new, mapping.value[0][0].start_mark.column))

    def _appended(self, mapping: Any, lines: str) -> Splice:  # noqa: ANN401
        place = self._after(mapping)
        if place and self.text[place - 1] not in "\r\n":
            return Splice(place, place, self._newline + lines)
        return Splice(place, place, lines + self._newline)

    def _lines(self, values: Mapping[str, object], indent: int) -> str:
        return self._newline.join(f"{' ' * indent}{key}:{quoted(value)}" for key, value in values.items())

    def _after(self, node: Any, floor: int = 0) -> int:  # noqa: ANN401
        """Where the line behind the last line of a value begins (or the text ends)."""
        if not _is_scalar(node) and not node.flow_style and node.value:
            last = node.value[-1]
            key, value = last if isinstance(last, tuple) else (None, last)
            least = key.end_mark.index if key is not None else node.start_mark.index
            if value.start_mark.index >= node.start_mark.index:
                return self._after(value, least)
            if key is None:  # an alias as the last item of a list: its own place is not known
                return self._line_start(node.end_mark.index)
            return self._next_line(least)
        end = max(node.end_mark.index, floor)
        if node.end_mark.column == 0 and end > floor:
            return int(end)
        return self._next_line(end)

    def _line_start(self, index: int) -> int:
        return self.text.rfind("\n", 0, index) + 1

    def _line_end(self, index: int) -> int:
        found = re.compile(r"\r?\n|\Z").search(self.text, index)
        return found.start() if found else len(self.text)

    def _next_line(self, index: int) -> int:
        found = self.text.find("\n", index)
        return len(self.text) if found < 0 else found + 1

    def _mapping(self, path: Path) -> Any:  # noqa: ANN401 - a node of ruamel.yaml
        """The mapping at a path, written out there."""
        node = self.root
        for depth, key in enumerate(path, start=1):
            pair = self._pair(node, key)
            name = _dotted(path[:depth])
            is_mapping = isinstance(self.value(path[:depth]), dict)
            if pair is None or not (is_mapping and _is_mapping(pair[1])):
                raise self._refusal(
                    node if pair is None else pair[0], f"{name} must be there, and be a mapping"
                )
            if pair[1].start_mark.index < pair[0].start_mark.index:
                raise self._refusal(pair[0], f"{name} is an alias of another place: write it out")
            node = pair[1]
        return node

    def _pair(self, mapping: Any, name: str) -> Any:  # noqa: ANN401
        """Key and value nodes of a key of a mapping itself, or None."""
        found = [pair for pair in mapping.value if _is_scalar(pair[0]) and pair[0].value == name]
        if len(found) > 1:
            raise self._refusal(found[1][0], f"{name} is there twice: remove one")
        return found[0] if found else None

    def _refusal(self, node: Any, message: str) -> CtlError:  # noqa: ANN401
        mark = node.start_mark
        return CtlError(f"{self.name}:{mark.line + 1}:{mark.column + 1}: {message}", hint=_UNCHANGED)

    def _verify(self, text: str, path: Path, values: Mapping[str, object]) -> None:
        """Whether the new text has what is wanted, and is otherwise as the old one."""
        after = _data(text, self.name)
        right = all(same(_value(after, (*path, key)), value) for key, value in values.items())
        if not right or not _alike(_without(after, path, values), _without(self.data, path, values), set()):
            raise CtlError(
                f"{self.name}: {_dotted(path)} cannot be changed without changing something else",
                hint=f"Write it as a section of its own, without anchors or merges. {_UNCHANGED}",
            )


_UNCHANGED = "Nothing was changed."


def _value(data: Any, path: Path) -> Any:  # noqa: ANN401
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def same(found: object, wanted: object) -> bool:
    """Whether a value is as wanted; a port may be text, but True is not 1."""
    if isinstance(found, bool) or isinstance(wanted, bool) or found is None or wanted is None:
        return found is wanted
    return str(found) == str(wanted)


def _nodes(text: str, name: str) -> Any:  # noqa: ANN401 - a node of ruamel.yaml
    """The only document with its places."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    parser = YAML(typ="safe", pure=True)
    parser.version = (1, 1)
    try:
        root = parser.compose(text)
        _refuse_circles(root, name)
    except MarkedYAMLError as error:
        raise _not_yaml(name, error.problem_mark or error.context_mark, error.problem) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise _not_yaml(name, None, type(error).__name__) from None
    return root


def _refuse_circles(node: Any, name: str, above: tuple[int, ...] = (), seen: set[int] | None = None) -> None:  # noqa: ANN401
    """Raises CtlError where an alias is inside of what it repeats; nobody could go through that to its end."""
    seen = set() if seen is None else seen
    if id(node) in above:
        line = node.start_mark.line + 1
        raise CtlError(f"{name}:{line}: this holds itself, by an alias", hint=_UNCHANGED)
    if node is None or id(node) in seen or _is_scalar(node):
        return
    for one in node.value:
        for inner in one if isinstance(one, tuple) else (one,):
            _refuse_circles(inner, name, (*above, id(node)), seen)
    seen.add(id(node))


def _data(text: str, name: str) -> Any:  # noqa: ANN401 - whatever YAML holds
    """What the document says to libyaml, by which GitLab's own parser reads it too (YAML 1.1)."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(text, Loader=loader)  # noqa: S506 - a safe loader, in C or not
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(name, error.problem_mark or error.context_mark, error.problem) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _not_yaml(name, None, type(error).__name__) from None


def _not_yaml(name: str, mark: Any, problem: str | None) -> CtlError:  # noqa: ANN401
    place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
    return CtlError(f"{name}{place}: is not YAML: {problem or 'not one document'}", hint=_UNCHANGED)


def _is_scalar(node: Any) -> bool:  # noqa: ANN401
    return isinstance(node.value, str)


def _is_mapping(node: Any) -> bool:  # noqa: ANN401
    return isinstance(node.value, list) and all(isinstance(one, tuple) for one in node.value)


def _is_null(node: Any) -> bool:  # noqa: ANN401
    return _is_scalar(node) and str(node.tag).endswith(":null")


def _dotted(path: Sequence[str]) -> str:
    return ".".join(path)


def _flow(values: Mapping[str, object]) -> str:
    parts = []
    for key, value in values.items():
        text = f"{{{_flow(value)}}}" if isinstance(value, Mapping) else str(quoted(value)).strip()
        parts.append(f"{key}: {text}")
    return ", ".join(parts)


def _spliced(text: str, splices: Iterator[Splice]) -> str:
    for one in sorted(splices, key=lambda splice: splice.start, reverse=True):
        text = text[: one.start] + one.text + text[one.end :]
    return text


def _without(data: Any, path: Path, names: Mapping[str, object]) -> Any:  # noqa: ANN401
    """The data without the managed values, also where the mapping is merged into other environments."""
    if not isinstance(data, dict):
        return data
    return {top: _cut(value, path[1:], names) for top, value in data.items()}


def _alike(one: Any, other: Any, known: set[tuple[int, int]]) -> bool:  # noqa: ANN401
    """Whether two documents say the same; what aliases repeat is compared once, however often it is there."""
    if not isinstance(one, dict | list):
        return bool(one == other) or (one != one and other != other)  # a .nan is like a .nan
    pair = (id(one), id(other))
    if pair in known:
        return True
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        found = all(_alike(value, other[key], known) for key, value in one.items())
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        found = all(_alike(*both, known) for both in zip(one, other, strict=True))
    else:
        found = False
    if found:
        known.add(pair)
    return found


def _cut(data: Any, path: Path, names: Mapping[str, object]) -> Any:  # noqa: ANN401
    if not isinstance(data, dict):
        return data
    if not path:
        return {key: value for key, value in data.items() if key not in names} or None
    cut = {key: _cut(value, path[1:], names) if key == path[0] else value for key, value in data.items()}
    return {key: value for key, value in cut.items() if key != path[0] or value is not None}
