"""`ctl registry-cleanup`: policies from settings and options, explanations, questions, undo."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ctl.collector.filesystem import Filesystem, RepositoryScan
from ctl.images.removal import Remover
from tests.harness import images
from tests.harness.cli import Cli
from tests.harness.registry_store import Store
from tests.harness.result import Result

POLICIES = """
external_url = "https://gitlab.example.test"
registry_external_url = "https://registry.example.test"
registry_cleanup["policies"] = [
    {"repositories": "team/*", "name_regex": ".*", "name_regex_keep": "v.+", "keep_n": 1, "older_than": "7d"},
]
"""
BY_OPTIONS = ("registry-cleanup", "--name-regex", ".*", "--older-than", "7d")


def aged(name: str, days: int) -> images.Blob:
    created = datetime.now(UTC) - timedelta(days=days)
    return images.dated(f"{name} {days}", created.isoformat())


class WithConfig:
    """`ctl` with a configuration of its own: its account is that of the images, also beside settings.

    Args:
        ctl: the command line.
    """

    def __init__(self, ctl: Cli) -> None:
        self._ctl = ctl
        self.settings = ctl.settings

    def __call__(self, *arguments: str) -> Result:
        more = (
            ("--config", str(self._ctl.root / "registry.yml")) if arguments[0].startswith("registry-") else ()
        )
        return self._ctl(*arguments, *more)


@pytest.fixture(autouse=True)
def _nobody_pushes(monkeypatch: pytest.MonkeyPatch) -> None:
    """No push is under way, for which a collection waits two seconds and looks again."""
    monkeypatch.setattr(time, "sleep", lambda _: None)


@pytest.fixture
def run(ctl: Cli) -> WithConfig:
    """The command line."""
    return WithConfig(ctl)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two repositories behind the service's own configuration; all blobs are old."""
    found = Store(tmp_path / "images")
    for name in ("team/app", "other/app"):
        for days in (1, 2, 3, 4, 10, 20):
            found.push(name, aged(name, days), f"build-{days}")
        found.push(name, aged(name, 100), "v1", "latest")
    path = tmp_path / "registry.yml"
    path.write_text(
        json.dumps({"version": 0.1, "storage": {"filesystem": {"rootdirectory": str(found.root)}}})
    )
    found.age()
    return found


def tags(store: Store, name: str = "team/app") -> set[str]:
    return {
        path.name for path in store.path(f"docker/registry/v2/repositories/{name}/_manifests/tags").iterdir()
    }


def test_policies_of_the_settings(run: WithConfig, store: Store) -> None:
    run.settings(POLICIES)
    before = tags(store)
    lines = run("registry-cleanup", "--explain").out.splitlines()
    why = {line.split()[0]: line.split(None, 2)[1:] for line in lines[1:9]}
    assert lines[0] == "team/app (policy of team/*)"
    assert why["build-20"] == ["removed", "expired: is number 6, 20 days old"]
    assert why["build-1"] == ["kept", "keep_n: is number 1 of the 1 newest"]
    assert why["v1"] == ["kept", "name_regex_keep: matches v.+"]
    assert lines[-1] == "would remove 2 tags; there are 8 tags of 1 repository"
    assert tags(store) == before
    assert "would remove team/app:build-10" in run("registry-cleanup", "-d").out
    result = run("registry-cleanup")
    assert "removed 2 tags and 2 manifests; looked at 8 tags of 1 repository" in result.out
    assert "moved 6 blobs to quarantine" in result.out
    assert "space is freed by the first collection after" in result.out
    assert before - tags(store) == {"build-10", "build-20"}
    assert len(tags(store, "other/app")) == 8
    assert "nothing to remove" in run("registry-cleanup").out


def test_the_collection_follows_its_settings(run: WithConfig, store: Store) -> None:
    """It leaves alone what is new, and keeps what goes, for as long as a collection by time."""
    run.settings(
        POLICIES
        + 'registry_garbage_collect["older_than"] = "2h"\n'
        + 'registry_garbage_collect["keep_for"] = "3d"\n'
    )
    store.age(int(time.time()) - 3 * 3_600)
    soon = time.time() + 3 * 86_400
    found = json.loads(run("registry-cleanup", "--json").out)
    assert found["collection"]["blobs_deleted"] == 6, "older than two hours"
    freed = datetime.fromisoformat(found["freed_after"]).timestamp()
    assert soon - 1 <= freed <= time.time() + 3 * 86_400
    moved = store.root / "ctl-quarantine" / found["collection"]["run"]
    for days, kept in ((2, True), (4, False)):
        noted = json.loads((moved / "run.json").read_text())
        (moved / "run.json").write_text(
            json.dumps({**noted, "closed": time.time_ns() - days * 86_400 * 10**9})
        )
        store.push("team/app", aged("another", 10 + days), "another")
        assert json.loads(run("registry-cleanup", "--json").out)["tags_deleted"] == 1
        assert moved.exists() == kept, days


def test_what_is_remembered_is_written_by_runs_only(run: WithConfig, store: Store) -> None:
    run.settings(POLICIES.replace('"older_than": "7d"', '"older_than": "999d"'))
    memory = store.root / "ctl-quarantine/images.sqlite"
    for option in ("--dry-run", "--explain"):
        assert "would remove 0 tags" in run("registry-cleanup", option).out
        assert not memory.exists()
    assert "nothing to remove" in run("registry-cleanup").out
    assert memory.exists(), "the next one need not read all images again"


def test_undo_brings_everything_back(run: WithConfig, store: Store) -> None:
    before, blobs = tags(store), store.blobs()
    found = json.loads(run(*BY_OPTIONS, "team/*", "--json").out)
    assert (found["tags_deleted"], found["manifests_deleted"]) == (3, 2)
    assert found["collection"]["blobs_deleted"] == 6
    assert store.blobs() < blobs
    result = run("registry-cleanup", "--undo", found["run"])
    assert "brought back 3 tags, 2 manifests, 6 blobs" in result.out
    assert (tags(store), store.blobs()) == (before, blobs)
    assert "there is no run" in run("registry-cleanup", "--undo", found["run"]).err


def killed_after(store: Store, work: Callable[[Remover, RepositoryScan], object], note: str) -> None:
    """A removal whose process ends after that."""
    child = os.fork()
    if not child:
        scan = Filesystem(str(store.root)).repository("team/app")
        with Remover(str(store.root), lambda _: None, note=note) as remover:
            assert scan is not None
            work(remover, scan)
            os._exit(0)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def named(store: Store, *names: str) -> dict[str, str]:
    return {name: store.link("team/app", name).read_text() for name in names}


@pytest.mark.parametrize("collected", [False, True])
def test_a_run_that_was_killed_is_undone_and_done_again(
    run: WithConfig, store: Store, collected: bool
) -> None:
    """Else the manifests of its tags, which no tag leads to any more, would stay for ever."""
    gone = named(store, "build-10", "build-20")
    before = tags(store)
    killed_after(store, lambda remover, scan: remover.tags(scan, gone), "cleanup")
    assert before - tags(store) == set(gone)
    assert "would remove 1 tag; " in run(*BY_OPTIONS, "team/*", "-d").out, "a dry run changes nothing"
    first = run("registry-garbage-collect") if collected else None
    result = run(*BY_OPTIONS, "team/*")
    assert "a clean-up was cut off: what it removed is back" in (first or result).err
    assert "removed 3 tags and 2 manifests" in result.out
    assert not any(store.revision("team/app", digest).exists() for digest in gone.values())
    assert "cut off" not in run(*BY_OPTIONS, "team/*").err


def test_a_deletion_that_was_killed_is_undone(run: WithConfig, store: Store) -> None:
    gone = named(store, "build-1")
    killed_after(store, lambda remover, scan: remover.tags(scan, gone), "delete")
    assert "a deletion was cut off" in run(*BY_OPTIONS, "team/*").err
    assert "build-1" in tags(store)
    assert store.revision("team/app", gone["build-1"]).exists(), "of a tag nothing else goes"


def test_more_than_half_of_a_repository_needs_a_yes(run: WithConfig, store: Store) -> None:
    before = tags(store)
    many = ("registry-cleanup", "team/app", "--name-regex", "build-.*", "--older-than", "1m")
    result = run(*many)
    assert result.code == 1
    assert "warning: team/app would lose 6 of 8 tags (75%), more than 50 %: it needs --yes" in result.err
    assert tags(store) == before
    assert json.loads(run(*many, "-d", "--json").out)["repositories"][0]["confirmed"] is False
    assert "would remove 0 tags, 6 tags more with --yes; there are" in run(*many, "-d").out
    assert "would remove 6 tags; there are" in run(*many, "-d", "--max-share", "80").out
    assert run(*many, "--yes").code == 0
    assert tags(store) == {"v1", "latest"}


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("arguments", "words", "hint"),
    [
        (("registry-cleanup",), "there is no policy", "registry_cleanup"),
        (("registry-cleanup", "--name-regex", "("), "name_regex is no regular expression: missing )", "RE2"),
        ((*BY_OPTIONS, "team/ap"), 'there is no repository "team/ap"', 'Did you mean "team/app"?'),
        (("registry-cleanup", "--older-than", "soon"), "is no duration", ""),
        (("registry-cleanup", "--name-regex", "*"), "no argument for repetition operator: *", "RE2"),
        (("registry-cleanup", "--name-regex", "["), "name_regex is no regular expression: missing ]", "RE2"),
        (("registry-cleanup", "--name-regex-keep", r"\Qv1"), "name_regex_keep is no regular expression", "RE2"),
    ],
)  # fmt: skip
def test_mistakes(run: WithConfig, arguments: tuple[str, ...], words: str, hint: str) -> None:
    run.settings('external_url = "https://gitlab.example.test"\n')
    result = run(*arguments)
    assert result.code == 2, result.out
    assert words in result.err
    assert hint in result.err


@pytest.mark.usefixtures("store")
def test_a_pattern_without_a_repository_is_a_warning(run: WithConfig) -> None:
    result = run(*BY_OPTIONS, "nothing/*", "team/*", "-d")
    assert "warning: no repository with a policy is called nothing/*" in result.err
    assert "team/*" not in result.err


def test_alternatives_without_a_group_are_a_warning(run: WithConfig, store: Store) -> None:
    result = run("registry-cleanup", "--name-regex", "a|b", "-d")
    assert "name_regex a|b is anchored at its ends only" in result.err
    run.settings(POLICIES.replace('".*"', '"a|b"'))
    assert "has alternatives without a group" in run("check-config").err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('registry_cleanup["policies"] = [{"repositories": "a"}]', "needs name_regex"),
        ('registry_cleanup["policies"] = [{"repositories": "a", "name_regex": "("}]', "missing )"),
        ('registry_cleanup["policies"] = [{"repositories": "a", "name_regexp": ".*"}]', 'Did you mean "name_regex"?'),
        ('registry_cleanup["policies"] = [{"repositories": "A B", "name_regex": ".*"}]', "a pattern of repositories"),
        ('registry_cleanup["enable"] = True', "there is no policy"),
        ('registry_cleanup["max_share"] = 101', "from 0 to 100"),
    ],
)  # fmt: skip
def test_wrong_settings(run: WithConfig, line: str, words: str) -> None:
    file = run.settings(f'registry_external_url = "https://registry.example.test"\n{line}\n')
    result = run("check-config")
    assert result.code == 2
    assert f"{file}:2:" in result.err
    assert words in result.err


def test_what_a_damaged_repository_may_need_stays_and_is_reported(run: WithConfig, store: Store) -> None:
    store.link("team/app", "build-3").unlink()
    result = run(*BY_OPTIONS, "team/*")
    assert "removed 3 tags and 0 manifests" in result.out
    assert "left alone: team/app: its manifests" in result.err
    assert len(tags(store)) == 5


def test_a_storage_that_cannot_be_read_is_a_failure(run: WithConfig, store: Store) -> None:
    """As a disk of which only some is there; never "nothing to do"."""
    top = store.path("docker/registry/v2/repositories")
    top.rename(store.root / "elsewhere")
    top.symlink_to("/nonexistent/disk")
    for command in (
        BY_OPTIONS,
        ("registry-repositories",),
        ("registry-disk-usage",),
        ("registry-tags", "team/app"),
    ):
        result = run(*command)
        assert result.code == 1, command
        assert str(top) in result.err
