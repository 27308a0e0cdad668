"""Logging of a service: its own settings, else those of all services."""

from __future__ import annotations

import os
from typing import Any

from ctl.settings.option import UNSET, Rule, Unset, View, rule
from ctl.settings.rules.vhost import through_socket

SHIPPING = "logging.udp_log_shipping_host"


def logging_of_all(name: str, limit: int | None = None) -> Rule:
    """The rule by which a service's own logging setting falls back to logging[NAME].

    Args:
        name: the setting's last part ("svlogd_size").
        limit: the service's own default where that is not given, and no NGINX in front of it keeps away what anybody
            could write; None for the one of all.
    """

    def value(view: View) -> Any:  # noqa: ANN401 - of several options
        given = view.given_value(f"logging.{name}")
        limited = limit is not None and given is None and not through_socket(view)
        return limit if limited else view[f"logging.{name}"]

    where = "where given or NGINX is in front of it"
    words = f'logging["{name}"]' + (f", {where}; else {limit}" if limit is not None else "")
    return Rule(f"logging-of-all-services{'' if limit is None else f'-{limit}'}", words, value)


@rule('logging["udp_log_shipping_host"] and its port')
def shipped_to(view: View) -> str | Unset:
    """The Linux package's name for the same."""
    host = view[SHIPPING]
    return f"{host}:{view['logging.udp_log_shipping_port']}" if host else UNSET


def prefix_of(service: str) -> Rule:
    """What begins each line of a service: where lines are shipped, host and service, as the Linux package has it.

    Args:
        service: its name.
    """

    def prefix(view: View) -> str | None:
        given: str | None = view["logging.svlogd_prefix"]
        if given is not None or not view[SHIPPING]:
            return given
        return f"{view['logging.udp_log_shipping_hostname'] or os.uname().nodename} {service}: "

    summary = 'logging["svlogd_prefix"], else where logs are shipped by UDP the names of host and service'
    return Rule("log-prefix", summary, prefix)


_AS_SVLOGD: dict[str, tuple[str, Any]] = {
    "logrotate_maxsize": ('nginx["svlogd_size"]', lambda view: view["nginx.svlogd_size"]),
    "logrotate_rotate": ('nginx["svlogd_num"]', lambda view: view["nginx.svlogd_num"]),
    "logrotate_compress": (
        '"compress" where nginx["svlogd_filter"] is "gzip"',
        lambda view: "compress" if view["nginx.svlogd_filter"] == "gzip" else "nocompress",
    ),
}


def rotation(name: str) -> Rule:
    """How NGINX's own logs are rotated: as logging[NAME] says, else as svlogd rotates the others.

    Args:
        name: the setting's last part ("logrotate_rotate").
    """
    words, svlogd = _AS_SVLOGD.get(name, ("", lambda _view: None))

    def value(view: View) -> Any:  # noqa: ANN401 - of several options
        given = view[f"logging.{name}"]
        return svlogd(view) if given is None else given

    return Rule(f"{name.replace('_', '-')}", f'logging["{name}"]{words and f", else {words}"}', value)
