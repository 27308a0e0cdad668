"""Accounts of components: each has its own, and none is that of root."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from ctl.settings.component import Account, Component, running
from ctl.settings.components import COMPONENTS
from ctl.settings.option import View
from ctl.settings.values import Values


def accounts(components: Iterable[Component], values: Values) -> Iterator[tuple[Component, Account]]:
    """The components that run with the account of each, where they have one."""
    for component in running(components, values):
        if component.account is not None:
            yield component, component.account(values)


def services_do_not_run_as_root(view: View) -> None:
    """The account gets a home and no login shell; root would be shut out of the machine."""
    for _, account in accounts(COMPONENTS, view):
        if account.username == "root":
            view.error(
                account.setting,
                "must not be root: it becomes the account of a service, with a home of its own and no login shell",
                "Leave it out, or name an account that nobody logs in with.",
            )


def services_share_no_account(view: View) -> None:
    """What one may read the other must not: keys, accounts, images."""
    if not view["manage_accounts.enable"]:
        return
    for (_, one), (_, other) in combinations(accounts(COMPONENTS, view), 2):
        if one.username == other.username:
            last, first = (one, other) if not view.given(other.setting) else (other, one)
            what = f"is {last.username}, which is {first.setting} too: each has an account of its own"
            view.error(last.setting, what)
