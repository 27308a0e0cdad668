"""Garbage collections with the real registry under real runit: what goes, what stays, what is reported."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from ctl.registry.programs import Distribution3, identify
from tests.harness import images, tree
from tests.harness.registry_stack import Stack, registry_uid
from tests.harness.skopeo import Skopeo
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.real

SIZE = 200_000


def populate(registry: Stack) -> tuple[list[images.Blob], list[images.Blob]]:
    """Push images of every kind. Returns those that must stay, by the tags t0, t1, …, and those that must go."""
    shared = images.image("shared by two indexes", size=1_000)
    stay = [
        images.image("tagged", size=1_000),
        images.two_platforms("two"),
        images.index(images.two_platforms("inner"), images.image("beside"), shared),
    ]
    go = [images.image("untagged", size=SIZE), images.index(shared, images.image("only there", size=SIZE))]
    for number, blob in enumerate(stay):
        registry.client.push("grp/app", blob, f"t{number}")
    for blob in go:
        registry.client.push("grp/app", blob)
    return stay, go


def stays(registry: Stack, stay: list[images.Blob]) -> bool:
    """Whether each can be pulled by its tag and by its digest, with everything that it needs."""
    pulls = registry.client.pulls
    return all(
        pulls("grp/app", one, f"t{at}") and pulls("grp/app", one) and all(pulls("grp/app", part) for part in one.needs
        if part.media_type in (images.MANIFEST, images.INDEX))
        for at, one in enumerate(stay)
    )  # fmt: skip


def test_untagged_manifests_go_and_children_of_tagged_indexes_stay(registry: Stack, tmp_path: Path) -> None:
    stay, go = populate(registry)
    before = registry.stored()
    report = registry.report("-m")
    assert stays(registry, stay)
    assert not any(registry.client.pulls("grp/app", one) for one in go)
    assert report["mode"] == "untagged"
    assert report["repositories"] == 1
    assert report["manifests_deleted"] == 3
    assert report["manifests_kept"] == 10
    assert report["bytes_freed"] == before - registry.stored() >= 2 * SIZE
    skopeo = Skopeo(f"localhost:{registry.port}", None, tmp_path)
    for architecture in ("amd64", "arm64"):
        command = [
            "--override-os",
            "linux",
            "--override-arch",
            architecture,
            "copy",
            "--src-tls-verify=false",
        ]
        target = tmp_path / architecture
        skopeo.run([*command, f"docker://localhost:{registry.port}/grp/app:t1", f"oci:{target}:x"])
        (wanted,) = (one for one in stay[1].needs if one.platform == ("linux", architecture))
        assert images.layout_digests(target) == set(wanted.family())


def test_the_programs_own_deletion_takes_too_much(registry: Stack) -> None:
    """Why ctl does not use it; and a proof that the tests here can fail.

    Distribution 2 breaks tagged indexes; 3.1 keeps what they need, but deletes the signatures of tagged images.
    """
    both, image = images.two_platforms("two"), images.image("signed")
    signed = images.referrer(image)
    registry.client.push("grp/app", both, "t1")
    registry.client.push("grp/app", image, "t2")
    registry.client.push("grp/app", signed)
    command: list[str | Path] = [registry.program, "garbage-collect", "-m", registry.config]
    subprocess.run(command, check=True, capture_output=True)
    registry.restart()
    assert registry.client.pulls("grp/app", both, "t1") is (identify(registry.program).version >= "3.1")
    assert not registry.client.pulls("grp/app", signed)


def test_manifests_of_schema_1(registry: Stack) -> None:
    """As an old registry has them: Distribution 3 cannot read them, but delete."""
    image = images.image("tagged")
    registry.client.push("grp/app", image, "v1")
    document = {"schemaVersion": 1, "name": "grp/app", "tag": "old", "architecture": "amd64", "fsLayers": []}
    content = json.dumps(document | {"history": []}).encode()
    old = images.Blob("application/vnd.docker.distribution.manifest.v1+json", content)
    for name, text in {
        f"blobs/sha256/{old.digest[7:9]}/{old.digest[7:]}/data": content,
        f"repositories/grp/app/_manifests/revisions/sha256/{old.digest[7:]}/link": old.digest.encode(),
    }.items():
        path = registry.images / "docker/registry/v2" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(text)
        registry.own(*registry.images.rglob("*"))
    if isinstance(identify(registry.program), Distribution3):
        output = registry.collect(code=1)
        assert "unrecognized manifest schema version 1" in output
        assert "Delete that manifest by its digest" in output
        assert registry.serves()
        deleted = registry.client.request("DELETE", f"/v2/grp/app/manifests/{old.digest}")
        assert deleted.status == 202
    registry.collect()
    assert registry.client.pulls("grp/app", image, "v1")


def test_without_m_untagged_manifests_stay(registry: Stack) -> None:
    stay, go = populate(registry)
    report = registry.report()
    assert stays(registry, stay)
    assert all(registry.client.pulls("grp/app", one) for one in go)
    assert (report["mode"], report["manifests_deleted"], report["bytes_freed"]) == ("unreferenced", 0, 0)


def test_deleted_image_is_freed_and_can_be_pushed_again(registry: Stack) -> None:
    image = images.image("back and forth", size=SIZE)
    registry.client.push("grp/app", image, "v1")
    assert registry.client.request("DELETE", f"/v2/grp/app/manifests/{image.digest}").status == 202
    before = registry.stored()
    output = registry.collect()
    assert registry.stored() == 0
    assert f"freed {before / 1000:.1f} kB ({before:,} bytes)" in output
    registry.client.push("grp/app", image, "v1")
    assert registry.client.pulls("grp/app", image, "v1")


def test_dry_run_shows_what_a_run_would_free_and_changes_nothing(registry: Stack) -> None:
    stay, go = populate(registry)
    registry.client.push("other", go[0], "tagged-there")  # what is needed elsewhere is not freed
    before, line = tree.snapshot(registry.images), registry.sv("status").split(")")[0]
    would = registry.report("-m", "-d")
    output = registry.collect("-m", "-d")
    assert tree.changed(before, tree.snapshot(registry.images)) == set()
    assert registry.sv("status").startswith(line)
    for one in go:
        assert f"would delete manifest grp/app@{one.digest}\n" in output
    assert "would free" in output
    done = registry.report("-m")
    unlike = {"seconds", "dry_run"}
    assert {name: would[name] for name in would.keys() - unlike} == {
        name: done[name] for name in done.keys() - unlike
    }
    assert SIZE < done["bytes_freed"] < 2 * SIZE
    assert stays(registry, stay)


def test_dry_run_without_m_shows_unreferenced_blobs_only(registry: Stack) -> None:
    _, go = populate(registry)
    assert registry.report("-d")["blobs_deleted"] == 0
    registry.client.request("DELETE", f"/v2/grp/app/manifests/{go[0].digest}")
    report = registry.report("-d")
    assert (report["blobs_deleted"], report["manifests_deleted"], report["dry_run"]) == (3, 0, True)
    assert report["bytes_freed"] == sum(len(one.content) for one in go[0].family().values())


def test_repositories_without_tags(registry: Stack) -> None:
    """With one, the program's own -m fails."""
    kept = images.image("kept")
    registry.client.push("no/tags", images.two_platforms("gone", size=SIZE))
    registry.client.push("grp/app", kept, "kept")
    registry.client.push("grp/app", images.image("untagged"))
    output = registry.collect("-m")
    assert "deleted 4 manifests and" in output
    assert registry.client.pulls("grp/app", kept, "kept")
    assert registry.stored() < SIZE


def test_repository_that_cannot_be_read_is_kept_whole(registry: Stack) -> None:
    untagged = images.image("untagged")
    registry.client.push("damaged/tag", untagged)
    registry.client.push("damaged/tag", images.image("tagged"), "v1")
    registry.client.push("grp/app", images.image("other untagged"))
    link = registry.images / "docker/registry/v2/repositories/damaged/tag/_manifests/tags/v1/current/link"
    link.write_text("", encoding="ascii")  # as after a loss of power
    output = registry.collect("-m")
    assert "damaged/tag: everything there is kept" in output
    assert "deleted 1 manifest and" in output
    assert registry.client.pulls("damaged/tag", untagged)


def test_referrers_of_what_stays_stay(registry: Stack) -> None:
    image, old = images.image("signed"), images.image("old")
    registry.client.push("grp/app", image, "v1")
    registry.client.push("grp/app", old)
    signatures = [images.referrer(of) for of in (image, old)]
    for one in signatures:
        registry.client.push("grp/app", one)
    registry.collect("-m")
    assert registry.client.pulls("grp/app", signatures[0])
    assert not registry.client.pulls("grp/app", signatures[1])


def test_empty_registry_is_not_even_stopped(registry: Stack) -> None:
    line = registry.sv("status").split(")")[0]
    for options in (("-m",), ("-d",)):
        assert registry.collect(*options).strip() == "nothing to collect"
    assert registry.sv("status").startswith(line)


def test_registry_with_nothing_but_leftovers_is_success(registry: Stack) -> None:
    image = images.image("all")
    registry.client.push("grp/app", image, "v1")
    registry.client.request("DELETE", f"/v2/grp/app/manifests/{image.digest}")
    registry.collect("-m")
    assert registry.collect("-m").startswith("nothing to collect")
    assert registry.collect("-d").startswith("nothing to collect")


def test_what_is_made_for_a_collection_is_private_and_gone_afterwards(registry: Stack) -> None:
    populate(registry)
    with registry.held("-m", "-d"):
        names = {path.name for path in registry.layout.data.iterdir()}
        assert stat.S_IMODE((registry.layout.state / "collect.lock").stat().st_mode) == 0o600
    registry.report("-m")
    assert {path.name for path in registry.layout.state.iterdir()} == {"collect.lock"}
    assert names == {"ctl", "registry"}
    assert {path.name for path in registry.layout.data.iterdir()} == names | {"timer"}  # knows how it ended
    owners = {path.stat().st_uid for path in registry.images.rglob("*")}
    assert owners == {registry_uid()}


def test_a_cache_in_redis_that_nothing_names_is_reported(registry: Stack) -> None:
    storage = registry.document()["storage"] | {"cache": {"blobdescriptor": "redis"}}
    registry.config.write_text(json.dumps(registry.document(storage=storage)), encoding="utf-8")
    populate(registry)
    assert "has its cache in Redis, but names no server" in registry.collect("-m", code=1)
    assert registry.serves()


def test_secrets_are_not_reported_when_the_program_fails(registry: Stack) -> None:
    populate(registry)
    (registry.signs / "fail").touch()
    output = registry.collect(code=1)
    assert "garbage-collect failed (exit 1): failed to garbage collect: the disk is on fire" in output
    assert "not-to-be-shown" not in output
    assert registry.serves()


def test_collection_of_another_configuration(registry: Stack) -> None:
    _, go = populate(registry)
    other = registry.folder / "other.yml"
    shutil.copy(registry.config, other)
    other.chmod(0o644)
    registry.collect("-m", str(other))
    assert not registry.client.pulls("grp/app", go[0])
    output = registry.collect(str(registry.folder / "missing.yml"), code=1)
    assert "missing.yml does not exist" in output


def test_registry_that_ctl_does_not_run_is_not_cheated(registry: Stack) -> None:
    """It would go on writing while the collector deletes."""
    populate(registry)
    registry.sv("down")
    foreign = subprocess.Popen(
        [registry.program, "serve", registry.config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(registry.serves, what="the other registry serves")
        assert "still answers: a registry that ctl does not run" in registry.collect("-m", code=1)
    finally:
        foreign.kill()
        foreign.wait()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_configuration_only_root_can_read_is_reported(registry: Stack) -> None:
    populate(registry)
    other = registry.folder / "other.yml"
    shutil.copy(registry.config, other)
    other.chmod(0o600)
    assert "permission denied" in registry.collect("-m", str(other), code=1)
    assert registry.serves()
