"""Folders: whether the programs that get their names take them as they are written, and for one service alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ctl.settings.rules.letsencrypt import answers_challenges
from ctl.settings.view import View

LOGROTATE = "logrotate"
"""The service that looks after NGINX's own logs; its log has a fixed place."""
_VARIABLE = "$"
_PATTERN = re.compile(r"[*?\[]")


def nginx_expands_nothing(view: View) -> None:
    """NGINX has no quoting for these: paths of access logs, certificates and roots may hold variables, and what
    is included is a pattern (nginx.org: ngx_http_log_module, ngx_http_ssl_module, ngx_core_module).
    """
    if not view["nginx.enable"]:
        return
    challenges = ("letsencrypt.wwwroot",) if answers_challenges(view) else ()
    for setting in ("nginx.log_directory", *_certificate(view), *challenges):
        if _VARIABLE in str(view[setting]):
            what = f"{_held(view, setting, _VARIABLE)}: NGINX takes it for the start of a variable"
            view.error(setting, what, "Choose a path without it.")
    if _PATTERN.search(view["nginx.dir"]):
        found = _PATTERN.findall(view["nginx.dir"])[0]
        what = f"{_held(view, 'nginx.dir', found)}: NGINX takes the files in it for patterns of names"
        view.error("nginx.dir", what, "Choose a path without it.")


def _certificate(view: View) -> tuple[str, ...]:
    vhost = "registry.nginx"
    served = view[f"{vhost}.enable"] and view[f"{vhost}.https"]
    return (f"{vhost}.ssl_certificate", f"{vhost}.ssl_certificate_key") if served else ()


def _held(view: View, setting: str, letter: str) -> str:
    """Where the letter comes from: the setting, or the root below which its path lies."""
    if letter in str(view.layout.root):
        return f"lies below {view.layout.root}, which holds {letter!r}"
    return f"holds {letter!r}"


def logs_have_folders_of_their_own(view: View) -> None:
    """svlogd locks its folder: a second one there would never start (svlogd(8), 'log')."""
    owners: dict[str, tuple[str, str]] = {}
    for setting, service, folder in _log_folders(view):
        other, other_setting = owners.setdefault(folder, (service, setting))
        if other == service:
            continue
        shown = setting if view.location(setting) else other_setting
        view.error(
            shown,
            f"is the log folder of two services, {other} and {service}: each needs its own",
            "Choose another folder.",
        )


def _log_folders(view: View) -> Iterator[tuple[str, str, str]]:
    """Setting, service and folder of each service that this node runs."""
    if view["registry.enable"]:
        yield "registry.log_directory", "registry", view["registry.log_directory"]
    if view["nginx.enable"]:
        yield "nginx.log_directory", "nginx", view["nginx.log_directory"]
        yield "", LOGROTATE, str(view.layout.logs / LOGROTATE)
    if view["registry_auth.enable"]:
        yield "registry_auth.log_directory", "registry-auth", view["registry_auth.log_directory"]
    if answers_challenges(view):
        yield (
            "letsencrypt.auto_renew_log_directory",
            "letsencrypt",
            view["letsencrypt.auto_renew_log_directory"],
        )


CHECKS = (nginx_expands_nothing, logs_have_folders_of_their_own)
