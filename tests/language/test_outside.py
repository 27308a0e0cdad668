"""What settings take from outside: files, JSON, several files at once, the machine's name."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ctl.language import read_settings
from ctl.language.outside import qualified
from tests.language.reader import NAMES, errors, read


def x(text: str, /, **files: str | bytes) -> object:
    registry = read(f'registry["x"] = {text}\n', **files).values["registry"]
    assert isinstance(registry, dict)
    return registry["x"]


def test_exists() -> None:
    assert x('[exists("here"), exists("none"), exists("."), exists("here/below")]', here="") == [
        True,
        False,
        True,
        False,
    ]
    assert x('exists("/dev/zero")') is True


def test_exists_opens_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert x(f'exists("{tmp_path}/pipe")') is True


def test_a_name_that_is_no_file_name() -> None:
    assert "the name is not usable" in errors('registry["x"] = exists("a\\0b")')[0].message
    assert x('exists("' + "a" * 5000 + '")') is False


def test_a_default_stands_in_for_a_missing_file_only() -> None:
    assert x('[read_file("none", "a"), read_file("here", default="a")]', here="b\n") == ["a", "b"]
    assert x('read_file("none", None)') is None
    (error,) = errors('registry["x"] = read_file(".", "a")')
    assert "is a folder" in error.message
    (error,) = errors('registry["x"] = read_file("here", "a")', here=b"\xff")
    assert "is not UTF-8" in error.message


def test_read_json() -> None:
    text = '{"a": [1, 2.5, true, null, {"b": "ä"}], "c": -3}'
    assert x('read_json("x.json")', **{"x.json": text}) == {"a": [1, 2.5, True, None, {"b": "ä"}], "c": -3}
    assert x('read_json("x.json")["a"][4]["b"].upper()', **{"x.json": text}) == "Ä"
    assert x('read_json("none", {})') == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file x.json is not JSON: line 1, column 1"),
        ('{\n "password": geheim}', "the file x.json is not JSON: line 2, column 14"),
        ("NaN", "numbers or levels that are too many"),
        ("[1e999]", "not a usable number"),
        ("9" * 5000, "numbers or levels that are too many"),
        ("9" * 400, "more than 1024 bits"),
        ("[" * 100_000 + "]" * 100_000, "numbers or levels that are too many"),
        ("[" * 60 + "]" * 60, "more than 40 levels"),
        ("[" + "[]," * 300_000 + "[]]", "more than 250,000 steps"),
        ('{"a": "\\ud800"}', "not valid Unicode"),
    ],
)
def test_json_that_is_not_taken(content: str, message: str) -> None:
    (error,) = errors('registry["x"] = read_json("x.json")', **{"x.json": content})
    assert message in error.message
    assert "geheim" not in str(error)
    assert error.location
    assert error.location.line == 1


def test_a_pattern_includes_files_in_the_order_of_their_names() -> None:
    files = {f"{name}_py": f'names.append("{name}")\n' for name in ("b", "a", "c10", "c9", "x.rb")}
    text = 'names = []\nfrom_file("[a-c]*.py")\nregistry["x"] = names\n'
    reading = read(text, **files, **{".b": "wrong", "a.txt": "wrong"})
    assert reading.values["registry"] == {"x": ["a", "b", "c10", "c9"]}
    assert len(reading.files) == 5


def test_a_pattern_that_nothing_fits_includes_nothing() -> None:
    assert read('from_file("*.none")\nfrom_file("none/*.py")\n').values == {}


def test_errors_of_included_files_are_theirs() -> None:
    (error,) = errors('from_file("b*.py")\n', b_py='\nregistry["x"] = nowhere\n', b2_py="")
    assert error.location
    assert (error.location.file.name, error.location.line) == ("b.py", 2)
    (error,) = errors('from_file("*.py")\n')
    assert "includes itself" in error.message


def test_a_pattern_over_what_is_no_folder_or_has_too_much(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (error,) = errors(f'from_file("{tmp_path}/file/*.py")')
    assert "Not a directory" in error.message
    (tmp_path / "many").mkdir()
    for number in range(300):
        (tmp_path / "many" / f"{number}.py").touch()
    (error,) = errors(f'from_file("{tmp_path}/many/*.py")')
    assert "more than 200 files" in error.message


def test_patterns_take_no_time() -> None:
    files = {"a" * 200 + "_py": "", "b_py": ""}
    assert read('from_file("' + "*a" * 100 + '*b")', **files).values == {}


def test_the_name_of_this_machine() -> None:
    assert x("hostname()") == socket.gethostname().partition(".")[0]


def test_variables_may_have_the_name_of_a_function_that_is_a_likely_name() -> None:
    text = 'hostname = "a"\nexists = True\nfqdn = hostname + ".b"\nregistry["x"] = [hostname, exists, fqdn]\n'
    assert read(text).values["registry"] == {"x": ["a", True, "a.b"]}
    (error,) = errors('hostname = hostname()\nregistry["x"] = hostname()\n')
    assert "hostname is not a function" in error.message
    assert "called with the wrong arguments" in errors('registry["x"] = hostname(5)')[0].message


@pytest.mark.parametrize(
    ("name", "hosts", "full"),
    [
        ("a.b.c", "", "a.b.c"),
        ("a", "127.0.0.1 localhost\n127.0.1.1\ta.example.com a\n", "a.example.com"),
        ("a", "127.0.1.1 a a.example.com\n", "a.example.com"),
        ("a", "127.0.1.1 ab.example.com a\n", None),
        ("a", "# 127.0.1.1 a.example.com a\n\n::1\n", None),
    ],
)
def test_the_full_name_of_a_machine(name: str, hosts: str, full: str | None) -> None:
    assert qualified(name, hosts) == full


_NAMED = """
import sys
from pathlib import Path
from ctl.language import read_settings
from tests.language.reader import NAMES
print(read_settings(Path(sys.argv[1]), names=NAMES, environment={}).values["registry"])
"""


@pytest.mark.real
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may name a machine")
def test_the_names_of_a_machine_that_has_a_full_one(tmp_path: Path) -> None:
    """In a namespace of its own, where the machine is called otherwise."""
    settings = tmp_path / "settings.py"
    settings.write_text('registry["x"] = [hostname(), fqdn()]\n')
    run = 'hostname node1.example.com && exec "$@"'
    argv = ["unshare", "--uts", "sh", "-c", run, "sh", sys.executable, "-c", _NAMED, str(settings)]
    found = subprocess.run(argv, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    assert found.stdout.strip() == "{'x': ['node1', 'node1.example.com']}"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look anywhere")
def test_a_folder_that_this_user_may_not_enter(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    (tmp_path / "s.py").write_text('registry["x"] = exists("closed/file")')
    with pytest.raises(Exception, match="sudo"):
        read_settings(tmp_path / "s.py", names=NAMES, environment={})
