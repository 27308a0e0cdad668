"""The known name that a mistyped one was most likely meant to be."""

from __future__ import annotations

from collections.abc import Iterable

_LONGEST = 80
"""Names longer than this are compared by their first characters only, so that no name is slow to look up."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name nearest to a mistyped one.

    Three kinds of likeness are tried, the first that finds a name wins: few edits apart (a letter missing,
    added, changed, or two swapped; case and "-" for "_" do not count), the same words with others left out
    ("registry_url" for "registry_external_url"), and one being the beginning of the other ("ssl_cert").

    Args:
        name: what was written.
        known: the names that would have been right; their order decides between equals.

    Returns:
        One of `known`, or None where none is near.
    """
    wanted = _plain(name)
    candidates = [(candidate, _plain(candidate)) for candidate in known]
    return _by_edits(wanted, candidates) or _by_words(wanted, candidates) or _by_beginning(wanted, candidates)


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
    for candidate in known:
        if candidate != name and len(candidate) > 3 and _distance(wanted, _plain(candidate), limit) <= limit:
            return candidate
    return None


def _plain(name: str) -> str:
    return name[:_LONGEST].lower().replace("-", "_")


def _by_edits(wanted: str, candidates: list[tuple[str, str]]) -> str | None:
    allowed = min(len(wanted) - 1, max(1 if len(wanted) < 6 else 2, len(wanted) // 4))
    best, least = None, allowed + 1
    for candidate, plain in candidates:
        distance = _distance(wanted, plain, least - 1)
        if distance < least:
            best, least = candidate, distance
    return best


def _by_words(wanted: str, candidates: list[tuple[str, str]]) -> str | None:
    words = {word for word in wanted.split("_") if word}
    if len(words) < 2:
        return None
    found = [(len(plain), candidate) for candidate, plain in candidates if words <= set(plain.split("_"))]
    return min(found)[1] if found else None


def _by_beginning(wanted: str, candidates: list[tuple[str, str]]) -> str | None:
    if len(wanted) < 3:
        return None
    found = [
        (abs(len(plain) - len(wanted)), candidate)
        for candidate, plain in candidates
        if plain.startswith(wanted) or (len(plain) >= 4 and wanted.startswith(plain))
    ]
    return min(found)[1] if found else None


def _alike(one: str, other: str) -> int:
    """How many characters two names begin with in common."""
    return next(
        (index for index, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )


def _distance(one: str, other: str, limit: int) -> int:
    """Optimal string alignment distance, or any number above `limit` as soon as it is known to be more."""
    if abs(len(one) - len(other)) > limit or len(set(one) - set(other)) > limit:
        return limit + 1
    start = _alike(one, other)
    one, other = one[start:], other[start:]
    end = _alike(one[::-1], other[::-1])
    one, other = one[: len(one) - end], other[: len(other) - end]
    if not one or not other:
        return len(one) + len(other)
    before: list[int] = []
    previous = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        current = [row]
        for column, counterpart in enumerate(other, 1):
            cost = min(
                previous[column] + 1, current[column - 1] + 1, previous[column - 1] + (letter != counterpart)
            )
            if row > 1 < column and letter == other[column - 2] and one[row - 2] == counterpart:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        if min(current) > limit:
            return limit + 1
        before, previous = previous, current
    return previous[-1]
