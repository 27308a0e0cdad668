"""The access that a token carries: of what is asked, what is granted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ctl.auth.authenticate import Principal
from ctl.auth.patterns import CATALOG, matches
from ctl.auth.scopes import Scope
from ctl.registry.token import ACTIONS, Access

_KINDS = ("", "image", "plugin")
"""Classes of repositories that registries know."""


def granted(principal: Principal, scopes: Sequence[Scope]) -> Access:
    """What a principal gets of the scopes it asks for.

    An action must be asked for and granted. Whoever asks for `*` gets all that is granted on the resource: `*`
    itself only where `*` is granted. Listing all repositories needs a grant on CATALOG, which
    administrators have. Resources of unknown types give nothing.

    Args:
        principal: whoever asks.
        scopes: what is asked for; the source of a mount is one of them.

    Returns:
        Entries of a token's access claim, one a resource, in the order asked; none without actions.
    """
    asked: dict[tuple[str, str, str], list[str]] = {}
    for scope in scopes:
        asked.setdefault((scope.type, scope.kind, scope.name), []).extend(scope.actions)
    access: Access = []
    for (kind, subkind, name), actions in asked.items():
        given = _cut(actions, _allowed(principal, kind, subkind, name))
        if given:
            entry = {"type": kind, "name": name, "actions": given}
            access.append(entry | {"class": subkind} if subkind else entry)
    return access


def _allowed(principal: Principal, kind: str, subkind: str, name: str) -> set[str]:
    """Actions granted on a resource, as they are written in the grants."""
    if kind == "repository" and subkind in _KINDS:
        # team/* asks for every depth, which a grant on one level does not give
        names = [name, f"{name}/*"] if name.endswith("/*") else [name]
        rights = [one for one in principal.rights if all(matches(one.pattern, each) for each in names)]
    elif f"{kind}:{name}" == CATALOG and not subkind:
        rights = [one for one in principal.rights if one.pattern == CATALOG]
    else:
        rights = []
    return {action for one in rights for action in one.actions}


def _cut(asked: Iterable[str], allowed: set[str]) -> list[str]:
    wanted = dict.fromkeys(asked)
    if "*" in wanted:
        return ["*"] if "*" in allowed else [action for action in ACTIONS if action in allowed]
    if "*" in allowed:
        return [action for action in wanted if action in ACTIONS]
    return [action for action in wanted if action in allowed]
