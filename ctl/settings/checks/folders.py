"""Folders: whether the programs that get their names take them as they are written, and for one service alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ctl.paths import Layout
from ctl.settings.component import Component, running
from ctl.settings.components import COMPONENTS
from ctl.settings.option import View
from ctl.settings.rules.letsencrypt import obtains_certificate
from ctl.settings.values import Values

_VARIABLE = "$"
_PATTERN = re.compile(r"[*?\[]")


def nginx_expands_nothing(view: View) -> None:
    """NGINX has no quoting for these: paths of access logs, certificates and roots may hold variables, and what
    is included is a pattern (nginx.org: ngx_http_log_module, ngx_http_ssl_module, ngx_core_module).
    """
    if not view["nginx.enable"]:
        return
    challenges = ("letsencrypt.wwwroot",) if obtains_certificate(view) else ()
    vhost = ("registry.nginx.log_directory",) if view.given_value("registry.nginx.log_directory") else ()
    for setting in ("nginx.log_directory", *vhost, *_certificate(view), *challenges):
        if _VARIABLE in str(view[setting]):
            what = f"{_held(view, setting, _VARIABLE)}: NGINX takes it for the start of a variable"
            view.error(setting, what, "Choose a path without it.")
    if _PATTERN.search(view["nginx.dir"]):
        found = _PATTERN.findall(view["nginx.dir"])[0]
        what = f"{_held(view, 'nginx.dir', found)}: NGINX takes the files in it for patterns of names"
        view.error("nginx.dir", what, "Choose a path without it.")


def logs_of_nginx_are_not_shipped(view: View) -> None:
    """svlogd sends what services print; NGINX writes its access logs itself."""
    if view.given_value("logging.udp_log_shipping_host") and view["nginx.enable"]:
        view.note(
            "logging.udp_log_shipping_host",
            "holds for the logs of services; NGINX's access and error logs are not sent",
        )


def _certificate(view: View) -> tuple[str, ...]:
    vhost = "registry.nginx"
    served = view[f"{vhost}.enable"] and view[f"{vhost}.https"]
    return (f"{vhost}.ssl_certificate", f"{vhost}.ssl_certificate_key") if served else ()


def _held(view: View, setting: str, letter: str) -> str:
    """Where the letter comes from: the setting, or the root below which its path is."""
    if letter in str(view.layout.root):
        return f"is below {view.layout.root}, which holds {letter!r}"
    return f"holds {letter!r}"


def logs_have_folders_of_their_own(view: View) -> None:
    """svlogd locks its folder: a second one there would never start (svlogd(8), 'log')."""
    for first, second in shared_log_folders(COMPONENTS, view, view.layout):
        view.error(
            second.log_setting if view.location(second.log_setting) else first.log_setting,
            f"is the log folder of two services, {first.name} and {second.name}: each needs its own",
            "Choose another folder.",
        )


def shared_log_folders(
    components: Iterable[Component], values: Values, layout: Layout
) -> Iterator[tuple[Component, Component]]:
    """Services that run and write their logs to one folder, two by two."""
    owners: dict[str, Component] = {}
    for component in running(components, values):
        if component.supervised or component.log:
            owner = owners.setdefault(component.log_folder(values, layout), component)
            if owner is not component:
                yield owner, component
