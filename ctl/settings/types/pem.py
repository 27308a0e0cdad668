"""The type of settings that hold a private key or certificate as PEM text."""

from __future__ import annotations

import base64
import binascii
import re
from enum import Enum

from ctl.settings.place import Place, Refused
from ctl.settings.types.base import Type
from ctl.settings.types.textual import Snippet

_BLOCK = r"(?s)-----BEGIN ([A-Z0-9 ]+)-----\n(.*?)\n-----END \1-----"
_HEADER = r"(?m)^[A-Za-z-]+: ?.*$"


class Content(Enum):
    """What a PEM text must hold."""

    KEY = "private key"
    CERTIFICATE = "certificate"


class Pem(Type):
    """PEM text (RFC 7468). Line breaks may be marked by \\n, as single quotes in gitlab.rb leave them.

    Args:
        content: what it must hold.
    """

    def __init__(self, content: Content) -> None:
        self._content = content
        self.label = f"PEM {content.value}"

    def read(self, value: object, place: Place) -> str:
        """The text with real line breaks, ending in one. No error ever shows any of it."""
        text = _with_line_breaks(Snippet().read(value, place))
        blocks = [(label, body) for label, body in re.findall(_BLOCK, text) if self._wanted(label)]
        if not blocks:
            kind = "PRIVATE KEY" if self._content is Content.KEY else "CERTIFICATE"
            raise Refused(
                f"holds no PEM {self._content.value}",
                f'It has lines with "-----BEGIN {kind}-----" and "-----END {kind}-----" around it; '
                'read_file("/path") takes it from a file.',
            )
        for label, body in blocks:
            _check_block(label, body, self._content.value)
        return text

    def _wanted(self, label: str) -> bool:
        if self._content is Content.KEY:
            return label.endswith("PRIVATE KEY")
        return label in ("CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE")


def _with_line_breaks(text: str) -> str:
    text = text.replace("\\r", "").replace("\\n", "\n").replace("\r", "")
    lines = [line.strip() for line in text.split("\n")]
    return "\n".join(lines).strip("\n") + "\n"


def _check_block(label: str, body: str, what: str) -> None:
    if label.startswith("ENCRYPTED") or "ENCRYPTED" in body:
        raise Refused(
            "is protected by a passphrase, which nothing here could enter",
            "Take it off: openssl pkey -in KEY -out PLAIN_KEY",
        )
    try:
        base64.b64decode("".join(re.sub(_HEADER, "", body).split()), validate=True)
    except binascii.Error:
        raise Refused(f"holds a damaged PEM {what}: it is not valid base64") from None
