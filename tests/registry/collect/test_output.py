"""What collectors print, recorded from the real programs, is read the same from each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ctl.registry.collect.output import Collected

RECORDED = Path(__file__).parent / "recorded"
BOTH = pytest.mark.parametrize("program", ["distribution-2.8.2", "distribution-3.0.0"])
MANIFESTS = {
    "grp/app": [
        "sha256:00288cbd9d9513d7068a4b660787133c862255cdf7fb9a1690799df034c0aa3a",
        "sha256:3900b11d606d32f3e673ac9e97a1642c113b980b474af25fc30c4a96bc8a4ecb",
        "sha256:deca5273237b6bdbb4bde50eea1b155a8bd2b0d5189f8142797e57c367f2ef99",
    ],
    "other": ["sha256:cfc8dfb3543d2685994a1aa46768818ebf184ced88ba9831d81336f83c5ccc94"],
}
BLOBS = {
    "sha256:5006eeaee36bf4e26024664f2068a2f967e30e4c454478124d72bb2d6497119b",
    "sha256:6de6de218db49539af1c734bc127965bf9071a9ad4316365c03df26f79a741c2",
    "sha256:a484c3c6073c060bcc2b9dfd9ce04fa68ba593b9930a8af220eabf1ba5770abf",
}


def read(*lines: str) -> Collected:
    collected = Collected()
    for line in lines:
        collected.feed(line + "\n")
    return collected


def recorded(name: str) -> Collected:
    return read(*(RECORDED / f"{name}.txt").read_text(encoding="utf-8").splitlines())


@BOTH
@pytest.mark.parametrize("kind", ["dry-run", "delete"])
def test_manifests_and_blobs_are_found(program: str, kind: str) -> None:
    collected = recorded(f"{program}-{kind}")
    assert collected.manifests == MANIFESTS
    assert set(collected.blobs) == BLOBS
    assert collected.complete
    assert not collected.empty


@BOTH
def test_usage_error_is_not_taken_for_success(program: str) -> None:
    collected = recorded(f"{program}-usage")
    assert not collected.complete
    assert collected.reason(frozenset()) == "Error: unknown flag: --nonsense"


@BOTH
def test_empty_registry_is_distinguished_from_a_failure(program: str) -> None:
    assert recorded(f"{program}-empty").empty


def test_missing_blob_is_no_empty_registry() -> None:
    collected = read(
        "failed to garbage collect: failed to mark: filesystem: failed to retrieve manifest for digest sha256:ab: "
        "filesystem: Path not found: /docker/registry/v2/blobs/sha256/ab/ab/data"
    )
    assert not collected.empty
    assert "failed to retrieve manifest" in collected.reason(frozenset())


def test_each_manifest_and_blob_is_progress() -> None:
    seen: list[int] = []
    collected = Collected(lambda: seen.append(1))
    for line in (RECORDED / "distribution-2.8.2-delete.txt").read_text(encoding="utf-8").splitlines():
        collected.feed(line)
    assert len(seen) == 4 + 3


def gitlab(message: str, **fields: object) -> str:
    return json.dumps({"level": "info", "msg": message, "time": "2024-11-01T00:00:00Z", **fields})


def test_log_of_gitlabs_registry_is_read() -> None:
    """In the words of its garbagecollect.go; it prints nothing but its log."""
    common = {"repository": "grp/app", "referenced_by": "tagOrManifest"}
    collected = read(
        gitlab("starting mark stage", stage="mark"),
        gitlab("marking repository", repository="grp/app"),
        gitlab("marking blob", digest_type="manifest", digest="sha256:aa", **common),
        gitlab("marking blob", digest_type="layer", digest="sha256:bb", **common),
        gitlab("marking manifest", digest_type="manifest", digest="sha256:cc", **common),
        gitlab("blob eligible for deletion", digest="sha256:dd", size_bytes=42),
        gitlab("mark stage complete", blobs_marked=3, blobs_to_delete=1, manifests_to_delete=0),
    )
    assert collected.manifests == {"grp/app": ["sha256:aa", "sha256:cc"]}
    assert collected.blobs == {"sha256:dd": 42}
    assert collected.complete


def test_gitlabs_registry_says_that_it_is_empty() -> None:
    assert read(gitlab("skipping garbage collection", error="filesystem: Path not found")).empty
