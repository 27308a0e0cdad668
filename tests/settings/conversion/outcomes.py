"""What a settings file comes to, in a form that can be compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ctl.language.source import SettingsError
from ctl.paths import Layout
from ctl.settings.attributes import OriginKind
from ctl.settings.load import load
from tests.harness.settings_site import lookup


def outcome(file: Path, root: Path) -> tuple[dict[str, Any], list[str]]:
    """Every attribute but those made in this run, and the reports without places; or no attributes, and the errors.

    Args:
        file: the settings file.
        root: the root; it may hold a secrets file.
    """
    try:
        attributes = load(file, Layout(root), environment={}, use_secrets=False).attributes
    except SettingsError as error:
        return {}, [f"{one.setting}: {one.message}" for one in error.diagnostics]
    reported = [f"{one.severity} {one.setting}: {one.message}" for one in attributes.diagnostics]
    made = OriginKind.GENERATED
    names = [name for name, origin in attributes.origins().items() if origin.kind is not made]
    return {name: lookup(attributes, name) for name in names}, reported
