"""Loads the settings of a node: file, secrets, attributes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ctl.errors import UsageFault, no_right_to_read
from ctl.language import Reading, ReadingError, read_settings
from ctl.language.parsing import Parsed
from ctl.language.reading import parse_python
from ctl.language.scope import Scope
from ctl.language.source import SettingsError, Severity, first_of
from ctl.language.text_files import place_of
from ctl.paths import Layout
from ctl.settings.attributes import Attributes, OriginKind
from ctl.settings.gather import gather
from ctl.settings.options import NAMES
from ctl.settings.resolve import in_order, resolve
from ctl.settings.secrets.secrets_file import Secrets


@dataclass(frozen=True)
class Loaded:
    """What a settings file comes to.

    Args:
        attributes: every option, with warnings and notes.
        secrets: the wanted content of the secrets file.
        sources: the files from which the settings come, beside the settings file itself.
    """

    attributes: Attributes
    secrets: Secrets
    sources: tuple[Path, ...] = ()


def load(
    settings_file: Path,
    layout: Layout,
    *,
    environment: Mapping[str, str] | None = None,
    use_secrets: bool = True,
    take_up: bool | None = None,
) -> Loaded:
    """Read, derive and check the settings of a node. Writes nothing.

    Args:
        settings_file: the settings file.
        layout: the root.
        environment: what env() reads; by default that of the process.
        use_secrets: whether the secrets file must be readable if it is there, and a missing pair is made from
            the start. Else a file that this user may not read counts as missing: for commands of any user.
        take_up: whether secrets that the file has lost are taken from what is deployed; by default as use_secrets.

    Raises:
        UsageFault: there is no settings file.
        CtlError: this user may not read it, or the secrets file cannot be used.
        SettingsError: the settings are wrong; carries every error.
    """
    _require(settings_file)
    secrets = Secrets.read(layout.secrets_file, required=use_secrets)
    secrets.taking_up = use_secrets if take_up is None else take_up
    if use_secrets:
        secrets.prepare_pair()
    variables = os.environ if environment is None else environment
    reading = _read(settings_file, variables)
    attributes = resolve(reading.values, layout, secrets, earlier=reading.diagnostics, files=reading.files)
    _keep(attributes, secrets)
    return Loaded(attributes, secrets, _sources(reading, settings_file))


def _sources(reading: Reading, settings_file: Path) -> tuple[Path, ...]:
    found = dict.fromkeys(path.absolute() for path in (*reading.files, *reading.contents))
    return tuple(path for path in found if path != settings_file.absolute())


def _read(settings_file: Path, variables: Mapping[str, str]) -> Reading:
    """Read the file; where its text is wrong, report also the wrong names and types in the rest of it."""
    try:
        return reading_of(settings_file, variables)
    except ReadingError as error:
        gathered = gather(error.partial.values)
        others = [one for one in gathered.findings if one.severity is Severity.ERROR and one.location]
        both = [*error.diagnostics, *others]
        raise SettingsError(first_of(in_order(both, error.partial.files)), hint=error.hint) from error


def reading_of(settings_file: Path, variables: Mapping[str, str]) -> Reading:
    """Read a settings file in the language that its suffix says: ".rb" is a gitlab.rb, all else Python.

    Args:
        settings_file: the settings file.
        variables: the environment.

    Raises:
        ReadingError: the text is wrong; carries every error.
    """
    return read_settings(settings_file, names=NAMES, environment=variables, parse_file=_parse)


def _parse(scope: Scope) -> Parsed:
    if scope.source.path.suffix != ".rb":
        return parse_python(scope)
    # Brings a parser in C: only where a gitlab.rb is read.
    from ctl.language.ruby.reader import parse_ruby

    return parse_ruby(scope)


def _require(settings_file: Path) -> None:
    place = place_of(settings_file)
    try:
        place.lstat()
    except (FileNotFoundError, NotADirectoryError):
        raise UsageFault(
            f"{settings_file}: there is no settings file", hint=_how_to_begin(settings_file)
        ) from None
    except PermissionError:
        raise no_right_to_read(settings_file) from None
    except OSError:
        return  # it may be there: the reading reports what keeps it from being read
    if place.is_file() and not os.access(place, os.R_OK):
        raise no_right_to_read(settings_file)


def _how_to_begin(settings_file: Path) -> str:
    ruby = settings_file.with_suffix(".rb")
    if ruby != settings_file and ruby.exists():
        return f"There is {ruby}: convert it with ctl convert-settings {ruby} --output {settings_file}"
    return f"Write one: ctl settings template --output {settings_file}"


def _keep(attributes: Attributes, secrets: Secrets) -> None:
    secrets.persistent = attributes.package.generate_secrets_json_file
    by_itself = attributes.origin("letsencrypt.enable").kind is OriginKind.DERIVED
    if attributes.letsencrypt.enable and by_itself:
        secrets.remember_letsencrypt()
