"""Settings text in, attributes or errors out, in a root of the test's own and without real secrets."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctl.language.source import Diagnostic, SettingsError, Severity
from ctl.paths import Layout
from ctl.settings.attributes import Attributes, Section
from ctl.settings.load import Loaded, load

URL = 'registry_external_url = "https://registry.example.com"\n'
GITLAB = 'external_url = "https://gitlab.example.com"\n'
BOTH = GITLAB + URL + 'letsencrypt["enable"] = False\n'
"""GitLab and a registry on one machine."""


@dataclass
class Site:
    """A root with a settings file.

    Args:
        folder: the root.
        take_up: whether secrets that are lost are taken from what is deployed.
    """

    folder: Path
    take_up: bool = False

    @property
    def layout(self) -> Layout:
        """Its layout."""
        return Layout(self.folder)

    def write(self, text: str) -> Path:
        """Write the settings file."""
        file = self.layout.settings_file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
        return file

    def write_secrets(self, content: object) -> Path:
        """Write the secrets file: JSON of a value, or text as it is."""
        file = self.layout.secrets_file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return file

    def load(
        self, text: str, *, environment: Mapping[str, str] | None = None, use_secrets: bool = False
    ) -> Loaded:
        """Load a settings text. Without secrets, the pair is made only if a test asks for it."""
        return load(
            self.write(text),
            self.layout,
            environment=environment or {},
            use_secrets=use_secrets,
            take_up=use_secrets or self.take_up,
        )

    def attributes(self, text: str, *, environment: Mapping[str, str] | None = None) -> Attributes:
        """The attributes of a settings text."""
        return self.load(text, environment=environment).attributes

    def value(self, text: str, name: str) -> Any:  # noqa: ANN401 - the value of any option
        """The value of one option, by its dotted name."""
        return lookup(self.attributes(text), name)

    def errors(self, text: str) -> list[Diagnostic]:
        """The errors of a settings text that must have some."""
        try:
            self.load(text)
        except SettingsError as error:
            return list(error.diagnostics)
        raise AssertionError("the settings are valid")

    def error(self, text: str) -> str:
        """The only error of a settings text, as it is printed."""
        found = self.errors(text)
        assert len(found) == 1, "\n".join(map(str, found))
        return str(found[0])

    def messages(self, text: str, severity: Severity) -> list[str]:
        """The warnings or notes of a valid settings text, as they are printed."""
        return [str(one) for one in self.attributes(text).diagnostics if one.severity is severity]

    def warnings(self, text: str) -> list[str]:
        """The warnings of a valid settings text."""
        return self.messages(text, Severity.WARNING)

    def notes(self, text: str) -> list[str]:
        """The notes of a valid settings text."""
        return self.messages(text, Severity.NOTE)


def lookup(attributes: Attributes, name: str) -> Any:  # noqa: ANN401
    """The value of an option by its dotted name."""
    section: Section = attributes
    *sections, last = name.split(".")
    for one in sections:
        section = section[one]
    return section[last]
