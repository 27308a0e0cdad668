"""The secrets between GitLab, the registry and its clients: given, kept from an earlier run, or made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctl.settings.attributes import OriginKind
from ctl.settings.option import UNSET, Sourced, Unset, View, rule
from ctl.settings.rules.token_issuer import CERTIFICATE, GITLAB_KEY, KEY, signers
from ctl.settings.secrets import deployed
from ctl.settings.secrets.deployed import Found
from ctl.settings.secrets.token_pair import UnusableKey, is_rsa_key, matches

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
    config = Path(view["registry.dir"]) / "config.yml"
    found = deployed.http_secret(config) if view.secrets.taking_up and view.secrets.lost else None
    if found:
        view.secrets.take_up("http_secret", found.text, found.path)
        return Sourced(found.text, OriginKind.SECRETS)
    if not _may_make(view, "registry.http_secret"):
        return Sourced(None, OriginKind.DEFAULT)
    return Sourced(view.secrets.make_http_secret(), OriginKind.GENERATED)


@rule('gitlab_rails["internal_key"], else made once with the certificate and kept in gitlab-secrets.json')
def internal_key(view: View) -> object:
    """The key of the pair; none beside a certificate that was given alone."""
    alias = view.given_value(GITLAB_KEY)
    if alias is not None:
        return alias
    if view.given_value(CERTIFICATE) is not None:
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
    key: str | None = view.given_value(KEY) or view.given_value(GITLAB_KEY)
    return key


def _pair(view: View) -> _Pair:
    key, certificate = view.secrets.stored("internal_key"), view.secrets.stored("internal_certificate")
    needed = view["registry.enable"] or view["gitlab_rails.registry_enabled"]
    if not needed:
        return _Pair(key, certificate, OriginKind.SECRETS if key or certificate else OriginKind.DEFAULT)
    if view.secrets.taking_up and view.secrets.lost and not (key and certificate):
        key, certificate = _taken_up(view, key, certificate)
    if not key and not certificate:
        return _made(view)
    return _stored(view, key, certificate)


def _taken_up(view: View, key: str | None, certificate: str | None) -> tuple[str | None, str | None]:
    """The pair, with the half that the secrets file lacks as it is deployed, where that fits."""
    keys, checked = deployed_keys(view), deployed_certificate(view)
    if not key and not certificate:
        return _both_taken_up(view, keys, checked)
    if certificate and keys and deployed.fits(keys.text, certificate):
        view.secrets.take_up("internal_key", keys.text, keys.path)
        return keys.text, certificate
    if key and checked and deployed.fits(key, checked.text):
        view.secrets.take_up("internal_certificate", checked.text, checked.path)
        return key, checked.text
    return key, certificate


def _both_taken_up(view: View, key: Found | None, checked: Found | None) -> tuple[str | None, str | None]:
    if key and checked and not deployed.fits(key.text, checked.text):
        view.error(
            KEY,
            f"is in neither the settings nor {view.secrets.path}, and what is deployed does not fit: {key.path} is not "
            f"the key of {checked.path}",
            f"Put back {view.secrets.path} from a backup; or delete both files, and a new pair is made.",
        )
        return None, None
    if key and (checked or not view["registry.enable"] or is_rsa_key(key.text)):
        view.secrets.take_up("internal_key", key.text, key.path)
    elif key or (checked and any(signers(view))):
        return None, None  # nothing could sign what that certificate accepts: a new pair is needed
    if checked:
        view.secrets.take_up("internal_certificate", checked.text, checked.path)
    return key.text if key else None, checked.text if checked else None


def deployed_keys(view: View) -> Found | None:
    """The key as an earlier run gave it to those that sign on this node."""
    return deployed.deployed(Path(one.key) for one in signers(view))


def deployed_certificate(view: View) -> Found | None:
    """The certificate as an earlier run gave it to the registry of this node."""
    return deployed.deployed([Path(view["registry.rootcertbundle"])]) if view["registry.enable"] else None


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
