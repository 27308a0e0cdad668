"""What manifests of every kind refer to."""

from __future__ import annotations

import hashlib
import json

import pytest

from ctl.collector.manifest import _of_any_kind, parse, skim, verify


def descriptor(name: str, size: int = 10) -> dict[str, object]:
    return {"mediaType": "x", "digest": name, "size": size}


@pytest.mark.parametrize(
    ("document", "references"),
    [
        ({"config": descriptor("c"), "layers": [descriptor("l1"), descriptor("l2")]}, ("c", "l1", "l2")),
        ({"manifests": [descriptor("a"), descriptor("b")]}, ("a", "b")),
        ({"mediaType": "Application/VND.OCI.Image.Index.V1+JSON", "manifests": [descriptor("a")]}, ("a",)),
        ({"schemaVersion": 1, "fsLayers": [{"blobSum": "l"}, {"blobSum": "l"}]}, ("l",)),
        ({"artifactType": "sbom", "blobs": [descriptor("s")]}, ("s",)),
        ({"layers": [{"digest": "a"}], "Layers": [{"Digest": "b"}]}, ("a", "b")),
        ({"mediaType": "of tomorrow", "parts": {"deep": [[descriptor("p")]]}}, ("p",)),
        ({"layers": [descriptor("l")], "annotations": {"base.digest": "sha256:base"}}, ("l",)),
        ({"manifests": None, "layers": [None, "x", {"digest": 7}]}, ()),
        ({"layer\u017f": [{"dige\u017ft": "l"}]}, ("l",)),  # Go takes the long s for an s
    ],
)
def test_references_of_every_kind_of_manifest(document: object, references: tuple[str, ...]) -> None:
    assert parse("sha256:00", json.dumps(document).encode()).references == references


A, B, C = (f"sha256:{letter * 64}" for letter in "abc")


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"config": descriptor(A), "layers": [descriptor(B), descriptor(C), descriptor(B)]}),
        json.dumps({"manifests": [descriptor(A), descriptor(B)], "subject": descriptor(C)}),
        json.dumps({"config": descriptor(A), "layers": [descriptor(A)], "subject": descriptor(A)}),
        json.dumps({"layers": [descriptor(A)], "Layers": [descriptor(B)], "subject": descriptor(C)}),
        json.dumps({"layers": [descriptor(A)], "subject": {"Digest": B}, "Subject": descriptor(C)}),
        json.dumps({"layers": [descriptor(A)], "annotations": {"base.digest": B, "digest": C}}),
        json.dumps({"layers": [{**descriptor(A), "data": B, "Digest": C}]}),
        json.dumps({"layers": [{"digest": A}], "config": {"digest": B, "size": None}, "blobs": [descriptor(C)]}),
        json.dumps({"schemaVersion": 1, "fsLayers": [{"blobSum": A}], "layers": [descriptor(B)]}),
        '{"layers": [{"digest": "<A>", "size": 1}], "layers": [{"digest": "<B>", "size": 2}]}',
        '{"layers": [{"digest": "<A>", "size": 1, "digest": "<B>"}]}',
        '{"layers": [{"digest": "<A>", "size": 1}, {"digest": "\\u0073ha256:' + "b" * 64 + '", "size": 2}]}',
        '{"layers": [{"digest": "<A>", "size": true}]}',
        '{"layers": [{"digest": "<A>", "size": 1}], "more": ["<B>", {"digest": "<C>"}]}',
        '{"layers": [{"digest" : "<A>"}], "Manifests": [{"digest":\n"<B>"}]}',
        '{"layers": [{"digest": "<A>"}], "SUBJECT": {"digest": "<B>"}}',
        '{"layers": [{"digest": "<A>"}], "\u017fubject": {"digest": "<B>"}}',
        '{"layers": [{"digest": "<A>"}], "\\u0073ubject": {"digest": "<B>"}}',
        '{"layers": [{"digest": "<A>"}], "annotations": {"revision": "sha of <B>"}}',
        '{"layers": [{"digest": "<A>"}], "annotations": {"shape": "round"}}',
        '{"config": {"digest": "<A>f"}, "layers": [{"digest": "<B>"}]}',
    ],
)  # fmt: skip
def test_what_is_usual_is_read_as_anything_else(text: str) -> None:
    content = text.replace("<A>", A).replace("<B>", B).replace("<C>", C).encode()
    found, expected = parse(A, content), _of_any_kind(A, content)
    assert (set(found.references), found.subject) == (set(expected.references), expected.subject)
    assert (found.size, found.children) == (expected.size, expected.children)
    skimmed = skim(A, content)
    assert (set(skimmed.references), skimmed.subject) == (set(expected.references), expected.subject)
    assert (skimmed.size, skimmed.children) == (expected.size, expected.children)


def test_sizes_and_subject_are_read() -> None:
    document = {"config": descriptor("c", 3), "layers": [descriptor("l", 4)], "subject": descriptor("image")}
    content = json.dumps(document).encode()
    manifest = parse("sha256:00", content)
    assert manifest.sizes == {"c": 3, "l": 4}
    assert manifest.size == len(content)
    assert manifest.subject == "image"


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'"text"'])
def test_what_is_no_manifest_is_an_error(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting value|no manifest|decode"):
        parse("sha256:00", content)


def test_keys_that_occur_twice_count_twice() -> None:
    content = b'{"layers": [{"digest": "a"}], "layers": [{"digest": "b"}]}'
    assert parse("sha256:00", content).references == ("a", "b")


def test_deep_nesting_is_an_error() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse("sha256:00", b'{"layers": ' + b"[" * 200_000 + b"]" * 200_000 + b"}")


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_content_is_compared_with_its_digest(algorithm: str) -> None:
    content = b'{"layers": []}'
    digest = f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"
    verify(digest, content)
    with pytest.raises(ValueError, match="does not have that digest"):
        verify(digest, content + b" ")
