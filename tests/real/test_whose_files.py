"""A run replaces only what ctl wrote: by its record, and on a node of a version that kept none."""

from __future__ import annotations

import pytest

from tests.harness.root import Root, RootMaker

pytestmark = [
    pytest.mark.real,
    pytest.mark.one_registry("whose a file is does not depend on the registry program"),
]
RECORD = "var/opt/gitlab/ctl/written.json"
HERE, THERE = "srv/here/registry.crt", "srv/there/registry.crt"


def _bundle(name: str) -> str:
    return f'registry["rootcertbundle"] = "/{name}"'


@pytest.fixture
def root(make_root: RootMaker) -> Root:
    root = make_root()
    root.settings(_bundle(HERE))
    root.reconfigure()
    return root


@pytest.mark.parametrize("arguments", [(), ("--dry-run",)], ids=["run", "dry run"])
def test_a_file_of_the_users_stays(root: Root, arguments: tuple[str, ...]) -> None:
    path = root.write("etc/ssl/certs/ca-certificates.crt", "143 certificates\n")
    root.settings(_bundle("etc/ssl/certs/ca-certificates.crt"))
    before = root.snapshot()
    result = root.ctl("reconfigure", *arguments).exits(2)
    assert f"{path} is there" in result.err
    assert "rootcertbundle" in result.err
    assert root.snapshot() == before
    assert root.serves()


def test_a_node_without_a_record_goes_on(root: Root) -> None:
    """As one that an earlier version of ctl set up."""
    (root.path / RECORD).unlink()
    assert root.reconfigure().nothing
    assert (root.path / RECORD).exists()


def test_a_node_without_a_record_may_change_its_pair(root: Root) -> None:
    """Then the file has neither the wanted content nor a header: config.yml, which is ctl's, names it."""
    (root.path / RECORD).unlink()
    secrets = root.path / "etc/gitlab/gitlab-secrets.json"
    secrets.unlink()
    root.reconfigure()
    assert root.serves()
    assert root.read(HERE).startswith("-----BEGIN CERTIFICATE")


def test_one_goes_away_and_comes_back(root: Root) -> None:
    root.settings(_bundle(THERE))
    root.reconfigure()
    assert (root.path / HERE).exists()
    root.settings(_bundle(HERE))
    root.reconfigure()
    assert root.serves()


def test_what_was_put_in_its_place_meanwhile_stays(root: Root) -> None:
    root.settings(_bundle(THERE))
    root.reconfigure()
    (root.path / HERE).write_text("somebody's\n")
    root.settings(_bundle(HERE))
    root.ctl("reconfigure").exits(2)
    assert root.read(HERE) == "somebody's\n"


def test_a_second_run_does_not_touch_the_record(root: Root) -> None:
    before = (root.path / RECORD).stat().st_mtime_ns
    assert root.reconfigure().nothing
    assert root.reconfigure().nothing
    assert (root.path / RECORD).stat().st_mtime_ns == before


def test_a_file_of_its_own_that_was_changed_by_hand_is_put_right(root: Root) -> None:
    """The record decides, not the content."""
    (root.path / HERE).write_text("broken by hand\n")
    root.reconfigure()
    assert root.read(HERE).startswith("-----BEGIN CERTIFICATE")
