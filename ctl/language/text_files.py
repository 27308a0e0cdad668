"""Reading files that a person or a settings file names: regular ones of a bounded size, in UTF-8."""

from __future__ import annotations

import os
import stat
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from ctl.language.limits import MAX_ENTRIES, MAX_FILE_BYTES
from ctl.machine.trusted import unsafe


class FileProblem(Exception):
    """A file cannot be used.

    Args:
        message: what is wrong with it, to be put after the file's name: "does not exist".
        hint: what to do.
        line: where in the file, counted from 1, or 0 where it is about the whole file.
        column: counted from 1.
    """

    def __init__(self, message: str, hint: str = "", *, line: int = 0, column: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.line = line
        self.column = column


def read_text(path: Path) -> str:
    """The text of a file. A byte order mark is dropped; newlines are kept as they are.

    Args:
        path: the file; a symbolic link is followed.

    Raises:
        FileProblem: it does not exist, may not be read, is no regular file, too large, or not text.
    """
    data = _read(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_text(data, error.start, "is not UTF-8 text", "Save it in UTF-8.") from None
    if "\0" in text:
        raise _not_text(data, data.index(b"\0"), "holds a NUL byte, as no text does", _NUL_HINT)
    return text


_FORMER: ContextVar[Mapping[Path, Path]] = ContextVar("former files", default={})  # noqa: B039 - never changed


@contextmanager
def as_they_were(files: Mapping[Path, Path]) -> Iterator[None]:
    """Let settings be read as they were, or will be: in the place of each of some files its copy."""
    token = _FORMER.set({_plain(path): copy for path, copy in files.items()})
    try:
        yield
    finally:
        _FORMER.reset(token)


def place_of(path: Path) -> Path:
    """Where a file is read: its copy where it is read as it was, which may be all that is left of it."""
    return _FORMER.get().get(_plain(path), path)


def _plain(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links


def read_trusted(path: Path) -> str:
    """As `read_text`, of a file that nobody but root and the caller can change: it decides what root does.

    Raises:
        FileProblem: as `read_text`, or another account can change it; says how to mend that.
    """
    path = place_of(path)
    found = unsafe(path)
    if found:
        raise FileProblem(found.message, found.hint)
    return read_text(path)


def is_there(path: Path) -> bool:
    """Whether there is a file or folder of this name; a symbolic link is followed, nothing is opened.

    Raises:
        FileProblem: this user may not look.
    """
    try:
        if _plain(path) not in _FORMER.get():
            path.stat()
    except PermissionError as error:
        raise _unreadable(error) from None
    except OSError:
        return False
    except ValueError as error:
        raise _unreadable(error) from None
    return True


def folder_entries(path: Path) -> list[str]:
    """The names of what is in a folder; of one that does not exist, none.

    Raises:
        FileProblem: it may not be read, is no folder, or has too many entries.
    """
    names = [one.name for one in _FORMER.get() if one.parent == _plain(path)]
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name not in names:
                    names.append(entry.name)
                if len(names) > MAX_ENTRIES:
                    raise FileProblem(f"has more than {MAX_ENTRIES:,} entries")
    except FileNotFoundError:
        return names
    except (OSError, ValueError) as error:
        raise _unreadable(error) from None
    return names


_NUL_HINT = "Remove it; if there is one after every letter, save the file in UTF-8 instead of UTF-16."


def _read(path: Path) -> bytes:
    try:
        # Looked at before it is opened, as opening a device or a pipe can have effects of its own, and after,
        # as the name may lead to another file by then.
        _refuse_irregular(path.stat())
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            _refuse_irregular(os.fstat(descriptor))
            data = file.read(MAX_FILE_BYTES + 1) or b""
    except (OSError, ValueError) as error:
        raise _unreadable(error) from None
    if len(data) > MAX_FILE_BYTES:
        raise FileProblem(f"is larger than {MAX_FILE_BYTES // 1024:,} KiB")
    return data


def _refuse_irregular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise FileProblem("is a folder, not a file", "Name a file in it.")
    if not stat.S_ISREG(status.st_mode):
        raise FileProblem("is a device, pipe or socket, not a regular file")


def _unreadable(error: OSError | ValueError) -> FileProblem:
    if isinstance(error, FileNotFoundError):
        return FileProblem("does not exist")
    if isinstance(error, PermissionError):
        return FileProblem(
            "may not be read by this user", "Run the command with sudo, or change the file's mode."
        )
    reason = error.strerror if isinstance(error, OSError) and error.strerror else "the name is not usable"
    return FileProblem(f"cannot be read: {reason}")


def _not_text(data: bytes, offset: int, message: str, hint: str) -> FileProblem:
    before = data[:offset].removeprefix(BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    line = before.count(b"\n") + 1
    column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
    return FileProblem(message, hint, line=line, column=column)
