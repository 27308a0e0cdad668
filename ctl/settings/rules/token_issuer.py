"""Who issues tokens: GitLab, or where there is none the issuer of this machine."""

from __future__ import annotations

from ctl.settings.option import rule
from ctl.settings.view import View

KEY, CERTIFICATE = "registry.internal_key", "registry.internal_certificate"
GITLAB_KEY = "gitlab_rails.internal_key"


@rule("True for a registry with neither external_url nor another token_realm, whose key is on this machine")
def issuer_enable(view: View) -> bool:
    """GitLab stays the issuer wherever there is one."""
    if not view["registry.enable"] or view["registry_external_url"] is None:
        return False
    if view["gitlab_rails.enable"] or view.said("registry.token_realm") is not None:
        return False
    return view["external_url"] is None and not key_is_elsewhere(view)


def issuer_of_registry(view: View, value: bool) -> bool:
    """A registry that is switched off takes its issuer with it."""
    return value and bool(view["registry.enable"])


def key_is_elsewhere(view: View) -> bool:
    """Whether this machine has the certificate alone: another one signs the tokens."""
    if view.said(KEY) is not None or view.said(GITLAB_KEY) is not None:
        return False
    if view.said(CERTIFICATE) is not None:
        return True
    stored = view.secrets.stored
    return stored("internal_certificate") is not None and stored("internal_key") is None
