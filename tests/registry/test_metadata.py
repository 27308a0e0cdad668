"""Storage that a metadata database manages is not served without it, nor storage with images by an empty one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.cli.framework import Context
from ctl.cli.loading import node
from ctl.collector.layout import DATABASE_LOCK
from ctl.errors import PreflightError
from ctl.output import Console
from ctl.paths import Layout
from ctl.registry.reachable import refuse_other_metadata
from ctl.settings.load import load
from tests.harness import images
from tests.harness.registry_store import Store

ENABLED = 'registry["database"] = {"enabled": True, "host": "db.example"}'
PREFERRED = 'postgresql["enable"] = True\nregistry["database"] = {"enabled": "prefer", "host": "db.example"}'


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Storage with an image."""
    store = Store(tmp_path / "images")
    store.push("grp/app", images.image("old"), "v1")
    return store


def refusal(store: Store, *lines: str) -> PreflightError | None:
    """How a node with this storage and these settings is refused."""
    root = store.root.parent
    settings = root / "gitlab.py"
    storage = f'registry["storage"] = {{"filesystem": {{"rootdirectory": "{store.root}"}}}}'
    text = "\n".join(['registry_external_url = "http://a.example"', storage, *lines])
    settings.write_text(text, encoding="utf-8")
    ctx = Context(Layout(root), settings, Console())
    loaded = load(settings, ctx.layout, use_secrets=False)
    try:
        refuse_other_metadata(node(ctx, loaded, required=False))
    except PreflightError as error:
        return error
    return None


def test_storage_with_files_alone_is_served(store: Store) -> None:
    assert refusal(store) is None


def test_storage_of_a_database_is_not_served_without_it(store: Store) -> None:
    lock = store.write(DATABASE_LOCK, b"")
    error = refusal(store)
    assert error is not None
    assert "recorded in a metadata database" in error.message
    assert str(lock) in error.message
    assert refusal(store, ENABLED) is None
    assert refusal(store, PREFERRED) is None


def test_a_database_that_nothing_was_imported_into_does_not_serve_images(store: Store) -> None:
    error = refusal(store, ENABLED)
    assert error is not None
    assert "were not imported into it" in error.message
    assert "registry database import" in str(error.hint)
    assert refusal(store, PREFERRED) is None


def test_a_database_over_empty_storage_is_served(tmp_path: Path) -> None:
    assert refusal(Store(tmp_path / "images"), ENABLED) is None
