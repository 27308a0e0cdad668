"""`registry_garbage_collect[…]`: garbage collection by time."""

from __future__ import annotations

from typing import Any

from ctl.settings.option import Option
from ctl.settings.options.common import scheduled_options
from ctl.settings.rules.storage import collection_mode
from ctl.settings.types import Bool, Enum, Integer, Lifetime, Type

_TASK = "timer: registry-garbage-collect"
_MINUTE, _YEAR = 60, 366 * 86_400


def _option(name: str, kind: Type, description: str, default: Any, example: str, **more: Any) -> Option:  # noqa: ANN401
    return Option(
        f"registry_garbage_collect.{name}",
        kind,
        description,
        default,
        example=example,
        reaches=(_TASK,),
        added=True,
        **more,
    )


OPTIONS = (
    *scheduled_options(
        "registry_garbage_collect",
        "Garbage is collected by itself, as by `ctl registry-garbage-collect`",
        "0 4 * * *",
        example='"30 3 * * 0"',
        task=_TASK,
    ),
    _option(
        "mode",
        Enum("quarantine", "read-only", "stop"),
        "How: into a quarantine while the registry serves; or by the registry's own collector, while the registry is "
        "read-only or stopped.",
        None,
        '"read-only"',
        rule=collection_mode,
    ),
    _option(
        "delete_untagged", Bool(), "Manifests that no tag leads to are deleted, too (-m).", False, "True"
    ),
    _option(
        "older_than",
        Lifetime(unit=_MINUTE, minimum=_MINUTE, maximum=_YEAR),
        "What is newer, or was linked to later, is left alone. Of mode quarantine.",
        "24h",
        '"7d"',
    ),
    _option(
        "keep_for",
        Lifetime(unit=_MINUTE, minimum=_MINUTE, maximum=_YEAR),
        "How long what went can be brought back from the quarantine. Of mode quarantine.",
        "24h",
        '"3d"',
    ),
    _option(
        "now_below",
        Integer(0, 90),
        "Percent of the disk: where less is free, what goes is deleted at once (--now). 0: never. Of mode quarantine.",
        10,
        "5",
    ),
)
