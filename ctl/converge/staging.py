"""A private copy of the planned files, in which the programs that will read them check them first."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ctl.converge import leftovers
from ctl.converge.inspect import STAND_IN_ID, user_ids
from ctl.converge.leftovers import temporary_folder
from ctl.converge.model import DesiredFile, Validation
from ctl.errors import naming

PREFIX = ".ctl-staging-"


class StagingCopy:
    """The copy: each planned file is below `folder` under its absolute path.

    Args:
        folder: the top of the copy.
        planned: real path to file.
    """

    def __init__(self, folder: Path, planned: Mapping[Path, DesiredFile]) -> None:
        self.folder = folder
        self._planned = planned

    def path(self, real: Path) -> Path:
        """Where the planned version is now: in the copy if planned, else the real path."""
        return self._staged(real) if real in self._planned else real

    def real_names(self, text: str) -> str:
        """A program's message with the real paths in place of the copy's."""
        return text.replace(str(self.folder), "")

    def _staged(self, real: Path) -> Path:
        return self.folder / real.relative_to("/")

    def write(self, redirect: Iterable[Path]) -> None:
        """Write the files, their texts naming the copy's paths instead of the real ones."""
        redirected = list(redirect)
        for path in redirected:
            self._staged(path).mkdir(parents=True, exist_ok=True)
        replace = self._replacer([*self._planned, *redirected])
        for real, file in self._planned.items():
            staged = self._staged(real)
            staged.parent.mkdir(parents=True, exist_ok=True)
            with naming(staged):
                staged.write_bytes(replace(file.content))
            staged.chmod(0o600)

    def _replacer(self, paths: Iterable[Path]) -> _Replacer:
        names = {str(path): str(self._staged(path)) for path in paths}
        return _Replacer(names | {_in_quotes(name): _in_quotes(staged) for name, staged in names.items()})


def _in_quotes(name: str) -> str:
    """A path as it is written between double quotes, in YAML and NGINX alike."""
    return name.replace("\\", "\\\\").replace('"', '\\"')


class _Replacer:
    """Replaces whole paths in text, the longest first; what is no text stays as it is."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        longest_first = sorted(names, key=len, reverse=True)
        pattern = "|".join(re.escape(name) for name in longest_first)
        self._pattern = re.compile(rf"(?<![\w./-])(?:{pattern})(?![\w.-])")

    def __call__(self, content: bytes) -> bytes:
        try:
            text = content.decode()
        except UnicodeDecodeError:
            return content
        return self._pattern.sub(lambda match: self._names[match[0]], text).encode()


@contextmanager
def staging(
    planned: Iterable[DesiredFile], validation: Validation, *, parent: Path | None = None
) -> Iterator[StagingCopy]:
    """A copy of the planned files for one validation; removed afterwards.

    An account that reads the copy gets what the validation watches, and nothing else: among the other files
    there are secrets that are not for it.

    Args:
        planned: every file of the plan, changed or not.
        validation: names further paths to redirect, and the account that must be able to read the copy.
        parent: where it is made, for `sweep` to find; by default, or where that is missing, among the
            machine's temporary files.
    """
    place = parent if parent is not None and parent.is_dir() else None
    with temporary_folder(PREFIX, place) as top:
        # The top stays the caller's, so that it is known as such when the run is killed.
        folder = top / "copy"
        folder.mkdir(mode=0o700)
        copy = StagingCopy(folder, {file.path: file for file in planned if _meant_for(validation, file.path)})
        copy.write(validation.redirect)
        if validation.user is not None:
            _give(folder, validation.user)
            top.chmod(0o711)
        yield copy


def _meant_for(validation: Validation, path: Path) -> bool:
    return validation.user is None or any(path.is_relative_to(watched) for watched in validation.watches)


def sweep(*parents: Path) -> None:
    """Remove the copies that killed runs left in these folders, and among the machine's temporary files."""
    for parent in (Path(tempfile.gettempdir()), *parents):
        leftovers.sweep(parent, PREFIX)


def _give(folder: Path, user: str) -> None:
    owner = user_ids(user) or (STAND_IN_ID, STAND_IN_ID)
    # the top last: until then nobody else can reach in and swap what is still to be given
    for place, _, files in os.walk(folder, topdown=False):
        for name in files:
            os.chown(Path(place) / name, *owner, follow_symlinks=False)
        os.chown(place, *owner)
