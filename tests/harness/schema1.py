"""Signed manifests of schema 1, as Docker 1.9 and older pushed them (Distribution 2.8, manifest/schema1)."""

from __future__ import annotations

import base64
import hashlib
import json

from tests.harness.images import Blob

SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"


def manifest(repository: str, tag: str, layer: Blob) -> bytes:
    """A manifest of one layer, signed with a key made for it ("pretty" JWS of libtrust)."""
    content = {
        "schemaVersion": 1,
        "name": repository,
        "tag": tag,
        "architecture": "amd64",
        "fsLayers": [{"blobSum": layer.digest}],
        "history": [{"v1Compatibility": json.dumps({"id": layer.digest.partition(":")[2]})}],
    }
    text = json.dumps(content, indent=3).encode()
    body, tail = text[:-2], text[-2:]
    return body + b',\n   "signatures": [' + json.dumps(_signature(text, tail)).encode() + b"]" + tail


def _signature(text: bytes, tail: bytes) -> dict[str, object]:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = ec.generate_private_key(ec.SECP256R1())
    numbers = key.public_key().public_numbers()
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    name = base64.b32encode(hashlib.sha256(der).digest()[:30]).decode()
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "kid": ":".join(name[at : at + 4] for at in range(0, 48, 4)),
        "x": _text(numbers.x.to_bytes(32, "big")),
        "y": _text(numbers.y.to_bytes(32, "big")),
    }
    about = {"formatLength": len(text) - len(tail), "formatTail": _text(tail), "time": "2024-01-01T00:00:00Z"}
    protected = _text(json.dumps(about).encode())
    signed = key.sign(f"{protected}.{_text(text)}".encode(), ec.ECDSA(hashes.SHA256()))
    raw = b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(signed))
    return {"header": {"jwk": jwk, "alg": "ES256"}, "signature": _text(raw), "protected": protected}


def _text(data: bytes) -> str:
    """base64url without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
