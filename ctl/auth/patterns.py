"""Patterns of repository names: what a grant is for.

A pattern is a name whose parts may hold stars. `*` in a part matches any run of characters of that part, so
it never crosses a slash; a part `**` matches any number of parts, and at the end for at least one:

    team/app     that repository
    team/app-*   team/app-1, not team/app-1/x
    team/*       team/app, not team/a/b
    team/**      team/app, team/a/b, not team itself
    **/app       app, team/app, a/b/app
    *            app, not team/app
    **           every repository
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ctl.errors import UsageFault
from ctl.registry.token import MAX_NAME_LENGTH

ANY_DEPTH = "**"
CATALOG = "registry:catalog"
"""In a grant: the list of all repositories (GET /v2/_catalog). No pattern of names holds a colon."""
_PART = re.compile(r"[a-z0-9._*-]+", re.ASCII)


def parse_pattern(text: str) -> str:
    """Check a pattern as an administrator gives it.

    Args:
        text: as in the module's table, or CATALOG.

    Returns:
        The same text.

    Raises:
        UsageFault: it is none, or could never be the name of a repository.
    """
    if text == CATALOG:
        return text
    if len(text) > MAX_NAME_LENGTH:
        raise UsageFault(f"a pattern of {len(text)} characters: at most {MAX_NAME_LENGTH} are allowed")
    for part in text.split("/"):
        if _PART.fullmatch(part) is None or (ANY_DEPTH in part and part != ANY_DEPTH):
            raise UsageFault(f"{text!r} is not a pattern of repository names", hint=_hint(text))
    return text


def _hint(text: str) -> str:
    if text != text.lower():
        return f"repository names are lower case: {text.lower()}"
    if text.strip("/") != text or "//" in text:
        return "a pattern neither begins nor ends with a slash: team/app, team/*, team/**"
    if ":" in text:
        return "a pattern names repositories without host and tag: team/app, team/*, team/**"
    return "patterns are team/app, team/* (one level), team/** (any depth), ** (every repository)"


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern matches a repository's name. Takes time in proportion to both lengths' product.

    Args:
        pattern: as `parse_pattern` accepts it; CATALOG matches no repository.
        name: of a repository.
    """
    if pattern == CATALOG:
        return False
    wanted = pattern.split("/")
    if wanted[-1] == ANY_DEPTH:
        wanted.insert(-1, "*")
    return _matches(wanted, name.split("/"), many=ANY_DEPTH, alike=_part_matches)


def _part_matches(pattern: str, part: str) -> bool:
    if "*" not in pattern:
        return pattern == part
    return _matches(pattern, part, many="*", alike=str.__eq__)


def _matches(
    wanted: Sequence[str], given: Sequence[str], *, many: str, alike: Callable[[str, str], bool]
) -> bool:
    """Match with only the last `many` seen ever widened: what came before it has its shortest match, which is best."""
    at, here = 0, 0
    star, resume = -1, 0
    while here < len(given):
        if at < len(wanted) and wanted[at] == many:
            star, resume = at, here
            at += 1
        elif at < len(wanted) and alike(wanted[at], given[here]):
            at, here = at + 1, here + 1
        elif star >= 0:
            resume += 1
            at, here = star + 1, resume
        else:
            return False
    return all(rest == many for rest in wanted[at:])
