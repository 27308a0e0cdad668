"""Images in Azure Blob Storage and in Google Cloud Storage, by emulators, with Distribution 3."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.harness import azure, images, tree
from tests.harness.cloud import BUCKET, azure_container, kept_by_google
from tests.harness.gcs import GoogleServer
from tests.harness.root import Root, RootMaker

pytestmark = [
    pytest.mark.real,
    pytest.mark.one_registry("Debian's program has neither driver", major=3),
]

SIZE = 300_000
LARGE = 900_000
"""More than the smallest chunk of Google's driver, which sends such uploads in another way."""
COLLECT = "registry-garbage-collect"


@dataclass(frozen=True)
class Store:
    """A store of images with one bucket.

    Args:
        driver: its name.
        parameters: of the driver.
        stored: the size in bytes of each object in the bucket, by its key.
        environment: what the registry's own must say.
        missing: how the store says that there is no such bucket.
    """

    driver: str
    parameters: Mapping[str, Any]
    stored: Callable[[], dict[str, int]]
    missing: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def settings(self, **parameters: object) -> list[str]:
        """The settings of a registry whose downloads go through it."""
        driver = {self.driver: {**self.parameters, **parameters}}
        storage = {**driver, "redirect": {"disable": True}}
        return [f'registry["storage"] = {storage!r}', f'registry["env"] = {dict(self.environment)!r}']

    def digests(self) -> set[str]:
        """Of all blobs in the bucket."""
        keys = [key.split("/") for key in self.stored()]
        return {f"sha256:{parts[-2]}" for parts in keys if parts[-1] == "data" and "blobs" in parts}


@pytest.fixture(scope="module")
def azure_store() -> Iterator[Store]:
    """As the guide's example has it, but for the address."""
    with azure_container("/azure/virtual/container") as (server, kept):
        missing = "The specified container does not exist"
        yield Store(kept.driver, kept.parameters, lambda: server.blobs(BUCKET), missing)


@pytest.fixture(scope="module")
def google() -> Iterator[GoogleServer]:
    with GoogleServer(BUCKET) as server:
        yield server


@pytest.fixture(scope="module")
def google_store(google: GoogleServer) -> Store:
    kept, missing = kept_by_google(google, chunksize="256KiB"), "bucket doesn't exist"
    return Store(kept.driver, kept.parameters, lambda: google.objects(BUCKET), missing, kept.environment)


@pytest.fixture(scope="module", params=["azure", "google"])
def store(request: pytest.FixtureRequest) -> Store:
    found = request.getfixturevalue(f"{request.param}_store")
    assert isinstance(found, Store)
    return found


@pytest.fixture(scope="module")
def root(module_root_maker: RootMaker, store: Store) -> Root:
    """A running registry whose images are in the store."""
    root = module_root_maker()
    root.settings(*store.settings())
    root.reconfigure()
    return root


def test_images_are_pushed_and_pulled(root: Root, store: Store) -> None:
    both = images.two_platforms(f"{store.driver} both", size=SIZE)
    root.client.push("grp/both", both, "v1")
    assert root.client.pulls("grp/both", both, "v1")
    assert set(both.family()) <= store.digests()
    prefix = str(store.parameters["rootdirectory"]).lstrip("/")
    assert all(key.startswith(f"{prefix}/docker/registry/v2/") for key in store.stored())
    assert not [key for key in store.stored() if "/ctl/probe/" in key], "the probe has left something behind"
    large = images.image(f"{store.driver} large", size=LARGE)
    root.client.push("grp/large", large, "v1")
    assert root.client.pulls("grp/large", large, "v1")


def test_a_collection_frees_objects_and_keeps_tagged_platforms(root: Root, store: Store) -> None:
    both, old = (
        images.two_platforms(f"{store.driver} kept", size=SIZE),
        images.image(f"{store.driver} old", size=SIZE),
    )
    root.client.push("grp/collected", both, "v1")
    root.client.push("grp/collected", old)
    before = sum(store.stored().values())
    report = root.ctl(COLLECT, "-m", "--stop", "--json").ok().json()
    assert not set(old.family()) & store.digests()
    assert report["bytes_freed"] == sum(len(one.content) for one in old.family().values())
    assert before - sum(store.stored().values()) >= report["bytes_freed"]
    assert root.client.pulls("grp/collected", both, "v1")
    root.client.push("grp/collected", old, "again")
    assert root.client.pulls("grp/collected", old, "again")


def test_keys_stay_out_of_sight(root: Root, store: Store) -> None:
    assert azure.KEY not in root.ctl("show-config").ok().text
    holders = {name for name, content in tree.texts(root.path) if azure.KEY.encode() in content}
    kept = {
        name for name in holders if name.startswith("var/opt/gitlab/ctl/history/")
    }  # for a rollback, 0700
    assert holders - kept <= {"etc/gitlab/gitlab.py", "var/opt/gitlab/registry/config.yml"}


def test_a_wrong_bucket_is_reported_before_the_registry_is_switched_over(root: Root, store: Store) -> None:
    before, settings = root.snapshot(), root.read("etc/gitlab/gitlab.py")
    name = "container" if store.driver == "azure" else "bucket"
    root.settings(*store.settings(**{name: "of-others"}))
    output = root.ctl("reconfigure").exits(1).text
    assert f'registry["storage"]["{store.driver}"]: {name} "of-others"' in output
    assert store.missing in output
    assert azure.KEY not in output
    root.write("etc/gitlab/gitlab.py", settings)
    assert tree.changed(before, root.snapshot()) <= {"etc/gitlab", "etc/gitlab/gitlab.py"}
    assert root.serves()


def test_a_wrong_key_of_the_account(make_root: RootMaker, azure_store: Store) -> None:
    root = make_root()
    root.settings(*azure_store.settings(accountkey="d3Jvbmc="))
    output = root.ctl("reconfigure").exits(1).text
    assert "Server failed to authenticate the request" in output
    assert "d3Jvbmc=" not in output
    assert root.processes() == []


def test_uploads_went_where_the_driver_wants_them(root: Root, google: GoogleServer, store: Store) -> None:
    """Or the tests would show nothing of it: chunks go to Google's own address whatever the emulator's is."""
    if store.driver == "gcs":
        root.client.push("grp/chunks", images.image("gcs chunks", size=LARGE), "v1")
        assert google.uploads_by_google


def test_a_key_file_that_the_registry_may_not_read(
    make_root: RootMaker, google_store: Store, google: GoogleServer, need_root: None
) -> None:
    hidden = google.folder / "hidden.json"
    shutil.copy(google.key_file, hidden)
    hidden.chmod(0o600)
    root = make_root()
    root.settings(*google_store.settings(keyfile=str(hidden)))
    output = root.ctl("reconfigure").exits(1).text
    assert f"open {hidden}: permission denied" in output
    assert root.processes() == []
