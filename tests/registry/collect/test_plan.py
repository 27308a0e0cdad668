"""Which manifests survive: examples of each kind, and random graphs against the plain definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from ctl.collector.manifest import Manifest
from ctl.registry.collect.plan import Repository, doomed, survivors, waves


def repository(
    references: Mapping[str, Sequence[str]],
    *tagged: str,
    subjects: Mapping[str, str] | None = None,
    unreadable: Sequence[str] = (),
) -> Repository:
    manifests = {
        digest: Manifest(digest, 100, tuple(needed), (subjects or {}).get(digest))
        for digest, needed in references.items()
    }
    return Repository("grp/app", manifests, frozenset(tagged), frozenset(unreadable))


def gone(one: Repository) -> set[str]:
    return {manifest.digest for manifest in doomed(one)}


def test_children_of_a_tagged_index_stay_at_any_depth() -> None:
    one = repository(
        {"outer": ["inner", "c"], "inner": ["a", "b"], "a": [], "b": [], "c": [], "old": []}, "outer"
    )
    assert gone(one) == {"old"}


def test_untagged_index_goes_with_its_children_but_not_with_shared_ones() -> None:
    one = repository({"new": ["shared"], "old": ["shared", "own"], "shared": [], "own": []}, "new")
    assert gone(one) == {"old", "own"}


def test_child_that_has_a_tag_of_its_own_stays() -> None:
    assert gone(repository({"index": ["a", "b"], "a": [], "b": []}, "a")) == {"index", "b"}


def test_signature_of_a_survivor_stays_and_that_of_the_dead_goes() -> None:
    one = repository(
        {"image": [], "signature": ["sbom"], "sbom": [], "of signature": [], "old": [], "of old": []},
        "image",
        subjects={"signature": "image", "of signature": "signature", "of old": "old"},
    )
    assert gone(one) == {"old", "of old"}


def test_signature_of_a_child_stays() -> None:
    one = repository(
        {"index": ["child"], "child": [], "signature": []}, "index", subjects={"signature": "child"}
    )
    assert gone(one) == set()


def test_without_tags_everything_goes() -> None:
    assert gone(repository({"index": ["a"], "a": []})) == {"index", "a"}


def test_what_is_needed_as_a_layer_is_not_deleted_as_a_manifest() -> None:
    """Deleting a manifest also takes the link of a layer with the same content."""
    assert gone(repository({"image": ["config", "layer"], "layer": []}, "image")) == set()


def test_missing_children_and_manifests_of_tags_do_no_harm() -> None:
    assert gone(repository({"index": ["missing", "a"], "a": [], "old": []}, "index", "nowhere")) == {"old"}


def test_everything_stays_where_something_cannot_be_read() -> None:
    assert gone(repository({"a": [], "b": []}, unreadable=["c"])) == set()


def test_cycle_ends() -> None:
    one = repository({"a": ["b"], "b": ["a"], "c": ["c"]}, "c")
    assert gone(one) == {"a", "b"}
    assert [{manifest.digest for manifest in wave} for wave in waves(doomed(one))] == [{"a", "b"}]


NAMES = [f"m{number}" for number in range(12)]


@st.composite
def graphs(draw: st.DrawFn) -> Repository:
    """Manifests that refer only to later ones, as content named by its hash can; some refer to what is missing."""
    count = draw(st.integers(0, len(NAMES)))
    names = NAMES[:count]
    references, subjects = {}, {}
    for at, name in enumerate(names):
        later = names[at + 1 :]
        references[name] = draw(st.lists(st.sampled_from([*later, "missing"]), unique=True, max_size=4))
        if draw(st.booleans()) and later:
            subjects[name] = draw(st.sampled_from(later))
    tagged = [name for name in names if draw(st.booleans())]
    order: list[str] = draw(st.permutations(names))
    return repository({name: references[name] for name in order}, *tagged, subjects=subjects)


def must_stay(one: Repository) -> set[str]:
    """The definition, word for word: nothing is added until nothing more has to be."""
    keep = set(one.tagged)
    while True:
        reached = {
            digest for name in keep if name in one.manifests for digest in one.manifests[name].references
        }
        about = {name for name, manifest in one.manifests.items() if manifest.subject in keep}
        more = (reached | about) & one.manifests.keys()
        if more <= keep:
            return keep
        keep |= more


@given(graphs())
def test_exactly_what_leads_to_no_tag_goes(one: Repository) -> None:
    stay, go = survivors(one), gone(one)
    assert stay == must_stay(one)
    assert stay | go == one.manifests.keys() | one.tagged
    assert not stay & go
    assert len(doomed(one)) == len(go)


@given(graphs())
def test_what_goes_goes_before_what_it_refers_to(one: Repository) -> None:
    when = {manifest.digest: at for at, wave in enumerate(waves(doomed(one))) for manifest in wave}
    assert when.keys() == gone(one)
    for manifest in doomed(one):
        for digest in {*manifest.references, manifest.subject} & when.keys():
            assert digest is not None
            assert when[manifest.digest] < when[digest]
