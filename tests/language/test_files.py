"""Files that settings are read from, include, or read: what is accepted, and what is reported of the others."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ctl.errors import EXIT_USAGE
from ctl.language import read_settings
from ctl.language.source import SettingsError
from tests.language.reader import NAMES, errors, read


def problem(path: Path) -> SettingsError:
    """What is reported of a settings file that cannot be read."""
    with pytest.raises(SettingsError) as caught:
        read_settings(path, names=NAMES, environment={})
    return caught.value


def test_a_missing_file(tmp_path: Path) -> None:
    error = problem(tmp_path / "gitlab.py")
    assert str(error) == f"error: the settings file {tmp_path}/gitlab.py does not exist"
    assert error.exit_code == EXIT_USAGE


def test_a_folder(tmp_path: Path) -> None:
    assert "is a folder, not a file" in str(problem(tmp_path))


def test_a_file_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert "cannot be read: Not a directory" in str(problem(tmp_path / "a" / "b"))


def test_a_loop_of_links(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("a")
    assert "cannot be read" in str(problem(tmp_path / "a"))


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    assert "cannot be read: the name is not usable" in str(problem(Path("a\0b")))
    assert "cannot be read: File name too long" in str(problem(tmp_path / ("a" * 300)))


def test_a_pipe_that_nobody_writes_to_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is a device, pipe or socket" in str(problem(tmp_path / "pipe"))


def test_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        assert "is a device, pipe or socket" in str(problem(tmp_path / "s"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_this_user_may_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch(mode=0)
    assert "sudo" in str(problem(tmp_path / "a.py"))


def test_permission_denied_names_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.py").touch()
    monkeypatch.setattr(os, "open", refuse)
    found = str(problem(tmp_path / "a.py"))
    assert "may not be read by this user" in found
    assert "sudo" in found


def test_a_link_to_a_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.py").write_text('external_url = "a"')
    (tmp_path / "link.py").symlink_to("real.py")
    assert read_settings(tmp_path / "link.py", names=NAMES, environment={}).values == {"external_url": "a"}


def test_a_file_that_is_too_large() -> None:
    assert "is larger than 1,024 KiB" in errors("#" * 1_048_577)[0].message
    assert read("#" * 1_048_576).values == {}
    (error,) = errors('registry["x"] = read_file("big")', big="x" * 1_048_577)
    assert "is larger than 1,024 KiB" in error.message


def test_text_that_is_not_utf_8_is_placed() -> None:
    (error,) = errors(b"# ok\nexternal_url = '\xc3\xa9\xff'")
    assert error.location
    assert (error.location.line, error.location.column) == (2, 18)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\xff\xfe", "is not UTF-8 text"), (b"a\0b", "holds a NUL byte, as no text does")],
)
def test_read_file_takes_text_only(content: bytes, message: str) -> None:
    (error,) = errors('registry["x"] = read_file("s")', s=content)
    assert error.message == f"the file s {message}"


def test_an_include_takes_effect_in_its_place() -> None:
    found = read(
        'registry["a"] = 1\nregistry["b"] = 1\nfrom_file("b.py")\nregistry["b"] = registry["c"]\n',
        b_py='registry["a"] = 2\nregistry["b"] = 2\nregistry["c"] = registry["a"] + 1\n',
    )
    assert found.values["registry"] == {"a": 2, "b": 3, "c": 3}


def test_includes_are_relative_to_the_file_they_are_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "a.py").write_text('from_file("d/b.py")\n')
    (tmp_path / "d" / "b.py").write_text('from_file("c.py")\nregistry["s"] = read_file("s")\n')
    (tmp_path / "d" / "c.py").write_text('registry["c"] = 1\n')
    (tmp_path / "d" / "s").write_text("text")
    monkeypatch.chdir(tmp_path)
    found = read_settings(Path("a.py"), names=NAMES, environment={})
    assert found.values["registry"] == {"c": 1, "s": "text"}
    assert found.files == (Path("a.py"), Path("d/b.py"), Path("d/c.py"))


def test_an_absolute_include(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text('external_url = "a"')
    assert read(f'from_file("{tmp_path}/b.py")').values == {"external_url": "a"}


def test_includes_in_a_loop_and_twice() -> None:
    found = read(
        'n = []\nfor name in ["b", "b", "c"]:\n    from_file(f"{name}.py")\nregistry["n"] = n\n',
        b_py='n.append("b")\n',
        c_py='n.append("c")\n',
    )
    assert found.values["registry"] == {"n": ["b", "b", "c"]}
    assert len(found.files) == 3


def test_errors_of_all_files_are_reported_each_in_its_own() -> None:
    found = errors(
        'registry["a"] = one\nfrom_file("b.py")\nregistry["c"] = three\n',
        b_py='\nregistry["b"] = two +\nregistry["b"] = four\n',
    )
    assert [(one.location.file.name, one.location.line) for one in found if one.location] == [
        ("settings.py", 1),
        ("settings.py", 3),
        ("b.py", 2),
        ("b.py", 3),
    ]


def test_a_missing_include_is_placed_at_its_from_file() -> None:
    (error,) = errors('registry["a"] = 1\nfrom_file("b.py")\nregistry["c"] = registry["from_b"] + from_b\n')
    assert error.location
    assert (error.location.line, error.location.column) == (2, 1)
    assert "b.py does not exist" in error.message


def test_an_include_that_is_not_text_is_placed_in_it() -> None:
    (error,) = errors('from_file("b.py")', b_py=b"#\n\xff")
    assert error.location
    assert (error.location.file.name, error.location.line) == ("b.py", 2)


def test_a_file_that_includes_itself() -> None:
    (error,) = errors('from_file("settings.py")')
    assert "includes itself" in error.message
    (error,) = errors('from_file("b.py")', b_py='from_file("./settings.py")')
    assert "includes itself" in error.message
    assert error.location
    assert error.location.file.name == "b.py"


def test_includes_nested_too_deeply() -> None:
    files = {f"f{n}_py": f'from_file("f{n + 1}.py")\n' for n in range(20)}
    (error,) = errors('from_file("f0.py")', **files)
    assert "more than 10 deep" in error.message


def test_too_many_files() -> None:
    (error,) = errors('for i in range(1000):\n    from_file("b.py")\n', b_py="")
    assert "more than 200 files" in error.message
    assert (
        "more than 200 files"
        in errors('x = [read_file("s") for i in range(1000)]\nregistry["x"] = x', s="")[0].message
    )


def test_a_warning_of_an_included_file_is_kept() -> None:
    (warning,) = read('from_file("b.py")', b_py='registry["x"] = {"a": 1, "a": 2}').diagnostics
    assert warning.location
    assert warning.location.file.name == "b.py"
