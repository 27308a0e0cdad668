"""`ctl registry-repositories`, `registry-tags`, `registry-inspect`, `registry-delete`: names, output, questions."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.harness import images
from tests.harness.cli import Cli
from tests.harness.registry_store import Store

IMAGE = images.image("one")
CONFIG = "var/opt/gitlab/registry/config.yml"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two repositories behind the service's own configuration."""
    found = Store(tmp_path / "images")
    found.push("team/app", IMAGE, "v1", "latest")
    found.push("team/app", images.two_platforms("two"), "multi")
    found.push("team/web", images.image("other"), "v1")
    path = tmp_path / CONFIG
    path.parent.mkdir(parents=True)
    path.write_text(
        json.dumps({"version": 0.1, "storage": {"filesystem": {"rootdirectory": str(found.root)}}})
    )
    return found


@pytest.mark.usefixtures("store")
def test_repositories(ctl: Cli) -> None:
    lines = ctl("registry-repositories").out.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [["team/app", "3", "4"], ["team/web", "1", "1"]]
    found = json.loads(ctl("registry-repositories", "--json").out)
    assert [one["name"] for one in found["repositories"]] == ["team/app", "team/web"]


def test_tags(ctl: Cli, store: Store) -> None:
    found = {one["name"]: one for one in json.loads(ctl("registry-tags", "team/app", "--json").out)["tags"]}
    assert found["v1"]["digest"] == found["latest"]["digest"] == IMAGE.digest
    assert found["multi"]["platforms"] == ["linux/amd64", "linux/arm64"]
    assert found["v1"]["created"] is None
    store.data(IMAGE.needs[1].digest).unlink()
    result = ctl("registry-tags", "team/app")
    line = next(line for line in result.out.splitlines() if line.startswith("v1"))
    assert "unknown" in line
    assert f"v1: {IMAGE.needs[1].digest} is missing" in result.err
    assert IMAGE.digest in ctl("registry-tags", "team/app", "-v").out


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("arguments", "words", "hint"),
    [
        (("registry-tags", "team/ap"), 'there is no repository "team/ap"', 'Did you mean "team/app"?'),
        (("registry-tags", "Team/App"), '"Team/App" is no name of a repository', 'Did you mean "team/app"?'),
        (("registry-tags", "web"), 'there is no repository "web"', 'Did you mean "team/web"?'),
        (("registry-inspect", "team/app:lates"), 'no tag "lates" in team/app', 'Did you mean "latest"?'),
        (("registry-inspect", "team/app"), "names no image", "registry-tags team/app"),
        (("registry-inspect", "team/app@sha256:00"), "is no digest", "REPOSITORY@sha256"),
        (("registry-inspect", f"team/web@{IMAGE.digest}"), f'"{IMAGE.digest}" in team/web', "registry-tags -v"),
        (("registry-delete", "team/app:v2", "--yes"), 'no tag "v2" in team/app', 'Did you mean "v1"?'),
        (("registry-delete", "../../../etc", "--yes"), "is no name of a repository", ""),
        (("registry-delete", "team/app:v1"), "There is no terminal to ask on", "--yes"),
    ],
)  # fmt: skip
def test_mistakes(ctl: Cli, arguments: tuple[str, ...], words: str, hint: str) -> None:
    result = ctl(*arguments)
    assert result.code == 2, result.err
    assert words in result.err
    assert hint in result.err
    assert "error" in json.loads(ctl(*arguments, "--json").out)


HOSTILE = [
    b"[]", b"", b"nul", b"\xff\xfe", b"[" * 2_000, b'{"created":5,"Env":3,"config":[1]}',
    b'{"config":{"Env":5,"Cmd":7,"ExposedPorts":[1],"Labels":"x"},"created":"2020-13-01","os":5,"author":3}',
    b'{"created":"9999-12-31T23:59:59.999999999Z"}', b'{"created":"9999-12-31T23:59:59-23:00"}',
    b'{"config":5,"layers":"x","manifests":5,"annotations":[1],"subject":7,"artifactType":{}}',
    b'{"manifests":[5,{"digest":5},{"digest":"sha256:zz","platform":"x","annotations":[]}]}',
    b'{"schemaVersion":1,"history":[{"v1Compatibility":5}],"fsLayers":"x","architecture":4}',
]  # fmt: skip


def test_what_anybody_can_push_ends_no_command(ctl: Cli, store: Store) -> None:
    """As a configuration, of which a registry knows nothing; and as a manifest, after a damage."""
    for number, content in enumerate(HOSTILE):
        config = images.Blob("application/vnd.oci.image.config.v1+json", content)
        given = {"digest": config.digest, "mediaType": config.media_type, "size": len(content)}
        text = json.dumps({"schemaVersion": 2, "mediaType": images.MANIFEST, "config": given, "layers": []})
        store.push(
            "team/odd", images.Blob(images.MANIFEST, text.encode(), needs=(config,)), f"config{number}"
        )
        store.push("team/odd", images.Blob(images.MANIFEST, content), f"manifest{number}")
    names = [f"team/odd:config{number}" for number in range(len(HOSTILE))] + ["team/odd:manifest9"]
    each = [("registry-inspect", name) for name in names]
    for command in (("registry-tags", "team/odd"), ("registry-cleanup", "--keep-n", "0", "--explain"), *each):
        result = ctl(*command)
        assert result.code in (0, 1)
        assert "in ctl itself" not in result.err, command
    json.loads(ctl("registry-tags", "team/odd", "--json").out)


def test_names_that_would_steer_a_terminal(ctl: Cli, store: Store) -> None:
    """A folder may be called anything; no command passes that on, or stumbles over it."""
    odd = ["\x1b[31mred", "new\nline", "\u202eright to left", os.fsdecode(b"\xff")]
    for tag in odd:
        store.tag("team/app", tag, IMAGE.digest)
        store.push(f"Odd {tag}", IMAGE, "v1", tag)
    store.data(IMAGE.needs[0].digest).unlink()
    options = ("--name-regex", ".*", "--older-than", "0")
    commands = (
        ("registry-repositories",), ("registry-tags", "team/app"), ("registry-inspect", "team/app:v1"),
        ("registry-disk-usage",), ("registry-disk-usage", "--csv"), ("registry-fsck",),
        ("registry-cleanup", *options, "--dry-run"), ("registry-cleanup", *options, "--explain"),
        ("registry-garbage-collect", "-m", "--dry-run", "-v"),
    )  # fmt: skip
    for command in commands:
        result = ctl(*command)
        assert result.code in (0, 1), command
        shown = result.out + result.err
        assert not any(mark in shown for mark in odd), command
        assert all(line.isprintable() for line in shown.splitlines()), command
        if "--csv" not in command:
            json.loads(ctl(*command, "--json").out)
    result = ctl("registry-delete", f"team/app@{IMAGE.digest}")
    assert "There is no terminal to ask on" in result.err
    assert all(line.isprintable() for line in result.err.splitlines())
    assert "Did you mean" not in ctl("registry-tags", "Odd new\nline").err, (
        "that could not be called so either"
    )


@pytest.mark.parametrize(
    ("command", "takes_another"),
    [
        (("registry-repositories",), True),
        (("registry-tags", "team/app"), True),
        (("registry-garbage-collect",), True),
        (("registry-fsck",), True),
        (("registry-check-storage",), True),
        (("registry-migrate-storage", "--to", "/dev/null"), False),
    ],
)
def test_no_config(ctl: Cli, command: tuple[str, ...], takes_another: bool) -> None:
    result = ctl(*command)
    assert result.code == 1
    assert f"{ctl.root / CONFIG} does not exist" in result.err
    assert "`ctl reconfigure` writes it." in result.err
    assert ("Or name another one with --config." in result.err) == takes_another
    if takes_another:
        other = ctl(*command, "--config", "/nowhere/config.yml")
        assert (other.code, "reconfigure" in other.err) == (1, False)
        assert "/nowhere/config.yml does not exist" in other.err


def test_inspect(ctl: Cli, store: Store) -> None:
    lines = ctl("registry-inspect", "team/app:v1").out.splitlines()
    assert any(line.split() == ["tags:", "latest,", "v1"] for line in lines)
    assert any(line.split() == ["created:", "unknown"] for line in lines)
    assert "signatures and attestations: none" in lines
    found = json.loads(ctl("registry-inspect", "team/app:multi", "--json").out)
    assert [one["platform"] for one in found["manifests"]] == ["linux/amd64", "linux/arm64"]
    store.data(IMAGE.digest).write_bytes(b"")
    result = ctl("registry-inspect", "team/app:v1")
    assert result.code == 1
    assert "unknown: manifest" in result.err
    store.link("team/app", "v1").write_bytes(b"")
    assert "its link holds no digest" in ctl("registry-inspect", "team/app:v1").err


def test_delete_and_undo(ctl: Cli, store: Store) -> None:
    result = ctl("registry-delete", "team/app:v1", "--yes")
    assert "deleted tag team/app:v1 (its manifest stays)" in result.out
    assert not store.link("team/app", "v1").exists()
    assert store.link("team/app", "latest").exists()
    undo = result.out.splitlines()[-1].split()
    assert ctl(*undo[1:4]).out == "brought back 1 tag\n"
    assert store.link("team/app", "v1").exists()


def test_delete_a_manifest_with_its_tags_and_signature(ctl: Cli, store: Store) -> None:
    signature = f"sha256-{IMAGE.digest.partition(':')[2]}.sig"
    store.push("team/app", images.image("signature"), signature)
    found = json.loads(ctl("registry-delete", f"team/app@{IMAGE.digest}", "--yes", "--json").out)
    assert sorted(found["tags"]) == ["team/app:latest", f"team/app:{signature}", "team/app:v1"]
    assert found["manifests"] == [f"team/app@{IMAGE.digest}"]
    assert not store.revision("team/app", IMAGE.digest).exists()


def test_an_image_of_an_index_is_not_deleted_by_itself(ctl: Cli, store: Store) -> None:
    two = images.two_platforms("two")
    result = ctl("registry-delete", f"team/app@{two.needs[0].digest}", "--yes")
    assert result.code == 1
    assert f"is one of the images of {two.digest}" in result.err
    assert store.revision("team/app", two.needs[0].digest).exists()


def test_delete_a_repository(ctl: Cli, store: Store) -> None:
    result = ctl("registry-delete", "team/app", "--yes")
    assert "deleted repository team/app with 3 tags and 4 manifests" in result.out
    assert "team/app" not in ctl("registry-repositories").out
    assert ctl("registry-tags", "team/app").code == 2
    assert store.link("team/web", "v1").exists()
