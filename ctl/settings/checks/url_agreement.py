"""URLs: whether there is one where one is needed, and whether they agree."""

from __future__ import annotations

import re

from ctl.settings.option import View
from ctl.settings.rules.letsencrypt import is_public
from ctl.settings.rules.urls import (
    AUTOMATIC_PORT,
    Origin,
    is_automatic,
    origin_of,
    registry_elsewhere,
    registry_origin,
)

TOKEN_PATH = "/jwt/auth"  # noqa: S105 - a path
_HTTPS = 443
_OWN_TLS = "REGISTRY_HTTP_TLS_"
_NAME_PART = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}


def registry_has_an_address(view: View) -> None:
    """registry["enable"] = True alone says nothing about where the registry is."""
    if not view["registry.enable"] or view["registry_external_url"]:
        return
    others = ("external_url", "registry.registry_http_addr", "registry.token_realm")
    if all(view.given_value(name) is None for name in others):
        view.error(
            "registry.enable",
            "is True, but nothing says where the registry is reached: registry_external_url is missing",
            'Write registry_external_url = "https://registry.example.com"; or, behind a web server elsewhere, '
            'registry["registry_http_addr"] and registry["token_realm"].',
        )


def registry_is_not_where_gitlab_is(view: View) -> None:
    """One server answers at a host and port: both need / of it."""
    gitlab, registry = origin_of(view["external_url"]), registry_origin(view)
    if gitlab is None or registry is None or not view["registry.enable"]:
        return
    if (gitlab.host, gitlab.effective_port) != (registry.host, registry.effective_port):
        return
    name = "registry.nginx.listen_port" if is_automatic(view) else "registry_external_url"
    free = AUTOMATIC_PORT if gitlab.effective_port != AUTOMATIC_PORT else AUTOMATIC_PORT + 1
    view.error(
        name,
        f"leads to {registry.display_host}:{registry.effective_port}, where external_url has GitLab",
        "Give the registry a port or a name of its own, as "
        f'registry_external_url = "https://{registry.display_host}:{free}".',
    )


def external_url_brings_no_registry(view: View) -> None:
    """A site that only names GitLab gets a registry with Let's Encrypt, and else has to ask for one."""
    gitlab = origin_of(view["external_url"])
    if (
        gitlab is None
        or view["registry_external_url"] is not None
        or view.given_value("registry.enable") is not None
    ):
        return
    if registry_elsewhere(view):
        return
    view.note(
        "external_url",
        f"brings no registry: {_why_none(view, gitlab)}",
        f'For one on this machine write registry_external_url = "https://{gitlab.display_host}:{AUTOMATIC_PORT}"; for '
        'one elsewhere gitlab_rails["registry_enabled"] = True and gitlab_rails["registry_api_url"].',
    )


def _why_none(view: View, gitlab: Origin) -> str:
    if not gitlab.https:
        return "it is http, and only Let's Encrypt brings one by itself"
    if gitlab.path:
        return "it has a path, and only a GitLab at / of its host gets one by itself"
    if not is_public(gitlab.host) and view.given_value("letsencrypt.enable") is None:
        return f"no public authority certifies {gitlab.display_host}, and only Let's Encrypt brings one by itself"
    return "only Let's Encrypt brings one by itself, and that is off"


def image_names_can_begin_with_it(view: View) -> None:
    """What Docker and podman take for a registry in "HOST/NAME:TAG" (github.com/distribution/reference)."""
    origin = registry_origin(view)
    if origin is None or ":" in origin.host or not view["registry.enable"]:
        return
    name = "registry_external_url"
    if not all(_NAME_PART.fullmatch(part) for part in origin.host.split(".")):
        view.warning(
            name,
            f"has the host {origin.host}, with which Docker and podman allow no image name to begin",
            "They know letters, digits, and hyphens between them. Give the machine another name for it.",
        )
    elif "." not in origin.host and origin.host != "localhost" and origin.port is None:
        view.warning(
            name,
            f"names neither a port nor a domain: Docker and podman take {origin.host}/app for an image of Docker Hub",
            f'Write "{origin.scheme}://{origin.host}:5050", or a name with a dot in it.',
        )


def registry_has_a_realm(view: View) -> None:
    """An empty realm is a registry that nobody can sign in to, or worse ('At the absolute minimum …')."""
    if (
        view["registry.enable"]
        and not view["registry.token_realm"]
        and view.given_value("registry.registry_http_addr")
    ):
        view.error(
            "registry.token_realm",
            "is missing: no URL says who issues tokens, and a registry without that would have no authentication",
            'Write external_url = "https://gitlab.example.com", or registry["token_realm"].',
        )


def realm_has_no_token_path(view: View) -> None:
    """/jwt/auth is put behind the realm anyway."""
    realm = view.given_value("registry.token_realm")
    if realm and realm.endswith(TOKEN_PATH):
        view.error(
            "registry.token_realm",
            f"must not end in {TOKEN_PATH}: that is put behind it",
            f'Write "{realm.removesuffix(TOKEN_PATH)}".',
        )


def host_and_port_agree(view: View) -> None:
    """registry_external_url wins over a host and port given beside it."""
    origin = registry_origin(view)
    if origin is None:
        return
    pairs = {
        "gitlab_rails.registry_host": origin.display_host,
        "gitlab_rails.registry_port": origin.effective_port,
    }
    for name, used in pairs.items():
        given = view.given_value(name)
        if given is not None and str(given).lower() != str(used).lower():
            view.warning(
                name,
                f"is {given}, but registry_external_url says {used}: the URL holds",
                "Leave this setting out, or change the URL.",
            )


def gitlab_side_is_there(view: View) -> None:
    """registry_enabled goes into a file that only GitLab's side has."""
    if view.given_value("gitlab_rails.registry_enabled") and not view["gitlab_rails.enable"]:
        view.warning(
            "gitlab_rails.registry_enabled",
            "has no effect: without external_url this machine has no GitLab that could use it",
            'Give external_url, or gitlab_rails["enable"] = True.',
        )


def external_registry_has_a_url(view: View) -> None:
    """Without a bundled registry the default of registry_api_url leads nowhere."""
    wanted = view.given_value("gitlab_rails.registry_enabled") and view["gitlab_rails.enable"]
    switched_off = view.given_value("registry.enable") is False
    if not wanted or switched_off or view["registry.enable"]:
        return
    if view.given_value("gitlab_rails.registry_api_url") is None:
        view.warning(
            "gitlab_rails.registry_enabled",
            f"is True with no registry here, and GitLab would look for one at {view['gitlab_rails.registry_api_url']}",
            'Give gitlab_rails["registry_api_url"], or registry_external_url for a registry on this machine.',
        )


def api_url_speaks_as_its_address_does(view: View) -> None:
    """GitLab gets no answer where it speaks http to TLS, or TLS to the registry, which has none of its own."""
    api, name = origin_of(view.given_value("gitlab_rails.registry_api_url")), "gitlab_rails.registry_api_url"
    if api is None:
        return
    public = registry_origin(view)
    if public and (public.host, public.effective_port) == (api.host, api.effective_port):
        if public.https != api.https:
            fact = f"is {api.scheme} for {api.display_host}:{api.effective_port}, which registry_external_url says is"
            view.error(
                name,
                f"{fact} {public.scheme}",
                f'Write "{public.scheme}{view.given_value(name)[len(api.scheme) :]}".',
            )
    elif api.https and _is_registry_itself(view, api):
        view.error(
            name,
            f"is https, but at {view['registry.registry_http_addr']} the registry itself answers, without TLS",
            f'Write "http{view.given_value(name)[len(api.scheme) :]}".',
        )
    elif not api.https and api.port == _HTTPS:
        view.warning(
            name, f"is http on port {_HTTPS}, where servers expect TLS", "Write https:// if it has TLS."
        )


def _is_registry_itself(view: View, api: Origin) -> bool:
    if any(name.startswith(_OWN_TLS) for name in view["registry.env"]):
        return False  # it has TLS of its own
    host, _, port = view["registry.registry_http_addr"].rpartition(":")
    hosts = _LOOPBACK if host in _LOOPBACK else {host}
    return bool(view["registry.enable"]) and api.display_host in hosts and str(api.effective_port) == port
