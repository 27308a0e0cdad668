"""What Distribution 2 and 3 have alike: a notification pauses after `threshold` failures, and has no `maxretries`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ctl.registry.programs.base import Ignored, RegistryProgram, names_with
from ctl.settings.attributes import Attributes, OriginKind

THRESHOLD = 10
"""Where nothing is given (notifications/sinks.go, retryingSink)."""
QUEUE = ("queuepurgetimeout", "queuesizelimit")
"""Of an endpoint, for GitLab's registry alone (its configuration.go, `Endpoint`)."""
_DEFAULTS = "registry.default_notifications_"


class Upstream(RegistryProgram):
    """Distribution, of any version."""

    def notifications(self, attributes: Attributes) -> list[dict[str, Any]]:
        """Endpoints without their settings of GitLab's queue."""
        return [
            {name: value for name, value in one.items() if name not in QUEUE}
            for one in super().notifications(attributes)
        ]

    def retries(self, given: Mapping[str, Any], attributes: Attributes) -> dict[str, int]:
        """`threshold`, from `maxretries` where only that is given."""
        found = (given.get(name) for name in ("threshold", "maxretries"))
        return {"threshold": next((one for one in found if one is not None), _default(attributes))}

    def ignored_notifications(self, attributes: Attributes) -> Iterator[Ignored]:
        """`maxretries` beside a `threshold`."""
        both = [
            one
            for one in attributes.registry.notifications or []
            if {"threshold", "maxretries"} <= one.keys()
        ]
        why = f"has no effect: {self} does not know it"
        for name in QUEUE:
            queued = [one for one in attributes.registry.notifications or [] if name in one]
            if queued:
                yield Ignored("registry.notifications", f"{name} of {names_with(queued)} {why}")
        if both:
            yield Ignored(
                "registry.notifications", f"maxretries of {names_with(both)} {why}, and goes by threshold"
            )
        if all(_is_given(attributes, name) for name in ("threshold", "maxretries")):
            yield Ignored(f"{_DEFAULTS}maxretries", f"{why}, and goes by default_notifications_threshold")


def _default(attributes: Attributes) -> int:
    given = (name for name in ("threshold", "maxretries") if _is_given(attributes, name))
    return next((int(attributes.registry[f"default_notifications_{name}"]) for name in given), THRESHOLD)


def _is_given(attributes: Attributes, name: str) -> bool:
    return attributes.origin(f"{_DEFAULTS}{name}").kind is OriginKind.FILE
