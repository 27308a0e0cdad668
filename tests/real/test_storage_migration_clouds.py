"""The images of a running registry move to Google Cloud Storage, Azure and home again; each move is killed once."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.harness import images
from tests.harness.cloud import Kept, storage
from tests.harness.moving import KEPT, MIGRATE, Clients, migrate, migrate_killed
from tests.harness.root import SETTINGS, Root, RootMaker, kill
from tests.harness.waiting import wait_for

pytestmark = [
    pytest.mark.real,
    pytest.mark.one_registry("Debian's program has neither driver", major=3),
]
IMAGES = "var/opt/gitlab/gitlab-rails/shared/registry/docker"
OTHERS = 6
KILLS = int(os.environ.get("MIGRATION_KILLS", "0"))


@pytest.fixture(scope="module")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Kept]]:
    with ExitStack() as servers:
        yield {
            driver: servers.enter_context(storage(driver, tmp_path_factory.mktemp(driver)))
            for driver in ("s3", "gcs", "azure")
        }


def target(root: Root, kept: Kept) -> Path:
    named = {kept.driver: dict(kept.parameters), "redirect": {"disable": True}}
    text = f'registry["storage"] = {named!r}\n'
    return root.write(f"etc/gitlab/{kept.driver}.py", text, mode=0o600)


def kept_at_home(root: Root) -> dict[str, bytes]:
    """What a migration away must leave as it is."""
    found = (root.path / IMAGES).rglob("*")
    return {str(path): path.read_bytes() for path in found if path.is_file() and "_uploads" not in path.parts}


def killed(root: Root, file: Path, what: str, moment: Callable[[], bool]) -> None:
    """Begin a migration, and kill it at a moment; images can be pulled afterwards."""
    process = root.begin(MIGRATE, "--to", str(file))
    wait_for(moment, what=what, seconds=60)
    kill(process)
    assert root.client.pulls("grp/app", KEPT, "v1"), what


def test_to_google_to_azure_and_home_while_clients_work(
    make_root: RootMaker, clouds: dict[str, Kept]
) -> None:
    root = make_root()
    google, azure = clouds["gcs"], clouds["azure"]
    root.settings(f'registry["env"] = {dict(google.environment)!r}')
    root.reconfigure()
    root.client.push("grp/app", KEPT, "v1")
    for number in range(OTHERS):
        root.client.push(f"grp/n{number}", images.image(f"clouds {number}", size=2_000), "v1")
    clients, stores = Clients(root), [google.open(), azure.open()]
    to_google, to_azure = target(root, google), target(root, azure)
    with clients.at_work():
        wait_for(lambda: len(clients.pushed) > 1, what="pushes before")
        killed(root, to_google, "it copies", lambda: any(stores[0].list("docker/")))
        first = migrate(root, to_google)
        home = kept_at_home(root)
        assert first["copied"] < first["objects"], "what the killed one had copied is not copied again"
        killed(root, to_azure, "pushes are refused", lambda: "readonly" in root.read(SETTINGS))
        second = migrate(root, to_azure)
        before = len(clients.pushed)
        wait_for(lambda: len(clients.pushed) > before, what="pushes afterwards")
    assert (clients.failed, clients.refused > 0) == (0, True)
    assert clients.all_there()
    assert kept_at_home(root) == home, "a storage that was left is kept"
    root.client.push("grp/azure", KEPT, "only-there")
    with clients.at_work():
        killed(root, Path(second["back"]), "pushes are refused", lambda: "readonly" in root.read(SETTINGS))
        assert migrate(root, Path(second["back"]))["to"] == first["to"]
        killed(root, Path(first["back"]), "pushes are refused", lambda: "readonly" in root.read(SETTINGS))
        assert migrate(root, Path(first["back"]))["from"] == first["to"]
    assert clients.failed == 0
    assert root.client.pulls("grp/azure", KEPT, "only-there")
    assert clients.all_there()
    for store in stores:
        assert {one.key for one in store.list("docker/registry/v2/repositories/grp/app")}, "it is kept"
    assert "readonly" not in root.read(SETTINGS)
    assert root.ctl("reconfigure", "--json").ok().json()["changed"] == 0


ROUTE = os.environ.get("MIGRATION_ROUTE", "s3 gcs s3 azure s3 home gcs home azure gcs azure home").split()
"""Each storage into each, and back."""


@pytest.mark.skipif(not KILLS, reason="minutes: MIGRATION_KILLS=3 for so many in each of twelve moves")
def test_long_each_into_each_killed_at_random_while_clients_work(
    make_root: RootMaker, clouds: dict[str, Kept]
) -> None:
    root, chance = make_root(), random.Random(os.environ.get("MIGRATION_SEED"))  # noqa: S311
    root.settings(f'registry["env"] = {dict(clouds["gcs"].environment)!r}')
    root.reconfigure()
    root.client.push("grp/app", KEPT, "v1")
    for number in range(2 * OTHERS):
        root.client.push(f"grp/n{number}", images.image(f"long {number}", size=20_000), "v1")
    folder = str(root.path / IMAGES.removesuffix("/docker"))
    files = {name: target(root, kept) for name, kept in clouds.items()}
    files["home"] = root.write(
        "etc/gitlab/home.py", f'registry["storage"] = {{"filesystem": {{"rootdirectory": {folder!r}}}}}\n'
    )
    everybody = [Clients(root, f"grp/during{number}") for number in range(3)]
    with ExitStack() as stack:
        for clients in everybody:
            stack.enter_context(clients.at_work())
        for name in ROUTE:
            times = migrate_killed(root, files[name], KILLS, chance)
            root.client.push("grp/app", KEPT, f"in-{name}")
            print(f"to {name}: killed {times} times", flush=True)
    for clients in everybody:
        print(
            f"{clients.pulled} pulls, {clients.failed} failed; {len(clients.pushed)} pushes, {clients.refused} refused"
        )
        assert clients.failed == 0
        assert clients.all_there()
    assert all(
        root.client.pulls(f"grp/n{number}", images.image(f"long {number}", size=20_000), "v1")
        for number in range(2 * OTHERS)
    )
    assert root.ctl("registry-fsck", "--checksums", "--json").ok().json()["damages"] == []
