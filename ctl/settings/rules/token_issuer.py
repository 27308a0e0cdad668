"""Who issues tokens: GitLab, or where there is none the issuer of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ctl.settings.option import View, rule
from ctl.settings.rules.vhost import serves_registry
from ctl.settings.secrets.deployed import deployed, fits
from ctl.settings.values import Values

KEY, CERTIFICATE = "registry.internal_key", "registry.internal_certificate"
GITLAB_KEY = "gitlab_rails.internal_key"


@rule("True for a registry with neither external_url nor another token_realm, whose key is on this machine")
def issuer_enable(view: View) -> bool:
    """GitLab stays the issuer wherever there is one."""
    if not view["registry.enable"] or view["registry_external_url"] is None:
        return False
    if view["gitlab_rails.enable"] or view.given_value("registry.token_realm") is not None:
        return False
    return view["external_url"] is None and not key_is_elsewhere(view)


def issuer_of_registry(view: View, value: bool) -> bool:
    """A registry that is switched off takes its issuer with it."""
    return value and bool(view["registry.enable"])


def key_is_elsewhere(view: View) -> bool:
    """Whether this machine has the certificate alone: another one signs the tokens."""
    if view.given_value(KEY) is not None or view.given_value(GITLAB_KEY) is not None:
        return False
    if view.given_value(CERTIFICATE) is not None:
        return True
    certificate = view.secrets.stored("internal_certificate")
    if certificate is None or view.secrets.stored("internal_key") is not None:
        return False
    here = deployed([Path(issuers_key(view))]) if view.secrets.lost else None
    return here is None or not fits(here.text, certificate)


def issuers_key(values: Values) -> str:
    """Where the token issuer of this machine has the key."""
    return f"{values['registry_auth.dir']}/gitlab-registry.key"


@rule("external_url, else registry_external_url; with registry_auth always the latter")
def token_realm(view: View) -> str | None:
    """Who issues tokens."""
    if view["registry_auth.enable"]:
        own: str | None = view["registry_external_url"]
        return own
    realm: str | None = view["external_url"] or view["registry_external_url"]
    return realm


def accounts_file(values: Values) -> str:
    """Who may get tokens of the issuer of this machine."""
    return str(values["registry_auth.accounts_file"])


@dataclass(frozen=True)
class Signer:
    """Who signs tokens on this node, with a key in a file of its own.

    Args:
        what: in words, for errors.
        service: what must start anew for another key; "" for nothing that ctl runs.
        key: the file.
        owner, group, mode: so that nobody else can read it.
        elsewhere: when this node needs no key, for errors.
    """

    what: str
    service: str
    key: str
    owner: str
    group: str
    mode: int
    elsewhere: str


def signers(values: Values) -> Iterator[Signer]:
    """GitLab, and the token issuer, as far as they are on this node."""
    if values["gitlab_rails.enable"] and values["gitlab_rails.registry_enabled"]:
        yield Signer(
            what="GitLab",
            service="",
            key=values["gitlab_rails.registry_key_path"],
            owner=values["user.username"],
            group=values["user.group"],
            mode=0o600,
            elsewhere="Only a machine without GitLab needs the certificate alone.",
        )
    if values["registry_auth.enable"]:
        yield Signer(
            what="the token issuer (registry_auth.enable)",
            service="registry-auth",
            key=issuers_key(values),
            owner="root",
            group=values["registry_auth.group"],
            mode=0o640,
            elsewhere='If another machine issues tokens: registry["token_realm"] with registry_auth["enable"] = '
            "False.",
        )


def issuer_through_socket(values: Values) -> bool:
    """Whether the token issuer listens on a Unix socket that only NGINX may connect to."""
    return bool(values["registry_auth.enable"]) and serves_registry(values)
