"""The key of the account at the authority: made once, kept private, saved with the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctl.converge.atomic import write_atomic
from ctl.converge.inspect import look, read_file
from ctl.errors import CtlError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey


def account_key(path: Path) -> EllipticCurvePrivateKey:
    """The key, made where there is none: EC P-256, as ES256 needs, which every authority must know (RFC 8555, 6.2).

    Raises:
        CtlError: the file there is no such key.
    """
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if look(path) is None:
        return _make(path)
    try:
        key = load_pem_private_key(read_file(path), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise CtlError(
            f"{path}, the key of the account at the authority, is damaged",
            hint=f"Put it back from a backup; or move it away, and a new account is made: mv {path} {path}.old",
        )
    return key


def _make(path: Path) -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomic(path, pem, mode=0o600)
    return key
