"""What is known of images of every kind; what they do not say is unknown, never a default."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from ctl.collector.manifests import Manifests
from ctl.images.catalogue import About, about, facts_of, repositories, tags
from ctl.images.document import moment, parse_config, parse_document
from ctl.images.facts import Images
from ctl.images.inspection import Inspection, inspect
from tests.harness import images
from tests.harness.images import dated
from tests.harness.registry_store import Store

NANO = 10**9


def of(year: int, month: int = 1) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * NANO


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-01T00:00:00Z", of(2024)),
        ("2024-01-01T00:00:00.123456789Z", of(2024) + 123_456_000),
        ("2024-01-01T01:00:00+01:00", of(2024)),
        ("9999-12-31T23:59:59.999999Z", of(9999, 12) + (31 * 86_400 * 10**6 - 1) * 1_000),
        ("9999-12-31T23:59:59-23:00", of(9999, 12) + (31 * 86_400 + 23 * 3_600 - 1) * NANO),
        ("1970-01-01T00:00:00Z", None),
        ("1980-01-01T00:00:01Z", None),
        ("0001-01-01T00:00:00Z", None),
        ("2024-01-01T00:00:00", None),
        ("yesterday", None),
        (None, None),
        (1_700_000_000, None),
    ],
)
def test_dates(text: object, expected: int | None) -> None:
    assert moment(text) == expected


def test_an_image(store: Store) -> None:
    image = dated("one", "2024-01-01T00:00:00Z", variant="v8")
    store.push("a", image, "v1")
    found = Images.of(str(store.root)).facts(image.digest)
    assert (found.kind, found.created, found.platforms) == ("image", of(2024), ("linux/amd64/v8",))
    assert found.size == sum(len(one.content) for one in image.family().values())
    assert found.problem == ""


def test_an_index_is_as_new_as_its_newest_image(store: Store) -> None:
    shared = dated("one", "2023-01-01T00:00:00Z")
    index = images.index(shared, dated("two", "2024-01-01T00:00:00Z", architecture="arm64"))
    store.push("a", index, "v1")
    found = Images.of(str(store.root)).facts(index.digest)
    assert (found.kind, found.created) == ("index", of(2024))
    assert found.platforms == ("linux/amd64", "linux/arm64")
    assert found.size == sum(len(one.content) for one in index.family().values())


def test_attestations_of_an_index_have_no_say_in_its_date(store: Store) -> None:
    image, att = dated("one", "2024-01-01T00:00:00Z"), images.image("attestation", architecture="unknown")
    entries = [
        image.descriptor,
        att.descriptor | {
            "platform": {"os": "unknown", "architecture": "unknown"},
            "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
        },
    ]  # fmt: skip
    content = json.dumps({"schemaVersion": 2, "mediaType": images.INDEX, "manifests": entries}).encode()
    index = images.Blob(images.INDEX, content, None, (image, att))
    store.push("a", index, "v1")
    found = Images.of(str(store.root)).facts(index.digest)
    assert (found.created, found.platforms) == (of(2024), ("linux/amd64",))


@pytest.mark.parametrize("created", ["1970-01-01T00:00:00Z", None, "soon"])
def test_an_index_with_an_image_without_a_date_has_none(store: Store, created: object) -> None:
    index = images.index(dated("one", "2024-01-01T00:00:00Z"), dated("two", created, architecture="arm64"))
    store.push("a", index, "v1")
    assert Images.of(str(store.root)).facts(index.digest).created is None


def test_an_artifact_has_the_date_of_its_annotation() -> None:
    found = parse_document(
        json.dumps(
            {"schemaVersion": 2, "artifactType": "application/spdx+json", "config": {"mediaType": "x"},
             "annotations": {"org.opencontainers.image.created": "2024-01-01T00:00:00Z", "n": 1}}
        ).encode()
    )  # fmt: skip
    assert (found.kind, found.created, found.artifact_type) == ("artifact", of(2024), "application/spdx+json")


def test_schema_1() -> None:
    history = [{"v1Compatibility": json.dumps({"created": "2024-01-01T00:00:00Z"})}]
    digest = "sha256:" + "ab" * 32
    document = {
        "schemaVersion": 1,
        "architecture": "amd64",
        "fsLayers": [{"blobSum": digest}],
        "history": history,
    }
    found = parse_document(json.dumps(document).encode())
    assert (found.kind, found.created, found.platform) == ("schema 1", of(2024), "linux/amd64")
    assert [one.digest for one in found.layers] == [digest]


def test_values_of_variables_are_not_shown() -> None:
    config = {"config": {"Env": ["PATH=/bin", "TOKEN=hush"], "Cmd": ["run"], "Labels": {"a": "b"}}}
    found = parse_config(json.dumps(config).encode())
    assert found.facts == {"Cmd": ["run"], "Labels": {"a": "b"}, "Variables": ["PATH", "TOKEN"]}
    assert (found.created, found.platform) == (None, "")


def test_what_is_damaged_or_missing_is_unknown_with_its_reason(store: Store) -> None:
    lost, torn, hollow = images.image("lost"), images.image("torn"), images.image("hollow")
    for name, one in {"lost": lost, "torn": torn, "hollow": hollow}.items():
        store.push("a", one, name)
    store.data(lost.needs[1].digest).unlink()
    store.data(torn.digest).write_bytes(b"[")
    store.data(hollow.needs[0].digest).unlink()
    store.push("a", images.image("unlinked"), "unlinked")
    store.link("a", "unlinked").unlink()
    store.push("a", images.image("empty"), "empty")
    store.link("a", "empty").write_bytes(b"")
    store.tag("a", "elsewhere", "sha256:" + "ab" * 32)
    (scan,) = repositories(Images.of(str(store.root)).storage)
    reader = Images.of(str(store.root))
    found = {tag.name: facts_of(reader, tag) for tag in tags(reader.storage, scan)}
    assert {name: one.size for name, one in found.items()} == dict.fromkeys(found, None)
    problems = {name: one.problem for name, one in found.items()}
    assert problems["lost"] == f"{lost.needs[1].digest} is missing"
    assert "is damaged" in problems["torn"]
    assert problems["hollow"] == f"{hollow.needs[0].digest} is missing"
    assert problems["unlinked"] == "it has no link to a manifest"
    assert problems["empty"] == "its link holds no digest"
    assert "no manifest of this repository" in problems["elsewhere"]


def test_an_index_that_holds_itself_ends(store: Store) -> None:
    """By its digest it cannot; by a damage anything can."""
    inner = images.index()
    store.push("a", inner, "v1")
    entry = {"mediaType": images.INDEX, "digest": inner.digest, "size": 1}
    store.data(inner.digest).write_bytes(json.dumps({"manifests": [entry]}).encode())
    assert Images.of(str(store.root)).facts(inner.digest).kind == "index"


@pytest.mark.parametrize(
    ("tag", "kind"),
    [("sha256-" + "ab" * 32 + ".sig", "signature"), ("sha256-" + "ab" * 32 + ".att", "attestation"),
     ("sha256-" + "ab" * 32 + ".sbom", "SBOM"), ("sha256-" + "ab" * 32, "referrers"),
     ("sha256-" + "ab" * 32 + ".x.y", "x.y")],
)  # fmt: skip
def test_tags_that_are_about_a_manifest(tag: str, kind: str) -> None:
    assert about(tag) == About("sha256:" + "ab" * 32, kind)


@pytest.mark.parametrize("tag", ["v1", "sha256-ab", "sha256-" + "AB" * 32, "x-sha256-" + "ab" * 32])
def test_tags_that_are_about_nothing(tag: str) -> None:
    assert about(tag) is None


def look(store: Store, digest: str) -> Inspection:
    reader = Images.of(str(store.root))
    scan = reader.storage.repository("a")
    assert scan is not None
    return inspect(reader, Manifests(reader.storage), scan, digest)


def test_an_inspection_shows_what_is_about_an_image(store: Store) -> None:
    image = dated("one", "2024-01-01T00:00:00Z", config={"User": "app"})
    signature, sbom = images.image("signature"), images.referrer(image)
    store.push("a", image, "v1", "latest")
    store.push("a", signature, f"sha256-{image.digest.partition(':')[2]}.sig")
    store.push("a", sbom)
    found = look(store, image.digest)
    assert found.tags == ["latest", "v1"]
    assert {(one.kind, one.digest) for one in found.notes} == {
        ("signature", signature.digest),
        ("referrer", sbom.digest),
    }
    document = found.as_json()
    assert (document["config"], document["created"]) == ({"User": "app"}, "2024-01-01T00:00:00Z")
    assert [one["digest"] for one in document["layers"]] == [image.needs[1].digest]
    assert found.problems == []
    assert look(store, sbom.digest).as_json()["subject"] == image.digest


def test_an_inspection_says_what_is_not_known(store: Store) -> None:
    image, other = dated("one", "2024-01-01T00:00:00Z"), images.image("torn")
    store.push("a", image, "v1")
    store.push("a", other, "v2")
    store.data(image.needs[0].digest).write_bytes(b"\xff")
    store.data(other.digest).write_bytes(b"")
    found = look(store, image.digest)
    assert (found.config, found.facts.created) == (None, None)
    assert len(found.problems) == 2
    assert "configuration" in found.problems[0]
    assert found.problems[1] == f"{other.digest} cannot be read: it may be about this image"
