"""A registry whose cache is in Redis, from its settings on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import images, tree
from tests.harness.processes import command_lines
from tests.harness.redis_server import PASSWORD, RedisServer
from tests.harness.root import Root, RootMaker

pytestmark = pytest.mark.real

COLLECT = "registry-garbage-collect"


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def root(module_root_maker: RootMaker, redis: RedisServer) -> Root:
    """A running registry; each program gets a database of its own. The settings are the same for both."""
    root = module_root_maker()
    root.settings(
        'registry["storage"] = {"filesystem": {"rootdirectory": "/var/opt/gitlab/images"}}',
        'registry["storage"]["cache"] = {"blobdescriptor": "redis"}',
        f'registry["redis"] = {{"addr": "{redis.address}", "db": {root.registry.major}}}',
        f'registry["redis"]["password"] = "{PASSWORD}"',
        'registry["redis"]["dialtimeout"] = registry["redis"]["readtimeout"] = "2s"',
        'registry["redis"]["pool"] = {"maxidle": 4, "maxactive": 8, "idletimeout": "300s"}',
    )
    root.reconfigure()
    return root


def _keys(root: Root, redis: RedisServer) -> set[str]:
    return redis.keys(db=root.registry.major)


def test_pushes_fill_the_cache_and_a_collection_empties_it(root: Root, redis: RedisServer) -> None:
    image = images.image("redis")
    root.client.push("grp/cached", image)
    assert root.client.pulls("grp/cached", image)
    assert f"blobs::{image.needs[-1].digest}" in _keys(root, redis)
    report = root.ctl(COLLECT, "--stop", "-m", "--json").ok().json()
    assert report["manifests_deleted"] == 1
    assert _keys(root, redis) == set()
    root.client.push("grp/cached", image, "again")
    assert root.client.pulls("grp/cached", image, "again")


def test_the_password_stays_in_the_registrys_own_file(root: Root) -> None:
    for command in (["show-config"], ["settings", "get", "registry.redis"], ["reconfigure", "--diff"]):
        assert PASSWORD not in root.ctl(*command).text, command
    assert not [line for line in command_lines() if PASSWORD in line]
    holders = {name for name, content in tree.texts(root.path) if PASSWORD.encode() in content}
    kept = {
        name for name in holders if name.startswith("var/opt/gitlab/ctl/history/")
    }  # for a rollback, 0700
    assert holders - kept == {"etc/gitlab/gitlab.py", "var/opt/gitlab/registry/config.yml"}


def test_a_cache_of_other_storage_is_reported_and_can_be_emptied(root: Root, redis: RedisServer) -> None:
    image = images.image("redis moves")
    root.client.push("grp/moved", image, "v1")
    assert root.client.pulls("grp/moved", image, "v1")
    settings = root.read("etc/gitlab/gitlab.py")
    root.write("etc/gitlab/gitlab.py", settings.replace("gitlab/images", "gitlab/elsewhere"))
    output = " ".join(root.ctl("reconfigure").ok().err.split())
    assert "this cache still knows the images of the storage that was in use until now" in output
    layer = f"/v2/grp/moved/blobs/{image.needs[-1].digest}"
    assert root.client.authorised("HEAD", layer, repository="grp/moved").status == 200, "the trap is gone"
    root.ctl(COLLECT, "--stop").ok()
    assert root.client.authorised("HEAD", layer, repository="grp/moved").status == 404
    root.client.push("grp/moved", image, "v1")
    assert root.client.pulls("grp/moved", image, "v1")


def test_a_redis_that_cannot_be_used_is_reported_where_it_is_new(
    make_root: RootMaker, root: Root, redis: RedisServer
) -> None:
    assert "registry.redis" not in root.ctl("reconfigure").ok().err
    other = make_root()
    other.settings(
        'registry["storage"] = {"inmemory": {}, "cache": {"blobdescriptor": "redis"}}',
        f'registry["redis"] = {{"addr": "{redis.address}", "password": "not-the-password"}}',
    )
    output = " ".join(other.ctl("reconfigure").ok().err.split())
    assert "warning: registry.redis: Redis at 127.0.0.1:" in output
    assert "invalid username-password pair" in output
    assert "not-the-password" not in output
    assert "registry.redis" not in other.ctl("reconfigure").ok().err, "it is reported once"
