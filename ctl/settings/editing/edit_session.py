"""Editing a settings file as visudo does: a copy in an editor, checked, and installed only if it is valid."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ctl.converge.atomic import TEMPORARY_PREFIX
from ctl.converge.leftovers import abandoned, locked_folder
from ctl.errors import EXIT_OK, EXIT_USAGE, CtlError, UsageFault, naming
from ctl.language.source import Diagnostic, SettingsError
from ctl.language.text_files import FileProblem, read_text
from ctl.output import Console
from ctl.paths import Layout
from ctl.settings.editing.locked_file import Original, locked
from ctl.settings.editing.masked_diff import masked_diff
from ctl.settings.editing.preview import Preview

_VARIABLES = ("VISUAL", "EDITOR")
_FALLBACKS = ("editor", "vi")
EDITING = f"{TEMPORARY_PREFIX}edit-"
"""Begins the name of the folder of each edit's copy."""
_QUESTION = "What now? (e)dit again, e(x)it without saving [e]: "


class EditorFailed(CtlError):
    """The editor could not be run, or ended with an error (exit 1); the copy is thrown away."""


def editor() -> list[str]:
    """The command of the user's editor: $VISUAL, $EDITOR, or the system's.

    Raises:
        UsageFault: there is none, or the variable names none.
    """
    for variable in _VARIABLES:
        text = os.environ.get(variable, "").strip()
        if text:
            return _from_variable(variable, text)
    for name in _FALLBACKS:
        if shutil.which(name):
            return [name]
    raise UsageFault("no editor was found", hint="Name one: EDITOR=nano ctl settings edit")


def _from_variable(variable: str, text: str) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    if not words or not shutil.which(words[0]):
        raise UsageFault(f"{variable} names no program that can be run: {text}")
    return words


_Wanted = tuple[bytes, Sequence[Diagnostic]]
"""A version of the file that may be installed, with warnings and notes about it."""


@dataclass(frozen=True)
class Session:
    """One edit.

    Args:
        file: the settings file as the user named it.
        layout: the root.
        console: where to talk.
        editor: the editor's command.
    """

    file: Path
    layout: Layout
    console: Console
    editor: Sequence[str]

    def run(self) -> int:
        """Edit, check and install.

        Returns:
            The exit code: 0 also where nothing was changed, 2 where a wrong version was given up.

        Raises:
            LockHeld: somebody else edits the file.
            EditorFailed, ChangedMeanwhile: nothing was changed.
        """
        with locked(self.file) as original:
            self._look_after_killed_edits(original)
            with self._copy(original) as (copy, held):
                return self._until_valid(original, copy, held)

    def _until_valid(self, original: Original, copy: Path, held: int) -> int:
        while True:
            self._edit(copy, held)
            wanted = self._wanted(copy, original)
            if wanted is not None and wanted[0] != original.content:
                self._install(original, *wanted)
                return EXIT_OK
            if wanted is not None or not self._again():
                self.console.say(f"{self.file} is unchanged")
                return EXIT_USAGE if wanted is None else EXIT_OK

    def _edit(self, copy: Path, held: int) -> None:
        """Run the editor; it holds the lock of the copy too, and so keeps it should this process be killed."""
        with _ignoring_keyboard():
            try:
                code = subprocess.run([*self.editor, str(copy)], check=False, pass_fds=[held]).returncode
            except OSError as error:
                raise EditorFailed(f"{self.editor[0]} cannot be run: {error.strerror}") from None
        if code:
            raise EditorFailed(f"{self.editor[0]} ended with {code}: {self.file} is unchanged")

    def _wanted(self, copy: Path, original: Original) -> _Wanted | None:
        """The checked copy; None, and the errors are shown, if it is not valid."""
        try:
            if not copy.exists():
                return original.content, ()
            text = read_text(copy)  # a regular file, in UTF-8
            content = copy.read_bytes()
            if content == original.content:
                return content, ()
            return content, Preview(self.file, text, self.layout).check()
        except FileProblem as problem:
            line = f"line {problem.line}: " if problem.line else ""
            self.console.error(f"{line}the file {problem.message}. {problem.hint}".rstrip())
        except SettingsError as error:
            self.console.error(error.message)
        return None

    def _install(self, original: Original, content: bytes, diagnostics: Sequence[Diagnostic]) -> None:
        before, after = (text.decode(errors="replace") for text in (original.content, content))
        diff = masked_diff(self.file, before, after)
        original.replace(content)
        self.console.say(diff)
        for one in diagnostics:
            self.console.note(str(one))
        self.console.say(f"{self.file} is changed; next: ctl reconfigure")

    def _again(self) -> bool:
        while True:
            sys.stderr.write(_QUESTION)
            sys.stderr.flush()
            line = sys.stdin.readline()
            if not line:
                sys.stderr.write("\n")
                raise UsageFault(f"standard input has ended: {self.file} is unchanged")
            answer = line.strip().lower()
            if answer in ("", "e"):
                return True
            if answer == "x":
                return False

    @contextmanager
    def _copy(self, original: Original) -> Iterator[tuple[Path, int]]:
        """A copy for this user alone, in a folder beside the file, and what holds the folder's lock.

        It is kept where work would be lost.
        """
        folder, held = locked_folder(EDITING, original.target.parent)
        copy = folder / self.file.name
        keep = False
        try:
            descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with naming(copy), os.fdopen(descriptor, "wb") as file:
                file.write(original.content)
            yield copy, held
        except EditorFailed:
            raise
        except BaseException:
            keep = copy.is_file() and copy.read_bytes() != original.content
            raise
        finally:
            if keep:
                self.console.error(f"your version is kept in {copy}")
            else:
                shutil.rmtree(folder)
            os.close(held)

    def _look_after_killed_edits(self, original: Original) -> None:
        """Remove what is left of edits of this file that were killed; report what may be somebody's work."""
        for left in abandoned(original.target.parent, EDITING):
            found = {path.name for path in left.iterdir()} if left.is_dir() else set()
            version = left / self.file.name
            if found == {version.name} and version.is_file() and version.read_bytes() == original.content:
                shutil.rmtree(left)
            elif any(version.name in name for name in found):
                self.console.note(f"an earlier edit left its version in {left}: remove it if nobody needs it")


@contextmanager
def _ignoring_keyboard() -> Iterator[None]:
    """Leave Ctrl-C and Ctrl-\\ to the editor; a handler is not inherited by it, as ignoring them would be."""
    kept = {one: signal.signal(one, lambda *_: None) for one in (signal.SIGINT, signal.SIGQUIT)}
    try:
        yield
    finally:
        for one, handler in kept.items():
            signal.signal(one, handler)
