"""Plans over storages: dates of images, signatures that follow their subject, what cannot be read."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from ctl.collector.filesystem import Link
from ctl.collector.quarantine import Quarantine
from ctl.collector.restoring import restore
from ctl.collector.tree import Tree
from ctl.images.catalogue import link_digest
from ctl.images.cleanup.plan import Planner, RepositoryPlan
from ctl.images.cleanup.policy import Matcher, Policy
from ctl.images.removal import Removed, Remover
from tests.harness import images, tree
from tests.harness.images import dated
from tests.harness.registry_store import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = 86_400 * 10**9
MEMORY = "ctl-quarantine/images.sqlite"


def aged(seed: str, days: int, **more: object) -> images.Blob:
    return dated(seed, (NOW - timedelta(days=days)).isoformat(), **more)  # type: ignore[arg-type]


def plan(store: Store, *policies: Policy, name: str = "a") -> RepositoryPlan:
    matchers = [Matcher(policy) for policy in policies]
    planner = Planner(str(store.root), matchers, int(NOW.timestamp()) * 10**9)
    (found,) = planner.plans(lambda one: one == name, lambda: None)
    return found


def rules(found: RepositoryPlan) -> dict[str, str]:
    return {one.tag: one.rule.value for one in found.verdicts}


def signature(subject: images.Blob, suffix: str = ".sig") -> str:
    return f"sha256-{subject.digest.partition(':')[2]}{suffix}"


def carry_out(store: Store, found: RepositoryPlan) -> Removed:
    with Remover(str(store.root), lambda _: None, note="cleanup") as remover:
        remover.tags_and_manifests(found.scan, found.removed)
    return remover.removed


OLD = Policy(older_than=7 * DAY)


def test_dates_are_those_of_images(store: Store) -> None:
    store.push("a", aged("new", 1), "new")
    store.push("a", aged("old", 30), "old", "latest", "also-old")
    store.push("a", images.index(aged("m1", 30), aged("m2", 1, architecture="arm64")), "multi")
    store.push("a", dated("undated", "1970-01-01T00:00:00Z"), "undated")
    assert rules(plan(store, OLD)) == {
        "new": "older_than", "old": "expired", "also-old": "expired", "latest": "latest", "multi": "older_than",
        "undated": "no_date",
    }  # fmt: skip


def test_the_last_push_can_be_the_date(store: Store) -> None:
    store.push("a", dated("undated", None), "v1")
    assert rules(plan(store, Policy(older_than=7 * DAY, date="pushed"))) == {"v1": "older_than"}
    store.age()
    assert rules(plan(store, Policy(older_than=7 * DAY, date="pushed"))) == {"v1": "expired"}


def test_the_first_policy_that_is_for_a_repository_holds(store: Store) -> None:
    store.push("a", aged("old", 30), "v1")
    store.push("team/a", aged("old", 30), "v1")
    keep = Policy("team/*", name_regex="nothing")
    assert rules(plan(store, keep, OLD)) == {"v1": "expired"}
    assert rules(plan(store, keep, OLD, name="team/a")) == {"v1": "name_regex"}


def test_signatures_follow_their_subject(store: Store) -> None:
    old, new, index = aged("old", 30), aged("new", 1), images.index(aged("child", 30))
    child = index.needs[0]
    for blob, tag in ((old, "old"), (new, "new"), (index, "old-index")):
        store.push("a", blob, tag)
    sig_of_old, sig_of_new, sig_of_child = (aged(f"sig {n}", 90) for n in range(3))
    store.push("a", sig_of_old, signature(old))
    store.push("a", sig_of_new, signature(new), signature(new, ".att"))
    store.push("a", sig_of_child, signature(child))
    store.push("a", aged("sig of sig", 90), signature(sig_of_old))
    store.push("a", aged("sig of nothing", 90), "sha256-" + "ab" * 32 + ".sig")
    found = plan(store, Policy(older_than=7 * DAY, keep_n=1))
    expected = {"old", "old-index", signature(old), signature(child), signature(sig_of_old)}
    assert set(found.removed) == expected
    assert found.share == 2 / 3, "signatures do not count"
    store.tag("a", "new-too", child.digest)
    store.push("a", images.index(child, aged("young", 1)), "new-index")
    assert signature(child) not in plan(store, OLD).removed, "its subject is in an index that stays"


def test_two_tags_of_one_image(store: Store) -> None:
    image = aged("old", 30)
    store.push("a", image, "gone", "v1")
    store.push("a", aged("sig", 90), signature(image))
    found = plan(store, Policy(name_regex_keep="v.*"))
    assert set(found.removed) == {"gone"}
    removed = carry_out(store, found)
    assert (removed.tags, removed.manifests) == ([("a", "gone")], [])


def test_what_cannot_be_read_stays_and_keeps_what_it_may_need(store: Store) -> None:
    old, torn = aged("old", 30), aged("torn", 30)
    store.push("a", old, "old")
    store.push("a", torn, "torn", "hollow")
    store.push("a", aged("sig", 90), signature(old))
    store.data(torn.digest).write_bytes(b"{")
    store.link("a", "hollow").unlink()
    found = plan(store, OLD)
    assert rules(found) == {
        "old": "expired", "torn": "unresolved", "hollow": "unresolved", signature(old): "subject",
    }  # fmt: skip
    assert set(found.removed) == {"old"}
    removed = carry_out(store, found)
    assert removed.manifests == []
    assert store.revision("a", old.digest).exists()


def test_an_image_without_its_configuration_has_no_known_date(store: Store) -> None:
    image = aged("old", 30)
    store.push("a", image, "v1")
    store.data(image.needs[0].digest).unlink()
    assert rules(plan(store, OLD)) == {"v1": "unresolved"}


def test_what_was_removed_comes_back(store: Store) -> None:
    image, index = aged("old", 30), images.index(aged("child", 30), aged("other", 40, architecture="arm64"))
    store.push("a", image, "v1")
    store.push("a", index, "multi")
    store.push("a", aged("new", 1), "new")
    store.push("a", images.referrer(index))
    before = tree.snapshot(store.root / "docker")
    removed = carry_out(store, plan(store, OLD))
    assert len(removed.tags) == 2
    assert len(removed.manifests) == 5
    restore(str(store.root), removed.run)
    after = tree.snapshot(store.root / "docker")
    assert before.keys() == after.keys()


def remembering(store: Store) -> None:
    """What a run does after its plan."""
    planner = Planner(str(store.root), [Matcher(OLD)], int(NOW.timestamp()) * 10**9)
    planner.plans(lambda _: True, lambda: None)
    planner.memory.remember()


def remembered_tags(store: Store) -> dict[str, str]:
    with closing(sqlite3.connect(store.root / MEMORY)) as file:
        return dict(file.execute("SELECT name, digest FROM tag"))


def read_links(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tags whose links a plan opens; it must come to the same as one that remembers nothing."""
    opened: list[str] = []

    def noting(storage: Tree, link: Link) -> str:
        opened.append(link.name)
        return link_digest(storage, link)

    monkeypatch.setattr("ctl.images.cleanup.memory.link_digest", noting)
    found = plan(store, OLD)
    (store.root / MEMORY).rename(store.root / "away")
    assert plan(store, OLD).as_json(explain=True) == found.as_json(explain=True)
    (store.root / "away").rename(store.root / MEMORY)
    return opened[: len(opened) - len(found.verdicts)]


def test_tags_are_remembered_by_their_links(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = aged("old", 30), aged("new", 1)
    store.push("a", old, "v1", "v2", "gone")
    store.push("a", new)
    remembering(store)
    assert remembered_tags(store) == {}, (
        "they were written a moment ago: what is written now has the same time"
    )
    monkeypatch.setattr("ctl.images.cleanup.memory._SETTLED", -(10**9))
    remembering(store)
    assert remembered_tags(store) == {"v1": old.digest, "v2": old.digest, "gone": old.digest}
    assert read_links(store, monkeypatch) == []
    info = store.link("a", "v2").stat()
    store.tag("a", "v2", new.digest)
    os.utime(store.link("a", "v2"), ns=(info.st_atime_ns, info.st_mtime_ns))
    store.tag("a", "v3", new.digest)
    store.untag("a", "gone")
    assert sorted(read_links(store, monkeypatch)) == ["v2", "v3"]
    assert rules(plan(store, OLD)) == {"v1": "expired", "v2": "older_than", "v3": "older_than"}
    remembering(store)
    assert remembered_tags(store) == {"v1": old.digest, "v2": new.digest, "v3": new.digest}
    store.delete("a", old.digest)
    assert rules(plan(store, OLD))["v1"] == "unresolved", "a registry does not serve it any more"


def test_nothing_is_remembered_beside_a_collection(store: Store) -> None:
    store.push("a", aged("old", 30), "v1")
    with Quarantine(str(store.root)):
        remembering(store)
    assert not (store.root / MEMORY).exists()


def test_dates_are_remembered_and_a_missing_image_is_noticed_all_the_same(store: Store) -> None:
    image = aged("old", 30)
    store.push("a", image, "v1")
    remembering(store)
    store.data(image.needs[0].digest).write_bytes(b"never read again")
    assert rules(plan(store, OLD)) == {"v1": "expired"}
    store.data(image.digest).unlink()
    assert rules(plan(store, OLD)) == {"v1": "unresolved"}
    (store.root / MEMORY).write_bytes(b"no database")
    assert rules(plan(store, OLD)) == {"v1": "unresolved"}


def test_two_processes_find_what_one_does(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(9):
        store.push("a", aged(f"{number}", number * 5), f"v{number}")
    for tag, content in (("v1", ""), ("v2", "sha256:none"), ("v3", f"sha256:{'ab' * 32}")):
        store.link("a", tag).write_text(content)
    store.link("a", "v4").unlink()
    alone = plan(store, OLD).as_json(explain=True)
    monkeypatch.setattr("ctl.images.cleanup.plan._SHARE", 1)
    monkeypatch.setattr("ctl.collector.second_process._ALONE", 2)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr("ctl.images.cleanup.memory._SETTLED", -(10**9))
    assert plan(store, OLD).as_json(explain=True) == alone
    remembering(store)
    assert len(remembered_tags(store)) == 6
    assert plan(store, OLD).as_json(explain=True) == alone


def test_what_is_broken_beside_tags_is_reported(store: Store) -> None:
    """Only where a tag is broken, too, are all manifests looked at."""
    store.push("a", aged("old", 30), "v1", "v2")
    planner = Planner(str(store.root), [Matcher(OLD)], 0)
    planner.plans(lambda _: True, lambda: None)
    assert planner.damages == []
    (store.link("a", "v1").parent / "link").unlink()
    (store.root / "docker/registry/v2/repositories/a/_manifests/revisions/sha256/stray").mkdir()
    planner = Planner(str(store.root), [Matcher(OLD)], 0)
    (found,) = planner.plans(lambda _: True, lambda: None)
    assert rules(found)["v1"] == "unresolved"
    assert [damage.kind for damage in planner.damages] == ["stray"]


def test_a_plan_is_json(store: Store) -> None:
    store.push("a", aged("old", 30), "v1")
    found = plan(store, OLD).as_json(explain=True)
    assert json.loads(json.dumps(found)) == found
    assert found["verdicts"] == [
        {"tag": "v1", "removed": True, "rule": "expired", "why": "is number 1, 30 days old"}
    ]
