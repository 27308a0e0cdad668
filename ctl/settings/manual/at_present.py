"""What a setting is at present, for `ctl settings describe` and `get`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from ctl.errors import CtlError
from ctl.paths import Layout
from ctl.settings.attributes import Attributes, OriginKind
from ctl.settings.editing.naming import Setting
from ctl.settings.load import load
from ctl.settings.written import python_value

NOT_MADE_YET: Final = "(made at the next reconfigure)"
"""Shown for a secret that does not exist yet."""


def value_of(attributes: Attributes, setting: Setting) -> Any:  # noqa: ANN401 - the type is the setting's
    """The value of a setting; None where what it is in does not have it, NOT_MADE_YET for a secret to come."""
    if attributes.origin(setting.option.name).kind is OriginKind.GENERATED:
        return NOT_MADE_YET
    return attributes.lookup(setting.path)


def at_present(settings_file: Path, layout: Layout, setting: Setting) -> dict[str, str]:
    """The value of a setting, masked if it is secret, and where it comes from.

    Args:
        settings_file: the settings file, which may be missing or wrong.
        layout: the root.
        setting: the setting.

    Returns:
        The rows to show, by their names; none where there is no settings file, or no single value.
    """
    if setting.of_elements or not settings_file.exists():
        return {}
    try:
        attributes = load(settings_file, layout, use_secrets=False).attributes
    except (CtlError, OSError):
        return {"now": f"unknown: {settings_file} cannot be used (see ctl check-config)"}
    value = value_of(attributes, setting)
    shown = value if value == NOT_MADE_YET else python_value(setting.masked(value))
    return {"now": shown, "from": str(attributes.origin(setting.option.name))}
