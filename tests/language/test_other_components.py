"""What cannot be evaluated is a note where only other components need it, and an error where one of ours does."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from ctl.language import Reading, read_settings
from ctl.language.source import Diagnostic, SettingsError, Severity
from tests.language import reader

NAMES = replace(
    reader.NAMES,
    foreign_key=lambda section, key: (
        (section == "gitlab_rails" and not key.startswith("registry")) or section == "registry.nginx"
    ),
    followed={"postgresql": frozenset({"port"})},
)


def read(text: str) -> Reading:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "settings.py")
        path.write_text(text)
        return read_settings(path, names=NAMES, environment={})


def found(text: str) -> list[tuple[Severity, str, str]]:
    """Severity, place and message of everything reported."""
    diagnostics: tuple[Diagnostic, ...]
    try:
        diagnostics = read(text).diagnostics
    except SettingsError as error:
        diagnostics = error.partial.diagnostics  # type: ignore[attr-defined]
    assert all(one.location for one in diagnostics)
    return [
        (one.severity, f"{one.location.line}:{one.location.column}", one.message)
        for one in diagnostics
        if one.location
    ]


NOTES = [
    ('gitlab_rails["password"] = read_file("/none")', "1:28", "the file /none does not exist"),
    ('sidekiq["x"] = nowhere', "1:16", "unknown name nowhere"),
    ('sidekiq["x"]["y"] = 1 / 0', "1:21", "divides by zero"),
    ('registry["nginx"]["cache"] = nowhere', "1:30", "unknown name nowhere"),
    ('postgresql["shared_buffers"] = nowhere', "1:32", "unknown name nowhere"),
    ('sidekiq["x"] = []\nsidekiq["x"].append(nowhere)', "2:21", "unknown name nowhere"),
    ('sidekiq["x"] += 1', "1:1", "is not set above"),
    ("roles([nowhere])", "1:8", "unknown name nowhere"),
    ("roles = nowhere", "1:9", "unknown name nowhere"),
    ('sidekiq["x"].each(nowhere)', "1:1", "is not set above"),
    ('sidekiq["x"] = lambda: 1', "1:16", "lambda is not part"),
    ('if nowhere:\n    gitlab_rails["ldap"] = 1\nelse:\n    sidekiq["x"] = 1', "1:4", "unknown name nowhere"),
    ('if 1:\n    gitlab_rails["ldap"] = nowhere', "2:28", "unknown name nowhere"),
    ('if nowhere:\n    x = 1\n    if x:\n        sidekiq["x"] = x', "1:4", "unknown name nowhere"),
    ("for name in nowhere:\n    sidekiq[name] = name", "1:13", "unknown name nowhere"),
    ('for name in ["a", "a"]:\n    sidekiq[name] = nowhere', "2:21", "unknown name nowhere"),
    ('x = nowhere\nsidekiq["x"] = x', "1:5", "unknown name nowhere"),
    ('x = nowhere\ny = [x, 1]\nsidekiq["x"] = y[1]', "1:5", "unknown name nowhere"),
    ('import json\nsidekiq["x"] = json.load("x")', "1:1", "import is not part"),
    ('sidekiq["x"] = nowhere\nsidekiq["y"] = sidekiq["x"]', "1:16", "unknown name nowhere"),
    ('while True:\n    sidekiq["x"] = 1', "1:1", "while is not part"),
]


@pytest.mark.parametrize(("statement", "place", "message"), NOTES)
def test_a_note_at_its_place(statement: str, place: str, message: str) -> None:
    reading = read(f'{statement}\nregistry["a"] = 1\n')
    registry = reading.values["registry"]
    assert isinstance(registry, dict)
    assert registry["a"] == 1
    ((severity, where, reported),) = found(f'{statement}\nregistry["a"] = 1\n')
    assert (severity, where) == (Severity.NOTE, place)
    assert reported.startswith("ignored, as only settings of other components need it: ")
    assert message in reported


ERRORS = [
    ('gitlab_rails["registry_host"] = nowhere', ["1:33"]),
    ('postgresql["port"] = nowhere', ["1:22"]),
    ("postgresql = nowhere", ["1:14"]),
    ('sidekiq["x"], registry["a"] = nowhere', ["1:31"]),
    ('gitlab_rails[env("A", "registry_host")] = nowhere', ["1:43"]),
    ("_x = nowhere", ["1:6"]),
    ("import json", ["1:1"]),
    ('x = nowhere\nregistry["x"] = x\nsidekiq["x"] = x', ["1:5"]),
    ('x = nowhere\ny = [x]\nsidekiq["x"] = y\nregistry["x"] = y', ["1:5"]),
    ('sidekiq["x"] = nowhere\nregistry["x"] = sidekiq["x"]', ["1:16"]),
    ('sidekiq["x"] = nowhere\nif sidekiq["x"]:\n    registry["x"] = 1', ["1:16"]),
    ('if nowhere:\n    sidekiq["x"] = 1\n    registry["x"] = 1', ["1:4"]),
    ('if nowhere:\n    from_file("x.py")', ["1:4"]),
    ('x = registry\nx["a"] = nowhere', ["2:10"]),
    ('for name in nowhere:\n    registry["x"] = 1', ["1:13"]),
    ("x = nowhere\nfrom_file(x)", ["1:5"]),
    ('nowhere["x"] = 1', ["1:1"]),
    ("nowhere()", ["1:1"]),
]


@pytest.mark.parametrize(("text", "places"), ERRORS)
def test_an_error_where_a_setting_of_ours_depends_on_it(text: str, places: list[str]) -> None:
    reported = found(text)
    assert [where for _, where, _ in reported] == places
    assert {severity for severity, _, _ in reported} == {Severity.ERROR}


def test_an_ignored_setting_counts_as_given() -> None:
    values = read('sidekiq["x"] = nowhere\ngitlab_rails["a"]["b"] = nowhere\nroles = nowhere\n').values
    assert values == {"sidekiq": {"x": ""}, "gitlab_rails": {"a": {"b": ""}}, "roles": ""}


def test_errors_before_a_limit_are_reported_with_what_was_held_back() -> None:
    reported = found(
        'x = nowhere\nsidekiq["y"] = other\nfor i in range(90000):\n    for j in range(90000): pass\n'
    )
    assert [(severity, where) for severity, where, _ in reported] == [
        (Severity.ERROR, "1:5"),
        (Severity.NOTE, "2:16"),
        (Severity.ERROR, "4:5"),
    ]


@pytest.mark.real
def test_very_long_chains_and_very_many_failures() -> None:
    chain = (
        "a0 = nowhere\n" + "".join(f"a{i} = a{i - 1}\n" for i in range(1, 5000)) + 'registry["x"] = a4999\n'
    )
    assert [where for _, where, _ in found(chain)] == ["1:6"]
    assert len(found("".join(f'sidekiq["{i}"] = nowhere\n' for i in range(1000)))) == 50
    many = found("".join(f"_x{i} = nowhere\n" for i in range(1000)))
    assert many[-1][2] == "there are more than 50 errors"
