"""The known name that a mistyped one was most likely meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from operator import itemgetter

_LONGEST = 80
"""Names longer than this are compared by their first characters only, so that no name is slow to look up."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name nearest to a mistyped one.

    Three kinds of likeness are tried, the first that finds a name wins: the same words with others left out
    ("registry_url" for "registry_external_url"), few characters that differ (case and "-" for "_" do not count),
    and one being the beginning of the other ("ssl_cert").

    Args:
        name: what was written.
        known: the names that would have been right; their order decides between equals.

    Returns:
        One of `known`, or None where none is near.
    """
    wanted = _plain(name)
    candidates = [(candidate, _plain(candidate)) for candidate in known]
    return (
        _by_words(wanted, candidates) or _by_letters(wanted, candidates) or _by_beginning(wanted, candidates)
    )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known name, or "" where none is near."""
    near = nearest(name, known)
    return f'Did you mean "{near}"?' if near else ""


def very_near(name: str, known: Iterable[str]) -> str | None:
    """The known name that differs from `name` by a slip of the finger only: one edit, two in long names.

    Args:
        name: what was written.
        known: the names to compare with.

    Returns:
        One of `known` that is not `name` itself, or None.
    """
    limit = 1 if len(name) < 10 else 2
    wanted = _plain(name)
    others = (one for one in known if one != name and len(one) > 3)
    return next((one for one in others if _edits(wanted, _plain(one), limit) <= limit), None)


def _plain(name: str) -> str:
    return name[:_LONGEST].lower().replace("-", "_")


def _by_words(wanted: str, candidates: list[tuple[str, str]]) -> str | None:
    words = {word for word in wanted.split("_") if word}
    if len(words) < 2:
        return None
    found = [(len(plain), candidate) for candidate, plain in candidates if words <= set(plain.split("_"))]
    return min(found)[1] if found else None


def _by_letters(wanted: str, candidates: list[tuple[str, str]]) -> str | None:
    found = []
    for candidate, plain in candidates:
        longer = max(len(wanted), len(plain))
        limit = min(len(wanted) - 1, max(1 if longer < 5 else 2, longer // 4))
        edits = _edits(wanted, plain, limit)
        if edits <= limit:
            found.append(((edits, sorted(wanted) != sorted(plain)), candidate))
    return min(found, key=itemgetter(0))[1] if found else None


def _by_beginning(wanted: str, candidates: list[tuple[str, str]]) -> str | None:
    if len(wanted) < 3:
        return None
    found = [
        (abs(len(plain) - len(wanted)), candidate)
        for candidate, plain in candidates
        if plain.startswith(wanted) or (len(plain) >= 4 and wanted.startswith(plain))
    ]
    return min(found)[1] if found else None


def _edits(one: str, other: str, limit: int) -> int:
    """How many characters of the longer of two names are not in the other, in order; more than `limit` at once."""
    longer = max(len(one), len(other))
    if abs(len(one) - len(other)) > limit or len(set(one) - set(other)) > limit:
        return limit + 1
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return longer - sum(block.size for block in matcher.get_matching_blocks())
