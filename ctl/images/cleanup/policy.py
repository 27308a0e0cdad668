"""A clean-up policy: which tags of a repository it keeps and removes, step by step as GitLab's script goes.

The steps are those of GitLab's documentation ("Investigate a cleanup policy"): without `latest`; what name_regex
matches and name_regex_keep does not; newest first, without the first keep_n; older than older_than. What that script
removes by accident is kept here: a tag whose image cannot be read, and one whose date is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from ctl.errors import UsageFault

LATEST = "latest"


class Rule(StrEnum):
    """Why a tag is kept or removed."""

    UNRESOLVED = "unresolved"
    """Nobody knows what it names."""
    LATEST = "latest"
    NAME_REGEX = "name_regex"
    """It does not match."""
    NAME_REGEX_KEEP = "name_regex_keep"
    """It matches."""
    KEEP_N = "keep_n"
    """It is among the newest."""
    NO_DATE = "no_date"
    OLDER_THAN = "older_than"
    """It is too young."""
    EXPIRED = "expired"
    """It went through all steps: removed."""
    SUBJECT = "subject"
    """A signature or the like: as its subject."""
    NO_POLICY = "no_policy"


@dataclass(frozen=True)
class Policy:
    """What the tags of some repositories must be like to stay.

    Args:
        repositories: pattern of their names: `*` is any part of a name between slashes, `**` any number of such.
        name_regex: tags that it matches whole may go (RE2).
        name_regex_keep: tags that it matches whole stay; "" for none.
        keep_n: how many of the newest stay; None for none.
        older_than: nanoseconds; younger ones stay. None: their age does not matter.
        date: "created", as the image itself says, or "pushed", when the tag was last written.
    """

    repositories: str = "**"
    name_regex: str = ".*"
    name_regex_keep: str = ""
    keep_n: int | None = None
    older_than: int | None = None
    date: str = "created"

    def __str__(self) -> str:
        return f"policy of {self.repositories}"


class Candidate(NamedTuple):
    """A tag that a policy judges.

    Args:
        name: of the tag.
        date: nanoseconds since 1970, or None.
        problem: why its image cannot be read, or "".
    """

    name: str
    date: int | None
    problem: str = ""


class Verdict(NamedTuple):
    """What becomes of a tag.

    Args:
        tag: its name.
        removed: whether it goes.
        rule: that decided.
        why: in words.
    """

    tag: str
    removed: bool
    rule: Rule
    why: str

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"tag": self.tag, "removed": self.removed, "rule": self.rule.value, "why": self.why}


@dataclass(eq=False)
class Matcher:
    """A policy whose expressions are compiled.

    Args:
        policy: it.

    Raises:
        UsageFault: an expression is wrong; with RE2's reason.
    """

    policy: Policy

    def __post_init__(self) -> None:
        given = {"name_regex": self.policy.name_regex, "name_regex_keep": self.policy.name_regex_keep}
        self._single = [compiled_whole(name, text) for name, text in given.items()]
        self._both = _set([*map(anchored, given.values()), ""])
        self._repositories = compiled("repositories", pattern_of(self.policy.repositories))

    def applies_to(self, repository: str) -> bool:
        """Whether it is for a repository."""
        return self._repositories.search(repository) is not None

    def _matches(self, tag: str) -> tuple[bool, bool]:
        """Whether name_regex and name_regex_keep match.

        Both at once: one by one takes three times as long. The third, which matches always, shows that this could be
        done within RE2's memory.
        """
        found = self._both.Match(tag) if self._both else None
        if found is None:
            name, keep = (one.search(tag) is not None for one in self._single)
            return name, keep
        return 0 in found, 1 in found

    def decide(self, tags: Iterable[Candidate], now: int) -> list[Verdict]:
        """What becomes of each tag.

        Args:
            tags: of one repository.
            now: nanoseconds since 1970.
        """
        found: list[Verdict] = []
        left: list[Candidate] = []
        for tag in tags:
            verdict = self._by_name(tag)
            if verdict is None:
                left.append(tag)
            else:
                found.append(verdict)
        # a tag without a date counts as one of now, as in GitLab
        dated = sorted(((now if date is None else date, name, date) for name, date, _ in left), reverse=True)
        newest = self.policy.keep_n or 0
        for position, (_, name, _) in enumerate(dated[:newest], 1):
            why = f"is number {position} of the {newest} newest"
            found.append(Verdict(name, False, Rule.KEEP_N, why))
        found += self._by_age(dated[newest:], newest, now)
        return found

    def _by_name(self, tag: Candidate) -> Verdict | None:
        if tag.problem:
            return Verdict(tag.name, False, Rule.UNRESOLVED, tag.problem)
        if tag.name == LATEST:
            return Verdict(tag.name, False, Rule.LATEST, "latest always stays")
        name, keep = self._matches(tag.name)
        if not name:
            return Verdict(tag.name, False, Rule.NAME_REGEX, f"does not match {self.policy.name_regex}")
        if keep:
            return Verdict(tag.name, False, Rule.NAME_REGEX_KEEP, f"matches {self.policy.name_regex_keep}")
        return None

    def _by_age(
        self, tags: Iterable[tuple[int, str, int | None]], before: int, now: int
    ) -> Iterator[Verdict]:
        """What becomes of the rest, newest first; so many were before them."""
        age = self.policy.older_than
        oldest = now - (age or 0)
        young = f"is younger than {in_words(age or 0)}"
        for position, (_, name, date) in enumerate(tags, before + 1):
            if date is None:
                yield Verdict(name, False, Rule.NO_DATE, "its image has no date")
            elif age is not None and date >= oldest:
                yield Verdict(name, False, Rule.OLDER_THAN, young)
            else:
                why = f"is number {position}, {in_words(now - date)} old"
                yield Verdict(name, True, Rule.EXPIRED, why)


def _library() -> Any:  # noqa: ANN401 - it has no types
    """RE2, imported here because only a clean-up needs it."""
    import re2  # type: ignore[import-untyped]

    return re2


def compiled(name: str, pattern: str) -> Any:  # noqa: ANN401 - as above
    """A regular expression that takes linear time.

    Raises:
        UsageFault: it is wrong.
    """
    library = _library()
    try:
        return library.compile(pattern, _options())
    except library.error as error:
        why = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise UsageFault(
            f"{name} is no regular expression: {why}", hint="The syntax is that of RE2, as in GitLab."
        ) from error


def anchored(expression: str) -> str:
    """As GitLab: anchors around the text as it is, so that `a|b` is "begins with a, or ends with b"."""
    return rf"\A{expression}\z"


def compiled_whole(name: str, expression: str) -> Any:  # noqa: ANN401 - as above
    """An expression that must match a whole name.

    It must be one without the anchors, too: `*` would repeat the first of them, and match everything; and within a
    group, which the second anchor cannot be part of, as it would be after `\\Q`.

    Raises:
        UsageFault: it is none.
    """
    compiled(name, expression)
    compiled(name, f"(?:{expression})")
    return compiled(name, anchored(expression))


def _set(patterns: Iterable[str]) -> Any:  # noqa: ANN401 - as above
    """All at once; None where they are larger than RE2's memory."""
    library = _library()
    found = library.Set.SearchSet(_options())
    try:
        for pattern in patterns:
            found.Add(pattern)
        found.Compile()
    except library.error:
        return None
    return found


def _options() -> Any:  # noqa: ANN401 - as above
    options = _library().Options()
    options.log_errors = False
    return options


def loose_alternatives(expression: str) -> bool:
    """Whether an expression has alternatives without a group, which then are anchored at one end only."""
    depth, escaped, in_class = 0, False, False
    for character in expression:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
        elif character in "()":
            depth += 1 if character == "(" else -1
        elif character == "|" and depth == 0:
            return True
    return False


def pattern_of(repositories: str) -> str:
    """The regular expression of a pattern of repositories."""
    parts = repositories.replace("**", "\0").split("\0")
    between = ["[^/]*".join(map(_library().escape, part.split("*"))) for part in parts]
    return rf"\A{'.*'.join(between)}\z"


def in_words(nanoseconds: int) -> str:
    """A length of time for people, as "12 days"."""
    seconds = nanoseconds // 10**9
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            number = seconds // size
            return f"{number:,} {unit}{'' if number == 1 else 's'}"
    return "0 seconds"
