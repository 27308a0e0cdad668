"""Commands that change a storage refuse one that a metadata database manages; nothing in it changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ctl.collector.layout import DATABASE_LOCK
from ctl.images.removal import Remover
from tests.harness import images, tree
from tests.harness.cli import Cli
from tests.harness.registry_store import Store

CONFIG = "var/opt/gitlab/registry/config.yml"
CHANGING = {
    "collect": ("registry-garbage-collect", "-m"),
    "dry run": ("registry-garbage-collect", "-d"),
    "now": ("registry-garbage-collect", "--now"),
    "own collector": ("registry-garbage-collect", "--stop"),
    "restore": ("registry-garbage-collect", "--restore", "RUN"),
    "delete": ("registry-delete", "a:v2", "--yes"),
    "clean up": ("registry-cleanup", "--keep-n", "0", "--older-than", "1s", "--yes"),
    "undo": ("registry-cleanup", "--undo", "RUN"),
    "fsck": ("registry-fsck",),
    "repair": ("registry-fsck", "--repair"),
    "undo a repair": ("registry-fsck", "--restore", "RUN"),
    "migrate": ("registry-migrate-storage", "--to", "TO"),
    "forecast": ("registry-migrate-storage", "--to", "TO", "--dry-run"),
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A storage with something in quarantine, and with damage."""
    found = Store(tmp_path / "images")
    found.push("a", images.image("one"), "v1", "v2")
    found.revision("a", found.push("a", images.image("damaged"))).write_bytes(b"")
    return found


def configure(root: Path, store: Store, **more: object) -> None:
    path = root / CONFIG
    path.parent.mkdir(parents=True, exist_ok=True)
    storage = {"filesystem": {"rootdirectory": str(store.root)}}
    path.write_text(json.dumps({"version": 0.1, "storage": storage, **more}))


def deleted(store: Store) -> str:
    """The run of a deletion."""
    with Remover(str(store.root), lambda _: None, note="delete") as remover:
        scan = remover.storage.repository("a")
        assert scan is not None
        remover.tags(scan, {"v1": store.link("a", "v1").read_text()})
    return remover.removed.run


@pytest.mark.parametrize("what", CHANGING)
def test_each_refuses_it(ctl: Cli, store: Store, tmp_path: Path, what: str) -> None:
    run, to = deleted(store), tmp_path / "to.py"
    to.write_text(f'gitlab_rails["registry_path"] = {str(tmp_path / "elsewhere")!r}\n')
    ctl.settings(f'gitlab_rails["registry_path"] = {str(store.root)!r}\n')
    arguments = [{"RUN": run, "TO": str(to)}.get(one, one) for one in CHANGING[what]]
    configure(tmp_path, store)
    lock = store.write(DATABASE_LOCK, b"")
    before = tree.snapshot(store.root)
    result = ctl(*arguments).exits(1)
    assert f"{lock} exists: the images of this storage are recorded in a metadata database" in result.err
    assert "If the database was given up for good" in result.err
    lock.unlink()
    configure(tmp_path, store, database={"enabled": "prefer"})
    result = ctl(*arguments).exits(1)
    assert f"{tmp_path / CONFIG}: this registry keeps its metadata in a database" in result.err
    assert tree.changed(before, tree.snapshot(store.root)) <= {DATABASE_LOCK, str(Path(DATABASE_LOCK).parent)}
    assert not (tmp_path / "elsewhere").exists()


def test_a_migration_refuses_such_a_target(ctl: Cli, store: Store, tmp_path: Path) -> None:
    to, other = tmp_path / "to.py", Store(tmp_path / "elsewhere")
    to.write_text(f'gitlab_rails["registry_path"] = {str(other.root)!r}\n')
    ctl.settings(f'gitlab_rails["registry_path"] = {str(store.root)!r}\n')
    configure(tmp_path, store)
    lock = other.write(DATABASE_LOCK, b"")
    result = ctl("registry-migrate-storage", "--to", str(to)).exits(1)
    assert f"{lock} exists" in result.err
