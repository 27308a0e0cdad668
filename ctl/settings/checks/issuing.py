"""The token issuer: whether it is needed, can sign, and is where clients are sent to."""

from __future__ import annotations

from ctl.settings.listener import is_loopback
from ctl.settings.option import View
from ctl.settings.rules.token_issuer import issuer_through_socket
from ctl.settings.rules.urls import origin_of, same_url
from ctl.settings.types import lifetime_seconds

ENABLE = "registry_auth.enable"
DAY = 24 * 60 * 60


def issuer_has_a_registry(view: View) -> None:
    """Tokens are of no use without a registry."""
    if view.given_value(ENABLE) and not view["registry.enable"]:
        view.warning(
            ENABLE,
            "has no effect: no registry is enabled on this machine",
            'Write registry_external_url = "https://registry.example.com".',
        )


def somebody_issues_tokens(view: View) -> None:
    """Without any issuer nobody gets in, and clients say only that an address was not found."""
    realm, own = view["registry.token_realm"], view["registry_external_url"]
    if view[ENABLE] or not view["registry.enable"] or own is None or not same_url(realm, own):
        return
    if view.given_value("registry.token_realm") is None:
        view.warning(
            ENABLE if view.given(ENABLE) else "registry.token_realm",
            f"{'is False, and ' if view.given(ENABLE) else ''}nothing issues tokens: clients are sent to "
            f"{realm}/jwt/auth, where nobody answers",
            'Write external_url = "https://gitlab.example.com" or registry["token_realm"], which name who does; or '
            'registry_auth["enable"] = True.',
        )


def clients_find_the_issuer(view: View) -> None:
    """The registry sends clients to token_realm; the issuer answers at the registry's own URL."""
    if not view[ENABLE]:
        return
    realm, own = view["registry.token_realm"], view["registry_external_url"]
    if realm is None:
        view.error(
            "registry.token_realm",
            "is missing: no URL says where clients reach the token issuer",
            'Write registry_external_url = "https://registry.example.com", or registry["token_realm"].',
        )
    elif own is not None and not same_url(realm, own):
        view.warning(
            "registry.token_realm",
            f"is {realm}, so clients ask there for tokens, and not the issuer at {own} that "
            "registry_auth.enable runs",
            'Leave registry["token_realm"] out, or write registry_auth["enable"] = False.',
        )


def issuers_are_not_mixed_up(view: View) -> None:
    """With GitLab on the machine, its users are not the accounts that clients are asked for."""
    if view.given_value(ENABLE) and view[ENABLE] and view["external_url"] is not None:
        view.note(
            ENABLE,
            "is True beside external_url: clients sign in with the accounts of this machine (`ctl user`), not with "
            "those of GitLab",
        )


def issuer_is_private(view: View) -> None:
    """Passwords reach the issuer without TLS, and it takes addresses from headers only on loopback."""
    address = view["registry_auth.listen_addr"]
    if view[ENABLE] and not issuer_through_socket(view) and not is_loopback(address):
        view.warning(
            "registry_auth.listen_addr",
            f"is {address}: passwords reach the token issuer there without TLS",
            'Write "127.0.0.1:5002": NGINX on this machine has TLS.',
        )


def passwords_are_encrypted(view: View) -> None:
    """Basic authentication hides nothing (RFC 7617, section 4)."""
    url = origin_of(view["registry_external_url"])
    if not view[ENABLE] or url is None or url.https or is_loopback(url.display_host):
        return
    view.warning(
        "registry_external_url",
        "is http: passwords for the registry travel for everybody to read",
        f'Write "https://{url.display_host}".',
    )


def tokens_end_soon(view: View) -> None:
    """A token cannot be called back."""
    if view[ENABLE] and lifetime_seconds(view["registry_auth.token_expire_delay"]) > DAY:
        view.warning(
            "registry_auth.token_expire_delay",
            "is longer than a day: until then a token holds even if its account is removed",
            "Some minutes will do; an hour for pushes that take long.",
        )


def accounts_file_is_its_own(view: View) -> None:
    """The issuer's group may read it, and `ctl user` replaces it."""
    file, layout = view["registry_auth.accounts_file"], view.layout
    others = (layout.settings_file, layout.secrets_file, layout.settings_file.parent)
    if file in map(str, others):
        view.error(
            "registry_auth.accounts_file",
            f"is {file}, which is something else's: accounts have a file of their own",
            f'Write "{layout.path("/etc/gitlab/registry-accounts.json")}", or leave it out.',
        )
