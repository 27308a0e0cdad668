"""Accounts that services run under: each has its own, and none is that of root."""

from __future__ import annotations

from itertools import combinations

from ctl.settings.view import View

ACCOUNTS = {
    "registry.enable": "registry.username",
    "registry_auth.enable": "registry_auth.username",
    "nginx.enable": "web_server.username",
    "gitlab_rails.enable": "user.username",
}
"""What needs an account, and the setting that names it."""


def services_do_not_run_as_root(view: View) -> None:
    """The account gets a home and no login shell; root would be shut out of the machine."""
    for name in _used(view):
        if view[name] == "root":
            view.error(
                name,
                "must not be root: it becomes the account of a service, with a home of its own and no login shell",
                "Leave it out, or name an account that nobody logs in with.",
            )


def services_share_no_account(view: View) -> None:
    """What one may read the other must not: keys, accounts, images."""
    if not view["manage_accounts.enable"]:
        return
    for one, other in combinations(_used(view), 2):
        if view[one] == view[other]:
            last, first = (one, other) if view.said(other) is None else (other, one)
            view.error(last, f"is {view[last]}, which is {first} too: each has an account of its own")


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


def _used(view: View) -> list[str]:
    return [name for enabled, name in ACCOUNTS.items() if view[enabled]]


CHECKS = (services_do_not_run_as_root, services_share_no_account, accounts_file_is_its_own)
