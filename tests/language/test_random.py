"""Random files: whatever they say, reading ends soon, with values or with errors that have places."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from ctl.language import TrackedDict, TrackedList, read_settings
from ctl.language.source import SettingsError
from tests.harness.work import at_most
from tests.language.reader import NAMES

RANDOM = settings(suppress_health_check=list(HealthCheck), database=None)

SMALL = st.sampled_from(
    ["0", "1", "2", "-3", "1.5", "True", "False", "None", '"a"', '"é😀"', "''", "[]", "{}", "()"]
)
NAME = st.sampled_from(["a", "b", "c"])
BINARY = st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "<<", ">>", "|", "&", "^", "and", "or"])
COMPARISON = st.sampled_from(["<", "<=", ">", ">=", "==", "!=", "in", "not in"])
METHOD = st.sampled_from(["upper", "strip", "split", "keys", "values", "items", "copy", "isdigit", "title"])
FUNCTION = st.sampled_from(
    ["len", "str", "int", "float", "bool", "list", "sorted", "sum", "min", "any", "abs", "set"]
)


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, inner)
    return st.one_of(
        st.builds("({} {} {})".format, inner, BINARY, inner),
        st.builds("({} {} {})".format, inner, COMPARISON, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("(not {})".format, inner),
        st.builds("(-{})".format, inner),
        st.builds("{}({})".format, FUNCTION, inner),
        st.builds("{}.{}()".format, inner, METHOD),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("{}[{}:{}]".format, inner, inner, inner),
        st.builds("[{} for {} in {} if {}]".format, inner, NAME, inner, inner),
        st.builds("[{}, *{}]".format, inner, inner),
        st.lists(inner, max_size=3).map(lambda parts: "[" + ", ".join(parts) + "]"),
        st.lists(pairs, max_size=3).map(lambda parts: "{" + ", ".join(f"{k}: {v}" for k, v in parts) + "}"),
    )


EXPRESSION = st.recursive(SMALL | NAME, _compound, max_leaves=8)


def _indented(block: list[str]) -> str:
    return "\n".join("    " + line for part in block for line in part.splitlines())


def _blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    block = st.lists(inner, min_size=1, max_size=3).map(_indented)
    return st.one_of(
        st.builds("if {}:\n{}\nelse:\n{}".format, EXPRESSION, block, block),
        st.builds("for {} in {}:\n{}".format, NAME, EXPRESSION, block),
    )


SIMPLE = st.one_of(
    st.builds("{} = {}".format, NAME, EXPRESSION),
    st.builds("{} += {}".format, NAME, EXPRESSION),
    st.builds("{}, {} = {}".format, NAME, NAME, EXPRESSION),
    st.builds("registry[{}] = {}".format, EXPRESSION, EXPRESSION),
    st.builds('registry["x"][{}] = {}'.format, EXPRESSION, EXPRESSION),
    st.builds("del registry[{}]".format, EXPRESSION),
    st.builds("{}.append({})".format, NAME, EXPRESSION),
    st.builds("{}[{}] = {}".format, NAME, EXPRESSION, EXPRESSION),
    st.sampled_from(
        ["pass", "break", "continue", "import os", "x y", "external_url('a')", "from_file('b')", "nil"]
    ),
)
STATEMENT = st.recursive(SIMPLE, _blocks, max_leaves=4)
PROGRAM = st.lists(STATEMENT, max_size=6).map("\n".join)

WORDS = st.sampled_from(
    [
        *(
            "registry",
            "external_url",
            "nginx",
            "if",
            "else",
            "for",
            "in",
            "not",
            "def",
            "lambda",
            "import",
            "nil",
        ),
        *("env", "read_file", "None", "True", "1", "0", "0x", "1e9", "é", "😀", "[", "]", "(", ")", "{", "}"),
        *('"', "'", '"""', "=", "==", ":", ",", ".", "+", "-", "*", "/", "=>", "&&", "!", "?", "@", "$", ";"),
        *("\\", "#", 'f"', "r'", "b'", "{", "\n", "\n\t", "\t", "\r", "\x0c", "\ufeff"),
    ]
)


def assert_read_or_refused(content: bytes) -> None:
    """Reads a file with this content and checks what may be reported about any."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "settings.py")
        path.write_bytes(content)
        found = None
        try:
            with at_most(calls=1_000_000):
                values = read_settings(path, names=NAMES, environment={}).values
        except SettingsError as error:
            found = error
    if found is None:
        _check_values(values)
    else:
        _check_diagnostics(found, content.decode("utf-8-sig", "replace"))


def _check_diagnostics(error: SettingsError, text: str) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for found in error.diagnostics:
        assert str(found)
        assert found.location
        assert 1 <= found.location.line <= len(lines)
        assert 1 <= found.location.column <= len(lines[found.location.line - 1]) + 1


def _check_values(found: object) -> None:
    if isinstance(found, TrackedDict):
        for key, inner in found.items():
            assert found.location_of(key)
            _check_values(inner)
    elif isinstance(found, TrackedList):
        for index, inner in enumerate(found):
            assert found.location_of(index)
            _check_values(inner)
    else:
        assert found is None or type(found) in (str, int, float, bool)


@pytest.mark.real
@settings(RANDOM, max_examples=30)
@given(PROGRAM)
def test_random_programs(program: str) -> None:
    assert_read_or_refused(program.encode())


@RANDOM
@given(st.lists(WORDS, max_size=30))
def test_random_words(words: list[str]) -> None:
    assert_read_or_refused(" ".join(words).encode())


@RANDOM
@given(st.text(max_size=60))
def test_random_text(text: str) -> None:
    assert_read_or_refused(text.encode(errors="replace"))


@RANDOM
@given(st.binary(max_size=60))
def test_random_bytes(content: bytes) -> None:
    assert_read_or_refused(content)


@RANDOM
@given(EXPRESSION)
def test_an_expression_has_pythons_value_or_none(expression: str) -> None:
    """Where both our walker and Python find a value, it is the same."""
    # Python does not bound what it computes, and its order of a set changes from process to process.
    assume(not any(word in expression for word in ("**", "<<", "set(")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            wanted = eval(expression, {"a": 1, "b": "xyz", "c": [1, 2]})  # noqa: S307 - made by the grammar above
        except Exception:
            reject()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "settings.py")
        path.write_text(f'a = 1\nb = "xyz"\nc = [1, 2]\nregistry["x"] = [a, b, c, {expression}]\n')
        try:
            registry = read_settings(path, names=NAMES, environment={}).values["registry"]
        except SettingsError:
            # The language has less: no text of lists, no keys that are no strings, no numbers of any size.
            reject()
    assert isinstance(registry, TrackedDict)
    assert registry["x"] == [1, "xyz", [1, 2], _as_setting(wanted)]


def _as_setting(found: object) -> object:
    if isinstance(found, dict):
        return {key: _as_setting(inner) for key, inner in found.items()}
    if isinstance(found, (str, int, float, bool, type(None))):
        return found
    return [_as_setting(inner) for inner in found]  # type: ignore[attr-defined]
