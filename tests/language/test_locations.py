"""Every value knows where it was given: file, line, column in characters, and how wide the caret is."""

from __future__ import annotations

import pytest

from ctl.language import TrackedDict, TrackedList
from ctl.language.source import Location
from tests.language.reader import errors, read


def location(text: str, *path: str | int, **files: str) -> Location:
    """The location of the last step of a path into what a text gives."""
    found: object = read(text, **files).values
    where = None
    for step in path:
        if isinstance(found, TrackedDict):
            where, found = found.location_of(str(step)), found[str(step)]
        elif isinstance(found, TrackedList) and isinstance(step, int):
            where, found = found.location_of(step), found[step]
    assert where
    return where


@pytest.mark.parametrize(
    ("text", "path", "line", "column", "width"),
    [
        ('external_url("a")', ["external_url"], 1, 1, 12),
        ('\n  # x\nexternal_url = "a"', ["external_url"], 3, 1, 12),
        ('external_url = "a"\nexternal_url = "b"', ["external_url"], 2, 1, 12),
        ('registry["log_level"] = "a"', ["registry", "log_level"], 1, 10, 11),
        ('registry["log_level"] = "a"', ["registry"], 1, 1, 8),
        ('registry["nginx"]["https"] = 1', ["registry", "nginx"], 1, 10, 7),
        ('registry["nginx"]["https"] = 1', ["registry", "nginx", "https"], 1, 19, 7),
        ('registry["a"] = 1\nregistry["a"] = 2', ["registry", "a"], 2, 10, 3),
        ('registry["a"] = {\n  "b": 1,\n  "cd": [\n    1,\n    22,\n]}', ["registry", "a", "cd"], 3, 3, 4),
        ('registry["a"] = {\n  "b": 1,\n  "cd": [\n    1,\n    22,\n]}', ["registry", "a", "cd", 1], 5, 5, 2),
        ('registry = {"a": {"b": 1}}', ["registry", "a", "b"], 1, 19, 3),
        ('registry.update({"a": 1})', ["registry", "a"], 1, 18, 3),
        ("registry.update(abc=1)", ["registry", "abc"], 1, 17, 5),
        ('registry["a"] = [1]\nregistry["a"] += [2, 3]', ["registry", "a", 2], 2, 22, 1),
        ('registry["a"] = [1]\nregistry["a"].append(234)', ["registry", "a", 1], 2, 22, 3),
        ('registry["a"] = [1]\nregistry["a"].insert(0, 2)', ["registry", "a", 1], 1, 18, 1),
        ('registry["a"] = [1, 2]\nregistry["a"][1] = 3', ["registry", "a", 1], 2, 15, 1),
        ('registry["a"] = (1, 2)', ["registry", "a", 1], 1, 10, 3),
        ('registry["a"] = [1] + [2]', ["registry", "a", 1], 1, 24, 1),
        ('registry["a"] = [1, 2, 3][1:]', ["registry", "a", 0], 1, 21, 1),
        ('registry["a"] = {"x": 1} | {"y": 2}', ["registry", "a", "y"], 1, 29, 3),
        ('registry["a"] = {**{"x": 1}, "y": 2}', ["registry", "a", "x"], 1, 21, 3),
        ('registry["a"] = dict(x=1)', ["registry", "a", "x"], 1, 22, 3),
        ('registry["a"] = [i for i in range(3)]', ["registry", "a", 2], 1, 18, 1),
        ('registry["a"] = {str(i): i for i in range(3)}', ["registry", "a", "2"], 1, 18, 6),
        ('registry["a"] = sorted([2, 1])', ["registry", "a", 0], 1, 10, 3),
        ('x = {"y": 1}\nregistry["a"] = x', ["registry", "a"], 2, 10, 3),
        ('x = {"y": 1}\nregistry["a"] = x', ["registry", "a", "y"], 1, 6, 3),
        (
            'x = []\nfor i in range(2):\n    x.append({"n": i})\nregistry["a"] = x',
            ["registry", "a", 1, "n"],
            3,
            15,
            3,
        ),
        ('k = "b"\nregistry[k] = 1', ["registry", "b"], 2, 10, 1),
        ('registry["é"]["ü"] = 1', ["registry", "é", "ü"], 1, 15, 3),
        ('registry["😀"] = {"é": 1, "x": 2}', ["registry", "😀", "x"], 1, 26, 3),
        ('if True:\n\tregistry["x"] = 1', ["registry", "x"], 2, 11, 3),
        ('registry["x"] = {"a":\t[1,\t2]}', ["registry", "x", "a", 1], 1, 27, 1),
        ('registry["a"] = "\x0c"; registry["b"] = 1', ["registry", "b"], 1, 31, 3),
        ('"""a\nb"""; registry["b"] = 1', ["registry", "b"], 2, 16, 3),
        ('registry["a"] = 1\r\nregistry["b"] = 2\r\n', ["registry", "b"], 2, 10, 3),
        ('\ufeffregistry["a"] = 1', ["registry", "a"], 1, 10, 3),
        ('registry["a"] = """x\n""" + env(\n"A", "b")', ["registry", "a"], 1, 10, 3),
        ('registry["abc"\n] = 1', ["registry", "abc"], 1, 10, 5),
    ],
)
def test_where_a_value_was_given(
    text: str, path: list[str | int], line: int, column: int, width: int
) -> None:
    found = location(text, *path)
    assert (found.line, found.column, found.width) == (line, column, width)
    assert found.file.name == "settings.py"


def test_a_location_has_the_line_as_it_is_written() -> None:
    found = location('registry["x"] = {"a":\t[1,\t2]}  # é', "registry", "x", "a")
    assert found.text == 'registry["x"] = {"a":\t[1,\t2]}  # é'


def test_a_value_that_spans_lines_is_underlined_to_the_end_of_its_first() -> None:
    found = location('registry["a"] = [{\n"b": 1}]', "registry", "a", 0)
    assert (found.line, found.column, found.width) == (1, 18, 1)


def test_values_of_an_included_file_are_in_that_file() -> None:
    found = location('x = 1\nfrom_file("b.py")', "registry", "b", b_py='\nregistry["b"] = x\n')
    assert (found.file.name, found.line, found.column) == ("b.py", 2, 10)


def test_what_is_not_known_has_no_location() -> None:
    values = read('registry["a"] = [1]').values
    assert values.location_of("nothing") is None
    assert TrackedList([1]).location_of(0) is None
    assert TrackedList([1]).location_of(5) is None
    assert TrackedDict({"a": 1}).location_of("a") is None


def test_locations_can_be_given_by_another_reader() -> None:
    where = location('registry["a"] = 1', "registry")
    assert TrackedDict({"a": 1}, {"a": where}).location_of("a") == where
    assert TrackedList([1], [where]).location_of(0) == where


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            'registry["é"] = "ü" + nowhere',
            '    registry["é"] = "ü" + nowhere\n                          ^^^^^^^',
        ),
        (
            'if True:\n\tregistry["é"] =\t[nowhere]',
            '    \tregistry["é"] =\t[nowhere]\n    \t               \t ^^^^^^^',
        ),
        (
            'registry["x"] = f"é {nowhere}"',
            '    registry["x"] = f"é {nowhere}"\n                         ^^^^^^^',
        ),
    ],
)
def test_the_caret_is_below_the_place(text: str, shown: str) -> None:
    (error,) = errors(text)
    assert shown in str(error)


@pytest.mark.parametrize(
    "text",
    [
        'registry["x"] = f"{nowhere}"',
        'registry["x"] = f"{1} {nowhere:>3}"',
        'registry["x"] = f"{\'a\':>{nowhere}}"',
        'registry["x"] = f"""\n  {nowhere}"""',
        'registry["x"] = "a" f"{nowhere}"',
        'registry["x"] = f"{[1, nowhere]}"',
        'registry["x"] = f"{1 + nowhere.x}"',
    ],
)
def test_an_error_in_an_f_string_is_at_the_name_or_at_the_f_string(text: str) -> None:
    (error,) = errors(text)
    where = error.location
    assert where
    assert where.text[where.column - 1 :].startswith(("nowhere", 'f"', '"a" f"', "1 + nowhere"))


def test_a_very_long_line_is_not_shown() -> None:
    (error,) = errors('registry["x"] = [' + "1, " * 5000 + "nowhere]")
    assert error.location
    assert (error.location.column, error.location.text) == (15018, "")
