"""Giving a setting a value in its file, or taking it out, from the lock to the written file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ctl.errors import UsageFault
from ctl.language.places import SourceText
from ctl.language.source import Diagnostic, SettingsError
from ctl.paths import Layout
from ctl.settings.editing.change import Ambiguous, with_value, without_value
from ctl.settings.editing.document import Document, plain
from ctl.settings.editing.locked_file import locked
from ctl.settings.editing.masked_diff import masked_diff
from ctl.settings.editing.naming import Setting
from ctl.settings.editing.preview import NOT_GIVEN, Given, Preview
from ctl.settings.editing.values import source_of

_WAIT = 10.0
"""Seconds that a change waits for another one: scripts may make several at once."""


@dataclass(frozen=True)
class Applied:
    """What became of a settings file.

    Args:
        diff: how it was changed, without secrets; "" where it was not.
        diagnostics: warnings and notes about the settings as they are now.
    """

    diff: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()


def set_value(settings_file: Path, layout: Layout, setting: Setting, value: object) -> Applied:
    """Give a setting a value.

    Args:
        settings_file: the file.
        layout: the root.
        setting: the setting.
        value: plain values: text, numbers, booleans, None, lists, dictionaries.

    Raises:
        Ambiguous: where the value would have to be written is not clear.
        SettingsError: the settings are wrong, or would be; nothing was written.
        LockHeld, UsageFault: the file is being edited, or cannot be used.
    """
    return _apply(settings_file, layout, setting, _giving(setting, value), value)


def unset_value(settings_file: Path, layout: Layout, setting: Setting) -> Applied:
    """Take a setting out of the file, so that its default holds. Raises as set_value."""
    return _apply(settings_file, layout, setting, lambda text: without_value(text, setting), NOT_GIVEN)


def _apply(
    settings_file: Path, layout: Layout, setting: Setting, change: Callable[[str], str], wanted: object
) -> Applied:
    with locked(settings_file, wait=_WAIT) as original:
        new, diagnostics = _planned(settings_file, original.text, layout, setting, change, wanted)
        if new == original.text:
            return Applied()
        original.replace(new.encode())
        return Applied(masked_diff(settings_file, original.text, new), diagnostics)


def text_with_value(settings_file: Path, text: str, layout: Layout, setting: Setting, value: object) -> str:
    """A text of the settings file in which a setting has a value; checked, and not written. Raises as set_value."""
    return _planned(settings_file, text, layout, setting, _giving(setting, value), value)[0]


def _giving(setting: Setting, value: object) -> Callable[[str], str]:
    return lambda text: with_value(Document(text), setting, value, source_of(value))


def replace_text(settings_file: Path, before: str, after: str) -> None:
    """Write another text of the settings file.

    Args:
        settings_file: the file.
        before: its text, as far as the caller knows.
        after: the new one.

    Raises:
        UsageFault: somebody has changed it meanwhile; or it cannot be used.
    """
    with locked(settings_file, wait=_WAIT) as original:
        if original.text != before:
            raise UsageFault(f"{settings_file} was changed meanwhile", hint="Run the command again.")
        original.replace(after.encode())


def _planned(
    settings_file: Path,
    text: str,
    layout: Layout,
    setting: Setting,
    change: Callable[[str], str],
    wanted: object,
) -> tuple[str, tuple[Diagnostic, ...]]:
    _refuse_ruby(settings_file)
    _refuse_elsewhere(setting, Preview(settings_file, text, layout).given(setting), settings_file)
    new = _changed(settings_file, text, setting, change)
    preview = Preview(settings_file, new, layout)
    diagnostics = preview.check() if new != text else ()
    _require(setting, preview.given(setting), wanted)
    return new, diagnostics


def _changed(settings_file: Path, text: str, setting: Setting, change: Callable[[str], str]) -> str:
    """The changed text; what keeps it from being changed is reported with its place."""
    try:
        return change(text)
    except Ambiguous as ambiguous:
        place = SourceText(settings_file, plain(text)).location(ambiguous.node)
        found = Diagnostic(ambiguous.reason, place, setting.name, ambiguous.hint or "")
        raise SettingsError([found]) from None


def _refuse_ruby(settings_file: Path) -> None:
    if settings_file.suffix == ".rb":
        raise UsageFault(
            f"{settings_file}: single settings of a gitlab.rb cannot be changed in place",
            hint=f"Write the Python form first (ctl convert-settings {settings_file}), or use an editor "
            "(ctl settings edit).",
        )


def _refuse_elsewhere(setting: Setting, given: Given, settings_file: Path) -> None:
    if given.location and given.location.file != settings_file:
        raise UsageFault(f"{setting.name} is set in {given.location}", hint="Change it in that file by hand.")


def _require(setting: Setting, given: Given, wanted: object) -> None:
    """The file must give the setting just what is wanted, however its statements work together."""
    same = given.value is wanted if NOT_GIVEN in (given.value, wanted) else repr(given.value) == repr(wanted)
    if not same:
        place = f" at {given.location}" if given.location else ""
        raise UsageFault(
            f"{setting.name} would still get its value from another statement{place}",
            hint="Nothing was changed. Change that place by hand: ctl settings edit",
        )
