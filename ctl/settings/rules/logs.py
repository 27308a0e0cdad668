"""Logging of a service: its own settings, else those of all services."""

from __future__ import annotations

from ctl.settings.option import Rule


def logging_of_all(name: str) -> Rule:
    """The rule by which a service's own logging setting falls back to logging[NAME].

    Args:
        name: the setting's last part ("svlogd_size").
    """
    return Rule("logging-of-all-services", f'logging["{name}"]', lambda view: view[f"logging.{name}"])
