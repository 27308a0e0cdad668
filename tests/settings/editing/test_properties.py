"""Random files and random changes: the value is right, and every other character of the file stays."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctl.language import read_settings
from ctl.paths import Layout
from ctl.settings.editing.change import with_value, without_value
from ctl.settings.editing.document import Document
from ctl.settings.editing.naming import find
from ctl.settings.editing.preview import NOT_GIVEN, Preview
from ctl.settings.editing.values import source_of
from ctl.settings.options import NAMES

SCALARS = ("external_url", "registry.log_level", "registry.uid", "registry.nginx.listen_port", "nginx.dir")
VARIABLES = ("A", "B", "C")
ENV = tuple(f"registry.env.{name}" for name in VARIABLES)
OTHERS = (
    "",
    "# plain comment\n",
    "## registry.log_level explained: 'quoted\" # more\n",
    "#\n\n",
    "   \n",
    '_text = """\nregistry["uid"] = 1  # no assignment\n# registry["uid"] = 2\n"""\n',
    'gitlab_rails["dir"] = "/ä"; _ü = [\n  1,  # one\n]\n',
    'if env("NOWHERE", ""):\n    gitlab_rails["registry_issuer"] = "x"\n# in between\n    _y = 2\n',
    'gitlab_rails["registry_host"] = \\\n    "h"\n',
    '# registry["log_level"] = "info"\n',
    '# registry["env"] = {\n#   "A": 1,\n# }\n',
)

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 99999), st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
    st.sampled_from(["a\nb", "-----BEGIN\nx\n-----", "it's", '"', "\\", "# no comment", "{}", "ä€𝄞"]),
    st.lists(st.text("ab\"'\\", max_size=3), max_size=3),
    st.dictionaries(st.text("k\"", max_size=2), st.integers(), max_size=2),
)  # fmt: skip


@dataclass(frozen=True)
class File:
    """A generated file.

    Args:
        blocks: its text in pieces; the option that a piece is an assignment of, or "".
    """

    blocks: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        return "".join(text for _, text in self.blocks)

    def others(self, option: str) -> list[str]:
        return [text for owner, text in self.blocks if owner != option]


@st.composite
def _blocks(draw: st.DrawFn) -> list[tuple[str, str]]:
    names = draw(st.lists(st.sampled_from((*SCALARS, "registry.env")), unique=True, max_size=4))
    blocks = [(name, draw(environment() if name == "registry.env" else scalar(name))) for name in names]
    for _ in range(draw(st.integers(0, 4))):
        blocks.insert(draw(st.integers(0, len(blocks))), ("", draw(st.sampled_from(OTHERS))))
    return [one for one in blocks if one[1]]


def scalar(name: str) -> st.SearchStrategy[str]:
    first, *keys = name.split(".")
    written = first + "".join(f'["{key}"]' for key in keys)
    forms = [
        "{} = {}\n",
        "{}={}  # why\n",
        "{} = (\n    {}  # inside\n)  # behind\n",
        "{} = {};\n",
        "{} = \\\n  {}\n",
    ]
    if not keys:
        forms += ["{}({})\n", "{}(  # a\n  {},\n)\n"]
    values = ['"text"', "'text'", "5", "None", '"""a\nb"""', '("a"\n "b")', '["x", "y"]', "-1"]
    return st.builds(
        lambda form, value: form.format(written, value), st.sampled_from(forms), st.sampled_from(values)
    )


@st.composite
def environment(draw: st.DrawFn) -> str:
    """registry["env"] = {…} in one line, in several, and in between."""
    keys = draw(st.lists(st.sampled_from((*VARIABLES, "D")), unique=True, max_size=4))
    many = draw(st.booleans())
    items = []
    for index, key in enumerate(keys):
        comma = "," if index < len(keys) - 1 or draw(st.booleans()) else ""
        value = draw(st.sampled_from(["1", '"v"', '("v")', "(\n1)" if many else "2"]))
        gap = draw(st.sampled_from([" ", "", "  "])) if comma else ""
        tail = draw(st.sampled_from(["\n  ", "  # c\n    ", "\n\n", " "])) if many else " "
        items.append(f'"{key}": {value}{gap}{comma}{tail}')
    start = draw(st.sampled_from(["\n  ", " ", "  # first\n  "])) if many else ""
    return f'registry["env"] = {{{start}{"".join(items)}}}{draw(st.sampled_from(["", "  # end", ";"]))}\n'


@st.composite
def files(draw: st.DrawFn) -> File:
    """Files of a small grammar, with newlines of one kind, and perhaps none at the end."""
    newline = draw(st.sampled_from(["\n", "\n", "\r\n", "\r"]))
    cut = draw(st.booleans())
    blocks = [(name, text.replace("\n", newline)) for name, text in draw(_blocks())]
    if blocks and cut:
        name, text = blocks[-1]
        blocks[-1] = (name, text.removesuffix(newline))
    return File(tuple(one for one in blocks if one[1]))


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def value_in(folder: Path, text: str, name: str) -> object:
    return Preview(folder / "gitlab.py", text, Layout(folder)).given(find(name)).value


def everything(folder: Path, text: str) -> dict[str, Any]:
    """All values that a text gives, by dotted name; variables of the environment one by one."""
    file = folder / "all.py"
    file.write_bytes(text.encode())
    found: dict[str, Any] = {}
    for name, value in read_settings(file, names=NAMES, environment={}).values.items():
        _spread(name, value, found)
    return found


def _spread(name: str, value: object, found: dict[str, Any]) -> None:
    if isinstance(value, dict) and name in (
        "registry",
        "nginx",
        "gitlab_rails",
        "registry.nginx",
        "registry.env",
    ):
        for key, one in value.items():
            _spread(f"{name}.{key}", one, found)
    else:
        found[name] = value


def put(text: str, name: str, value: object) -> str:
    return with_value(Document(text), find(name), value, source_of(value))


def check_others(others: list[str], new: str) -> None:
    """Every piece that is no assignment of the setting is there, byte for byte, and one thing at most beside them."""
    assert any(
        len("".join(others)) <= len(new)
        and new.startswith("".join(others[:index]))
        and new.endswith("".join(others[index:]))
        for index in range(len(others) + 1)
    ), new


NAMES_SET = st.sampled_from((*SCALARS, *ENV))


@given(file=files(), name=NAMES_SET, value=VALUES)
def test_set(folder: Path, file: File, name: str, value: object) -> None:
    before = everything(folder, file.text)
    new = put(file.text, name, value)
    assert repr(value_in(folder, new, name)) == repr(value)
    after = everything(folder, new)
    assert after.pop(name, None) == value or name not in after
    before.pop(name, None)
    assert {key: one for key, one in after.items() if not key.startswith(f"{name}.")} == before
    check_others(file.others(find(name).option.name), new)
    assert put(new, name, value) == new


@given(file=files(), name=NAMES_SET, value=VALUES)
def test_set_and_unset_of_what_is_absent_restores_the_file(
    folder: Path, file: File, name: str, value: object
) -> None:
    bare = without_value(file.text, find(name))
    assert value_in(folder, bare, name) is NOT_GIVEN
    assert without_value(put(bare, name, value), find(name)) == bare


@given(file=files(), name=NAMES_SET)
def test_unset(folder: Path, file: File, name: str) -> None:
    before = everything(folder, file.text)
    new = without_value(file.text, find(name))
    before.pop(name, None)
    assert everything(folder, new) == before
    option = find(name).option.name
    others = file.others(option)
    if others and option == name == file.blocks[-1][0] and not file.text.endswith(("\n", "\r")):
        others[-1] = re.sub(r"(\r\n|\r|\n)\Z", "", others[-1])  # still without a newline at the end
    check_others(others, new)


@given(
    file=files(), changes=st.lists(st.tuples(NAMES_SET, st.one_of(st.just(NOT_GIVEN), VALUES)), max_size=6)
)
def test_many_changes(folder: Path, file: File, changes: list[tuple[str, object]]) -> None:
    text, wanted = file.text, everything(folder, file.text)
    for name, value in changes:
        if value is NOT_GIVEN:
            text = without_value(text, find(name))
            wanted.pop(name, None)
        else:
            text = put(text, name, value)
            wanted[name] = value
        found = value_in(folder, text, name)
        assert found is value or repr(found) == repr(value)
    after = {key: value for key, value in everything(folder, text).items() if key in wanted}
    assert repr(sorted(after.items())) == repr(sorted(wanted.items()))
    comments = [line for line in OTHERS[1].splitlines() if line in file.text]
    assert all(line in text for line in comments)
