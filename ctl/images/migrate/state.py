"""What a migration remembers: what was copied, and the settings that it changes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from ctl.storage.store import Object


class State:
    """A file of its own for each pair of storages, to which lines are added; the last one may be cut.

    It is opened once: whoever copies has the rights of the registry's account meanwhile, and may not open it. It
    holds settings with secrets.

    Args:
        path: of the file; its folder is private.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        self._copied: dict[str, str] = {}
        self._notes: dict[str, str] = {}
        self._read()

    def _read(self) -> None:
        with os.fdopen(os.dup(self._file), encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    kind, name, value = json.loads(line)
                except ValueError:  # cut by a crash
                    continue
                (self._copied if kind == "copied" else self._notes)[name] = value
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")  # what is added is a line of its own

    def _write(self, lines: Iterable[tuple[str, str, str]]) -> None:
        content = "".join(json.dumps(line) + "\n" for line in lines).encode()
        while content:
            content = content[os.write(self._file, content) :]

    def copied(self) -> dict[str, str]:
        """The keys that were copied, with what they were at the source."""
        return dict(self._copied)

    def add(self, objects: Iterable[Object]) -> None:
        """Remember what was copied."""
        new = {one.key: one.identity for one in objects}
        self._write(("copied", key, identity) for key, identity in new.items())
        self._copied |= new

    def note(self, name: str, value: str) -> None:
        """Remember something else."""
        self._write([("note", name, value)])
        self._notes[name] = value

    def noted(self, name: str) -> str | None:
        """It, or None."""
        return self._notes.get(name)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def remove(self) -> None:
        """The migration is over."""
        self.close()
        self.path.unlink()
