"""The policy, step by step, against a model that is GitLab's script word for word."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctl.errors import UsageFault
from ctl.images.cleanup.policy import Candidate, Matcher, Policy, Rule, in_words, loose_alternatives

DAY = 86_400 * 10**9
NOW = 1_000 * DAY


def model(policy: Policy, tags: list[Candidate]) -> list[str]:
    """The script of GitLab's documentation, "Investigate a cleanup policy", line by line. Returns what it removes.

    Its order of equal dates is not defined; here the names decide.
    """
    left = [tag for tag in tags if not tag.problem]  # GitLab sees no tag that the registry does not resolve
    left = [tag for tag in left if tag.name != "latest"]  # tags.reject!(&:latest?)
    regex_delete = re.compile(rf"\A{policy.name_regex}\Z")
    regex_retain = re.compile(rf"\A{policy.name_regex_keep}\Z")
    left = [tag for tag in left if regex_delete.search(tag.name) and not regex_retain.search(tag.name)]
    left.sort(key=lambda tag: (tag.date if tag.date is not None else NOW, tag.name))
    left.reverse()
    left = left[policy.keep_n or 0 :]  # tags.drop(policy.keep_n)
    if policy.older_than is None:
        left = [tag for tag in left if tag.date is not None]
    else:
        limit = NOW - policy.older_than
        left = [tag for tag in left if tag.date is not None and tag.date < limit]
    return sorted(tag.name for tag in left)


NAMES = st.sampled_from(("latest", "v1", "v2", "main", "dev", "dev-1", "dev-2", "mydev", "release", "x_v1"))
REGEXES = ("", ".*", "v.+", "dev", "dev|v1", "(dev|v1)", "(?:v.+|main|master)", "[a-z]+-\\d", "nothing")
TAGS = st.lists(
    st.builds(
        Candidate,
        NAMES,
        st.one_of(st.none(), st.integers(0, 20).map(lambda days: NOW - days * DAY)),
        st.sampled_from(("", "", "", "it is damaged")),
    ),
    unique_by=lambda tag: tag.name,
)
POLICIES = st.builds(
    Policy,
    name_regex=st.sampled_from(REGEXES),
    name_regex_keep=st.sampled_from(REGEXES),
    keep_n=st.one_of(st.none(), st.integers(0, 4)),
    older_than=st.one_of(st.none(), st.integers(0, 15).map(lambda days: days * DAY)),
)


@given(policy=POLICIES, tags=TAGS)
def test_it_removes_what_the_script_removes(policy: Policy, tags: list[Candidate]) -> None:
    verdicts = Matcher(policy).decide(tags, NOW)
    assert sorted(one.tag for one in verdicts) == sorted(tag.name for tag in tags), "each tag has one verdict"
    assert sorted(one.tag for one in verdicts if one.removed) == model(policy, tags)
    assert all(one.removed == (one.rule is Rule.EXPIRED) for one in verdicts)


@given(policy=POLICIES, tags=TAGS)
def test_what_cannot_be_read_and_what_has_no_date_stays(policy: Policy, tags: list[Candidate]) -> None:
    known = {tag.name: tag for tag in tags}
    for one in Matcher(policy).decide(tags, NOW):
        tag = known[one.tag]
        assert not (one.removed and (tag.problem or tag.date is None or tag.name == "latest"))


@given(policy=POLICIES, tags=TAGS)
def test_the_order_in_which_tags_are_found_does_not_matter(policy: Policy, tags: list[Candidate]) -> None:
    matcher = Matcher(policy)
    verdicts = {one.tag: one for one in matcher.decide(tags, NOW)}
    assert verdicts == {one.tag: one for one in matcher.decide(tags[::-1], NOW)}


def rules(policy: Policy, *tags: Candidate) -> dict[str, str]:
    return {one.tag: one.rule.value for one in Matcher(policy).decide(tags, NOW)}


def test_each_step_gives_its_reason() -> None:
    policy = Policy(name_regex=".*", name_regex_keep="v.+", keep_n=1, older_than=7 * DAY)
    tags = [
        Candidate("latest", NOW - 90 * DAY),
        Candidate("v1.0", NOW - 90 * DAY),
        Candidate("new", NOW - DAY),
        Candidate("young", NOW - 2 * DAY),
        Candidate("old", NOW - 8 * DAY),
        Candidate("exactly", NOW - 7 * DAY),
        Candidate("torn", None, "it is damaged"),
    ]
    assert rules(policy, *tags) == {
        "latest": "latest", "v1.0": "name_regex_keep", "new": "keep_n", "young": "older_than", "old": "expired",
        "exactly": "older_than", "torn": "unresolved",
    }  # fmt: skip
    why = {one.tag: one.why for one in Matcher(policy).decide(tags, NOW)}
    assert why["old"] == "is number 4, 8 days old"
    assert why["new"] == "is number 1 of the 1 newest"
    assert rules(Policy(name_regex="v.*"), Candidate("main", 0)) == {"main": "name_regex"}


def test_a_tag_without_a_date_counts_as_the_newest_and_is_never_removed() -> None:
    tags = [Candidate("undated", None), Candidate("old", NOW - 90 * DAY)]
    assert rules(Policy(keep_n=1), *tags) == {"undated": "keep_n", "old": "expired"}
    assert rules(Policy(), *tags) == {"undated": "no_date", "old": "expired"}


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("**", {"a", "team/app", "team/sub/app"}),
        ("*", {"a"}),
        ("team/*", {"team/app"}),
        ("team/**", {"team/app", "team/sub/app"}),
        ("team/app", {"team/app"}),
        ("te.m/app", set()),
        ("*/app", {"team/app"}),
    ],
)
def test_patterns_of_repositories(pattern: str, names: set[str]) -> None:
    matcher = Matcher(Policy(repositories=pattern))
    assert {one for one in ("a", "team/app", "team/sub/app") if matcher.applies_to(one)} == names


@pytest.mark.parametrize(
    "expression", ["(", "[a", "a(?=b)", "\\1(a)", "a{2000}", "*", "+", "?", "\\", "\\Qv1", "a)|(b"]
)
def test_wrong_expressions(expression: str) -> None:
    with pytest.raises(UsageFault, match="name_regex is no regular expression"):
        Matcher(Policy(name_regex=expression))


def test_an_expression_that_would_take_for_ever_elsewhere_does_not() -> None:
    assert rules(Policy(name_regex="(a+)+b"), Candidate("a" * 128, 0)) == {"a" * 128: "name_regex"}


def test_an_expression_that_is_larger_than_the_memory_of_sets() -> None:
    matcher = Matcher(Policy(name_regex="(" + "x" * 100_000 + "|v1)", older_than=0))
    assert [one.removed for one in matcher.decide([Candidate("v1", 0), Candidate("v2", 0)], 10)] == [
        False,
        True,
    ]


def test_an_expression_that_needs_much_memory_gives_the_same_answer() -> None:
    """RE2 then does it another way, and a set of expressions has none."""
    keep = "(?:.{0,100}[ab]){9}.{0,100}" * 3
    tags = [Candidate("ab" * 60 + str(number), 0) for number in range(20)]
    assert set(rules(Policy(name_regex_keep=keep), *tags).values()) == {"name_regex_keep"}


@pytest.mark.parametrize(
    ("expression", "loose"),
    [("a|b", True), ("(a|b)", False), ("[a|b]", False), (r"a\|b", False), ("(a)|b", True), ("", False),
     (r"[\]|]x", False)],
)  # fmt: skip
def test_alternatives_without_a_group(expression: str, loose: bool) -> None:
    assert loose_alternatives(expression) == loose


def test_times_in_words() -> None:
    assert [in_words(one) for one in (0, 10**9, 7_200 * 10**9, DAY, 40 * DAY)] == [
        "0 seconds", "1 second", "2 hours", "1 day", "40 days",
    ]  # fmt: skip
