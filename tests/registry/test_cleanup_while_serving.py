"""`ctl registry-cleanup` beside registries that serve: what clients see then, and after it is undone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.harness import images
from tests.harness.registry_stack import Stack, registry_uid

pytestmark = pytest.mark.real

NAME = "grp/app"
BY_AGE = ("registry-cleanup", "grp/*", "--name-regex", ".*", "--name-regex-keep", "v.+", "--older-than", "7d")


def aged(days: int, **more: str) -> images.Blob:
    return images.dated(f"{days} days", (datetime.now(UTC) - timedelta(days=days)).isoformat(), **more)


def test_old_tags_go_with_their_signatures_and_come_back(registry: Stack) -> None:
    new, old = aged(1), images.index(aged(30), aged(40, architecture="arm64"))
    signature = images.image("signature")
    about = f"sha256-{old.digest.partition(':')[2]}.sig"
    registry.client.push(NAME, new, "new", "newer")
    registry.client.push(NAME, old, "old")
    registry.client.push(NAME, old.needs[0], "v1")
    registry.client.push(NAME, signature, about)
    assert registry.client.pulls(NAME, old, "old")
    verdicts = registry.answer(*BY_AGE, "--explain")["repositories"][0]["verdicts"]
    assert {one["tag"]: one["rule"] for one in verdicts} == {
        "new": "older_than", "newer": "older_than", "old": "expired", "v1": "name_regex_keep", about: "subject",
    }  # fmt: skip
    found = registry.answer(*BY_AGE)
    assert found["repositories"][0]["removed"] == ["old", about]
    assert (found["tags_deleted"], found["manifests_deleted"]) == (2, 3)
    assert found["collection"]["blobs_recent"] > 0, "what was pushed today is left for the next collection"
    assert sorted(registry.client.get(f"/v2/{NAME}/tags/list").json()["tags"]) == ["new", "newer", "v1"]
    for reference in ("old", about, old.digest, old.needs[1].digest, signature.digest):
        assert registry.client.manifest(NAME, reference).status == 404, reference
    assert registry.client.pulls(NAME, old.needs[0], "v1")
    assert registry.client.pulls(NAME, new, "new")
    registry.ctl("registry-cleanup", "--undo", found["run"])
    assert registry.client.pulls(NAME, old, "old")
    assert registry.client.pulls(NAME, signature, about)
    registry.client.push(NAME, old, "again")
    assert registry.client.pulls(NAME, old, "again")
    assert {path.lstat().st_uid for path in registry.images.rglob("*")} == {registry_uid()}


@pytest.mark.one_registry("it is stopped")
def test_nothing_goes_where_the_registry_could_not_forget_it(registry: Stack) -> None:
    """ctl does not run it, and does not know how to start it anew."""
    old = aged(30)
    registry.client.push(NAME, old, "old")
    registry.client.push(NAME, aged(1), "new")
    (registry.layout.service / "registry").unlink()
    output = registry.ctl(*BY_AGE, "--config", str(registry.config), code=1)
    assert "Name the command that starts it anew" in output
    assert registry.client.pulls(NAME, old, "old")
