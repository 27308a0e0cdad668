"""Two nodes, one with GitLab and one with the registry: whether their settings go together.

The rules are those of GitLab container registry administration, 'Configure GitLab and Registry to run on
separate nodes', and of the token specification: a token is good for a registry that knows its issuer and the
certificate of the key that signed it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ctl.language.source import Diagnostic, Location, Severity
from ctl.paths import Layout
from ctl.settings.attributes import Attributes, OriginKind
from ctl.settings.listener import is_loopback
from ctl.settings.load import reading_of
from ctl.settings.resolve import resolve
from ctl.settings.rules.urls import Origin, origin_of, same_url
from ctl.settings.secrets.secrets_file import Secrets
from ctl.settings.secrets.token_pair import UnusableKey, matches

KEY, CERTIFICATE = "registry.internal_key", "registry.internal_certificate"
ISSUER, REALM = "gitlab_rails.registry_issuer", "registry.token_realm"
NOTIFICATION_SECRET = "gitlab_rails.registry_notification_secret"  # noqa: S105 - a name
_ALSO: Mapping[str, tuple[str, ...]] = {
    KEY: ("gitlab_rails.internal_key",),
    REALM: ("external_url", "registry_external_url"),
    "gitlab_rails.registry_host": ("registry_external_url",),
    "gitlab_rails.registry_port": ("registry_external_url",),
    "gitlab_rails.registry_api_url": ("registry.registry_http_addr",),
    NOTIFICATION_SECRET: ("registry.notifications",),
}
"""Settings from which others are derived: their places are shown for those."""


class Side(Enum):
    """What a node is in the exchange."""

    GITLAB = "gitlab"
    REGISTRY = "registry"


def read_alone(file: Path, layout: Layout, *, environment: Mapping[str, str] | None = None) -> Attributes:
    """The attributes of a settings file (either language), or of an export, without any secrets file.

    Nothing is made.

    Raises:
        SettingsError: it is wrong by itself.
    """
    variables = os.environ if environment is None else environment
    reading = reading_of(file, variables)
    secrets = Secrets(layout.secrets_file)
    secrets.unseen = True
    return resolve(reading.values, layout, secrets, earlier=reading.diagnostics, files=reading.files)


def known(attributes: Attributes, name: str) -> Any:  # noqa: ANN401 - the type of an option is its own
    """A value that was given or kept; None for a default, and for what only this run would make."""
    kind = attributes.origin(name).kind
    if kind in (OriginKind.DEFAULT, OriginKind.GENERATED):
        return None
    return attributes[name]


def side(attributes: Attributes) -> Side | None:
    """What a node is; None for one that is both. Of an export, that for which it was made."""
    registry = attributes.registry.enable
    gitlab = attributes.gitlab_rails.enable and attributes.gitlab_rails.registry_enabled
    if not registry and not gitlab:
        registry, gitlab = known(attributes, CERTIFICATE) is not None, known(attributes, KEY) is not None
    if registry == gitlab:
        return None
    return Side.REGISTRY if registry else Side.GITLAB


def compare(own: Attributes, peer: Attributes) -> list[Diagnostic]:
    """What in two nodes' settings does not go together.

    Args:
        own: of this node, with its secrets.
        peer: of the other node, or of an export made there.

    Returns:
        Errors and warnings, each with the place in either file.
    """
    mine, theirs = side(own), side(peer)
    if mine is not None and mine is theirs:
        return list(_same_side(own, peer))
    own_is_gitlab = mine is Side.GITLAB or theirs is Side.REGISTRY or (mine is None and theirs is None)
    pair = _Pair(own, peer, own_is_gitlab=own_is_gitlab)
    return [finding for check in _CHECKS for finding in check(pair)]


@dataclass(frozen=True)
class _Pair:
    """This node and the other, and which of them is GitLab's."""

    own: Attributes
    peer: Attributes
    own_is_gitlab: bool

    @property
    def gitlab(self) -> Attributes:
        return self.own if self.own_is_gitlab else self.peer

    @property
    def registry(self) -> Attributes:
        return self.peer if self.own_is_gitlab else self.own

    def finding(
        self, at_gitlab: str, at_registry: str, message: str, hint: str, *, warn: bool = False
    ) -> Diagnostic:
        """A finding with both places; its place is in this node's file, if that gives it."""
        places = f"GitLab: {_place(self.gitlab, at_gitlab)}; registry: {_place(self.registry, at_registry)}"
        setting, other = (at_gitlab, at_registry) if self.own_is_gitlab else (at_registry, at_gitlab)
        location = _location(self.own, setting) or _location(self.peer, other)
        severity = Severity.WARNING if warn else Severity.ERROR
        return Diagnostic(f"{message} ({places})", location, setting, hint, severity)


def _location(attributes: Attributes, name: str) -> Location | None:
    """Where an attribute comes from; without the text of the line, which may hold a secret."""
    for one in (name, *_ALSO.get(name, ())):
        found = attributes.origin(one).location
        if found is not None:
            return replace(found, text="")
    return None


def _place(attributes: Attributes, name: str) -> str:
    found = _location(attributes, name)
    if found is not None:
        return f"{found.file}:{found.line}"
    kind = attributes.origin(name).kind
    return "gitlab-secrets.json" if kind is OriginKind.SECRETS else f"{name} by default"


def _issuers(pair: _Pair) -> Iterator[Diagnostic]:
    ours, theirs = pair.gitlab[ISSUER], pair.registry[ISSUER]
    if ours != theirs:
        message = f"GitLab signs as {ours!r}, the registry trusts {theirs!r}: it would refuse every token"
        hint = 'Give gitlab_rails["registry_issuer"] the same value on both nodes.'
        yield pair.finding(ISSUER, ISSUER, message, hint)


def _keys(pair: _Pair) -> Iterator[Diagnostic]:
    key, certificate = known(pair.gitlab, KEY), known(pair.registry, CERTIFICATE)
    hint = "Share them: `ctl secrets export` on the one node, `ctl secrets import` on the other."
    if key is None or certificate is None:
        missing = "key of GitLab's node" if key is None else "certificate of the registry's node"
        message = f"the {missing} is not known here, so whether the two belong together is not checked"
        made = "Compare with `ctl secrets export` of the other node instead of its settings file."
        yield pair.finding(KEY, CERTIFICATE, message, made, warn=True)
        return
    try:
        if matches(key, certificate):
            return
        message = "GitLab's key and the registry's certificate do not belong together: no token would be good"
    except UnusableKey as error:
        message = f"GitLab's key and the registry's certificate cannot be compared: one of them {error}"
    yield pair.finding(KEY, CERTIFICATE, message, hint)


def _realm(pair: _Pair) -> Iterator[Diagnostic]:
    realm, url = pair.registry.registry.token_realm, pair.gitlab.external_url
    if realm and url and not same_url(realm, url):
        message = f"the registry sends clients to {realm} for a token, but GitLab is {url}"
        hint = f'On the registry\'s node: registry["token_realm"] = "{url}".'
        yield pair.finding("external_url", REALM, message, hint)


def _public_address(pair: _Pair) -> Iterator[Diagnostic]:
    """What GitLab shows to users is where the registry is reached."""
    origin = origin_of(pair.registry.registry_external_url)
    if origin is None:
        return
    host, port = pair.gitlab.gitlab_rails.registry_host, pair.gitlab.gitlab_rails.registry_port
    shown = "" if host is None else str(host)
    if shown.strip("[]").lower() != origin.host.lower():
        yield _shown_to_users(pair, "host", repr(shown), f"as {origin.host!r}", f'"{origin.display_host}"')
    reached = origin.effective_port
    shown_port = int(port) if port is not None else (443 if origin.https else 80)
    if shown_port != reached:
        yield _shown_to_users(pair, "port", str(shown_port), f"at {reached}", str(reached))


def _shown_to_users(pair: _Pair, what: str, shown: str, reached: str, better: str) -> Diagnostic:
    name = f"registry_{what}"
    message = f"GitLab shows users the registry {what} {shown}, but it is reached {reached}"
    hint = f'On GitLab\'s node: gitlab_rails["{name}"] = {better}.'
    return pair.finding(f"gitlab_rails.{name}", "registry_external_url", message, hint)


def _api_url(pair: _Pair) -> Iterator[Diagnostic]:
    """How GitLab itself reaches the registry: at the right port, with TLS where that has TLS."""
    api = origin_of(pair.gitlab.gitlab_rails.registry_api_url)
    if not pair.registry.registry.enable or api is None:
        return
    address, name = "registry.registry_http_addr", "gitlab_rails.registry_api_url"
    listens, tls = urlsplit(f"//{pair.registry[address]}"), _tls_of_vhost(pair.registry, api)
    place, there = "registry_external_url", f"port {api.effective_port}"
    if tls is None:
        place, there, tls = address, pair.registry[address], False
        if api.effective_port != listens.port:
            message = (
                f"GitLab looks for the registry at port {api.effective_port}, where its settings have none"
            )
            hint = 'Give gitlab_rails["registry_api_url"] on GitLab\'s node the URL of the registry.'
            yield pair.finding(name, address, message, hint, warn=True)
            return
        if is_loopback(listens.hostname or ""):
            message = f"the registry listens on {there} only, which another node cannot reach"
            hint = 'Let registry["registry_http_addr"] be an address that GitLab reaches, or use the URL of users.'
            yield pair.finding(name, address, message, hint)
    if tls != api.https:
        has, scheme = ("has TLS", "https") if tls else ("has no TLS", "http")
        message = f"GitLab would talk {api.scheme} to {there} of the registry, which {has}"
        yield pair.finding(name, place, message, f'Write "{scheme}://" in it.')


def _tls_of_vhost(registry: Attributes, api: Origin) -> bool | None:
    """Whether the registry's vhost has TLS at the port of a URL; None where it is not there."""
    public, vhost = origin_of(registry.registry_external_url), registry.registry.nginx
    if public is not None and api.effective_port == public.effective_port:
        return public.https
    if vhost.enable and str(vhost.listen_port) == str(api.effective_port):
        return bool(vhost.https)
    return None


def _notifications(pair: _Pair) -> Iterator[Diagnostic]:
    """GitLab accepts only events that bear its secret."""
    if not pair.registry.registry.enable or not pair.gitlab.gitlab_rails.enable:
        return
    secret = pair.gitlab.gitlab_rails.registry_notification_secret
    sent = list(_authorizations(pair))
    hint = 'Give gitlab_rails["registry_notification_secret"] the value of that header.'
    if secret and sent and secret not in sent:
        message = "the registry's notifications bear another Authorization than GitLab's notification secret"
    elif secret and not sent:
        message = (
            "GitLab has a notification secret, but no endpoint of the registry bears an Authorization for it"
        )
        hint = "Give the endpoint that points at GitLab the header Authorization."
    elif sent and not secret:
        message = "the registry notifies GitLab, which has no notification secret and would refuse the events"
    else:
        return
    yield pair.finding(NOTIFICATION_SECRET, "registry.notifications", message, hint)


def _authorizations(pair: _Pair) -> Iterator[str]:
    """The Authorization headers of the endpoints that point at GitLab, or are named as its own."""
    gitlab = origin_of(pair.gitlab.external_url)
    for endpoint in pair.registry.registry.notifications or ():
        host = urlsplit(str(endpoint.get("url", ""))).hostname
        if endpoint.get("name") != "geo_event" and (gitlab is None or host != gitlab.host):
            continue
        value = (endpoint.get("headers") or {}).get("Authorization")
        yield from (
            [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)] if value else []
        )


_CHECKS: tuple[Callable[[_Pair], Iterator[Diagnostic]], ...]
_CHECKS = (_issuers, _keys, _realm, _public_address, _api_url, _notifications)


def _same_side(own: Attributes, peer: Attributes) -> Iterator[Diagnostic]:
    """A node and an export made for it, or for another node of its kind: values of both must be equal."""
    public = (f"gitlab_rails.registry_{one}" for one in ("host", "port", "api_url"))
    names = (ISSUER, REALM, KEY, CERTIFICATE, "registry.http_secret", *public)
    for name in names:
        ours, theirs = known(own, name), known(peer, name)
        derived = OriginKind.DERIVED in (own.origin(name).kind, peer.origin(name).kind)
        if name == ISSUER:
            ours, theirs, derived = own[name], peer[name], False
        if ours is None or theirs is None or ours == theirs or (derived and name not in (KEY, CERTIFICATE)):
            continue
        places = f"{_place(own, name)}; {_place(peer, name)}"
        shown = "" if name in (KEY, CERTIFICATE, *own.secret_names) else f": {ours!r} and {theirs!r}"
        yield Diagnostic(
            f"differs from what the other node says{shown} ({places})",
            _location(own, name) or _location(peer, name),
            name,
            "Give both nodes the same value.",
        )
