"""The secrets between GitLab, the registry and its clients: given, kept from an earlier run, or made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ctl.settings.attributes import OriginKind
from ctl.settings.option import rule
from ctl.settings.rules.token_issuer import CERTIFICATE, GITLAB_KEY, KEY, signers
from ctl.settings.secrets.token_pair import UnusableKey, matches
from ctl.settings.view import UNSET, Sourced, Unset, View

_NEW_PAIR = "Delete the registry section of {path} and run `ctl reconfigure`: it makes a new pair."


@dataclass(frozen=True, eq=False, repr=False)
class _Pair:
    """Values of internal_key and internal_certificate; None, PEM text, or Deferred."""

    key: Any = None
    certificate: Any = None
    kind: OriginKind = OriginKind.DEFAULT
    certificate_kind: OriginKind | None = None


@rule("made once, 64 random bytes in hexadecimal, and kept in gitlab-secrets.json")
def http_secret(view: View) -> Sourced:
    """Kept for ever, so that uploads survive a restart."""
    stored = view.secrets.stored("http_secret")
    if stored is not None:
        return Sourced(stored, OriginKind.SECRETS)
    if not view["registry.enable"]:
        return Sourced(None, OriginKind.DEFAULT)
    if not _may_make(view, "registry.http_secret"):
        return Sourced(None, OriginKind.DEFAULT)
    return Sourced(view.secrets.make_http_secret(), OriginKind.GENERATED)


@rule('gitlab_rails["internal_key"], else made once with the certificate and kept in gitlab-secrets.json')
def internal_key(view: View) -> object:
    """The key of the pair; none beside a certificate that was given alone."""
    alias = view.said(GITLAB_KEY)
    if alias is not None:
        return alias
    if view.said(CERTIFICATE) is not None:
        return UNSET
    pair: _Pair = view.once("pair", _pair)
    return Sourced(pair.key, pair.kind)


@rule("made once with the key and kept in gitlab-secrets.json")
def internal_certificate(view: View) -> Sourced | Unset:
    """The certificate of the pair; none beside a key that was given alone."""
    if given_key(view) is not None:
        return UNSET
    pair: _Pair = view.once("pair", _pair)
    return Sourced(pair.certificate, pair.certificate_kind or pair.kind)


def given_key(view: View) -> str | None:
    """The key that the settings give, under either name."""
    key: str | None = view.said(KEY) or view.said(GITLAB_KEY)
    return key


def _pair(view: View) -> _Pair:
    key, certificate = view.secrets.stored("internal_key"), view.secrets.stored("internal_certificate")
    needed = view["registry.enable"] or view["gitlab_rails.registry_enabled"]
    if not needed:
        return _Pair(key, certificate, OriginKind.SECRETS if key or certificate else OriginKind.DEFAULT)
    if not key and not certificate:
        return _made(view)
    return _stored(view, key, certificate)


def _made(view: View) -> _Pair:
    if not _may_make(view, KEY) or not _may_make(view, CERTIFICATE):
        return _Pair()
    return _Pair(*view.secrets.make_pair(), OriginKind.GENERATED)


def _stored(view: View, key: str | None, certificate: str | None) -> _Pair:
    new_pair = _NEW_PAIR.format(path=view.secrets.path)
    if (not key and not any(signers(view))) or (not certificate and not view["registry.enable"]):
        return _Pair(key, certificate, OriginKind.SECRETS)  # the half that this node needs, as imported
    if not key:
        view.error(
            KEY,
            f"is missing in {view.secrets.path}, which holds the certificate alone: "
            "nothing could sign tokens that the registry accepts",
            f"Put the key back. Or: {new_pair}",
        )
        return _Pair()
    if not certificate:
        return _Pair(*view.secrets.make_certificate(key), OriginKind.SECRETS, OriginKind.GENERATED)
    try:
        if matches(key, certificate):
            return _Pair(key, certificate, OriginKind.SECRETS)
        view.error(
            KEY,
            f"and its certificate in {view.secrets.path} do not match: the registry would refuse every token "
            "(token signed by untrusted key)",
            new_pair,
        )
    except UnusableKey as error:
        view.error(KEY, f"or its certificate in {view.secrets.path} {error}", new_pair)
    return _Pair()


def _may_make(view: View, name: str) -> bool:
    if view.secrets.unseen or view["package.generate_default_secrets"]:
        return True
    view.error(
        name,
        f"is missing: neither the settings nor {view.secrets.path} have it, and "
        'package["generate_default_secrets"] is False',
        "Give it in the settings, or put the secrets file of another node in its place.",
    )
    return False
