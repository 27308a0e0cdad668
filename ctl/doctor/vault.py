"""Every secret of a node, and whether a text holds one of them in whatever encoding."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote, urlsplit

from ctl.doctor.site import Site, texts_of
from ctl.errors import CtlError
from ctl.settings.attributes import OriginKind
from ctl.settings.editing.masked_diff import masked
from ctl.settings.masking import MASK, is_secret, is_secret_variable

SHORTEST = 4
"""Characters of a secret; shorter ones are parts of common words."""
SHORTEST_ENCODED = 6
LARGEST = 4 << 20
"""Bytes of a file that is looked into."""
_PUBLIC = ("internal_certificate", "certificate")
_KEY_BODY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(.*?)-----END", re.DOTALL)
_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")
_BEARER = re.compile(r"(?i)\b(bearer|basic)([ =:\"']+)[\w.~+/=-]{8,}")
_HASH = re.compile(
    r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}|\$(?:apr1|5|6|y|argon2\w+)\$[^\s:\"']+|\{SHA\}[\w+/=]+"
)
_SIGNED = re.compile(r"([?&](?:X-Amz-[\w-]+|X-Goog-[\w-]+|Signature|sig|_state|AWSAccessKeyId)=)[^&\s\"]+")
_DIFF_MARK = re.compile(r"(?m)^[+-]")
_WRITTEN_BREAK = re.compile(r"\\[nrt]")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)+\"|'(?:[^'\\]|\\.)+'")
_SKIPPED = (".crt", ".pem", ".cert")


class Vault:
    """The secrets of a node.

    Args:
        secrets: each as it is where it is kept; bytes that are no text (a key in DER) too.
    """

    def __init__(self, secrets: Iterable[str | bytes]) -> None:
        found = {one.encode() if isinstance(one, str) else one for one in secrets}
        self.secrets = frozenset(one for one in (each.strip() for each in found) if len(one) >= SHORTEST)

    @cached_property
    def _forms(self) -> list[str]:
        """Every secret in every encoding, the longest first: a shorter one may be in it."""
        found = {form for one in self.secrets for form in encodings(one)}
        return sorted(found, key=len, reverse=True)

    def starred(self, text: str) -> str:
        """A text in which every secret has given way to stars; also what looks like one, wherever it is from."""
        for pattern, instead in (
            (_KEY_BLOCK, MASK),
            (_JWT, MASK),
            (_HASH, MASK),
            (_BEARER, rf"\1\2{MASK}"),
            (_SIGNED, rf"\1{MASK}"),
        ):
            text = pattern.sub(instead, text)
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def leaks(self, text: str) -> bool:
        """Whether a text holds a secret, also broken into lines, backwards, or with each character escaped."""
        return any(
            form in reading
            for plain, forms in self._plain_forms
            for reading in set(_readings(text, plain))
            for form in forms
        )

    @cached_property
    def _plain_forms(self) -> list[tuple[Callable[[str], str], set[str]]]:
        """The forms in each way of reading: a secret may itself hold what another way takes for a line break."""
        return [
            (plain, {form for form in map(plain, self._forms) if len(form) >= SHORTEST})
            for plain in (str, _spaceless, _joined)
        ]


def _readings(text: str, plain: Callable[[str], str]) -> Iterator[str]:
    """A text as somebody may read it who looks for secrets."""
    for lines in (text, _DIFF_MARK.sub("", text)):
        forward = plain(lines)
        yield from (forward, forward.lower(), plain(lines[::-1]))
        yield from (plain(read(forward)) for read in (unquote, html.unescape, _unescaped))


def _spaceless(text: str) -> str:
    return "".join(text.split())


def _joined(text: str) -> str:
    """Without blanks and line breaks, written out ones too."""
    return _WRITTEN_BREAK.sub("", _spaceless(text))


def _unescaped(text: str) -> str:
    try:
        return re.sub(
            r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})", lambda found: chr(int(found[1] or found[2], 16)), text
        )
    except ValueError:
        return text


def encodings(secret: bytes) -> Iterator[str]:
    """The forms that a secret may have in a text: as it is, escaped, quoted, base64 at each alignment, hexadecimal."""
    with suppress(UnicodeDecodeError):
        yield from _texts(secret.decode())
    if len(secret) < SHORTEST_ENCODED:
        return
    yield from (secret.hex(), secret.hex().upper())
    for alignment in range(3):
        yield from _base64(secret, alignment)


def _texts(text: str) -> Iterator[str]:
    yield text
    for ascii_only in (True, False):
        yield json.dumps(text, ensure_ascii=ascii_only)[1:-1]
    yield from (repr(text)[1:-1], html.escape(text), shlex.quote(text), text.replace("'", "''"))
    for encoded in (quote(text, safe=""), quote(text), quote_plus(text)):
        yield from (encoded, re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), encoded))


def _base64(secret: bytes, alignment: int) -> Iterator[str]:
    """Without the characters at both ends that depend on what is beside it."""
    text = base64.b64encode(b"\0" * alignment + secret).decode().rstrip("=")
    cut = text[(0, 2, 3)[alignment] : len(text) - (1 if (alignment + len(secret)) % 3 else 0)]
    yield from (cut, cut.replace("+", "-").replace("/", "_"))


# --- where secrets are


def vault_of(site: Site) -> Vault:
    """Every secret of a node: of its settings, files, configuration and former runs.

    Args:
        site: the node; what this user may not read is not in the vault, nor can it be in what this user collects.
    """
    return Vault(form for one in _secrets(site) for form in (one, *_credentials(one)))


def _credentials(secret: str | bytes) -> Iterator[str]:
    """The password in a URL: as it is there, and as it is meant."""
    if isinstance(secret, str) and "://" in secret:
        with suppress(ValueError):
            password = urlsplit(secret).password or ""
            yield from (password, unquote(password))


def _secrets(site: Site) -> Iterator[str | bytes]:
    for path in dict.fromkeys(_files(site)):
        with suppress(OSError, UnicodeDecodeError):
            if path.is_file() and path.stat().st_size <= LARGEST:
                yield from _in_file(path, path.read_text(encoding="utf-8"))
    yield from site.secrets
    if site.given is not None:
        yield from _in_settings(site)
    with suppress(CtlError):
        yield from site.config.secrets
        for name, value in site.config.environment.items():
            if is_secret_variable(name):
                yield str(value)


def _in_settings(site: Site) -> Iterator[str]:
    attributes = site.attributes
    for name, origin in attributes.origins().items():
        if origin.kind is OriginKind.GENERATED:
            continue
        value = attributes.lookup(name.split("."))
        if name in attributes.secret_names:
            yield from texts_of(value)
        else:
            yield from _below(value, tuple(name.split(".")))


def _below(value: object, path: tuple[str, ...]) -> Iterator[str]:
    """Values under keys that hold secrets, and passwords in URLs."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            secret = is_secret(str(key), path) or (path[-1:] == ("env",) and is_secret_variable(str(key)))
            yield from texts_of(one) if secret else _below(one, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _below(one, path)
    elif isinstance(value, str) and "://" in value:
        yield from _credentials(value)


def _files(site: Site) -> Iterator[Path]:
    """Files that may hold secrets: below /etc/gitlab, ctl's state, the folders of the services."""
    layout = site.layout
    for folder in (layout.settings_file.parent, layout.state, site.settings_file.parent):
        yield from _walk(folder)
    if site.given is None:
        return
    for name, origin in site.attributes.origins().items():
        value = site.attributes.lookup(name.split(".")) if origin.kind is not OriginKind.GENERATED else None
        if not isinstance(value, str) or not value.startswith("/"):
            continue
        if name.endswith((".dir", "env_directory")):
            yield from _walk(Path(value))
        elif not name.endswith(("directory", "path", "shell", "executable")) or "key" in name:
            yield Path(value)
    with suppress(CtlError):
        htpasswd = site.config.section("auth", "htpasswd").get("path")
        if htpasswd:
            yield Path(str(htpasswd))


def _walk(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent) / name for name in names if not name.endswith(_SKIPPED))


def _in_file(path: Path, text: str) -> Iterator[str | bytes]:
    """The secrets in a file, by what it is."""
    yield from _HASH.findall(text)
    for body in _KEY_BODY.findall(text.replace("\\n", "\n")):
        yield from _key(body)
    if path.suffix in (".py", ".rb"):
        yield from _in_text(path, text)
    elif path.suffix == ".json":
        with suppress(ValueError):
            yield from _in_json(json.loads(text), secret="secrets" in path.name)
    elif "password" in path.name or (path.parent.name == "env" and is_secret_variable(path.name)):
        yield from text.splitlines()
    elif path.parent.name == "env":
        yield from _credentials(text.strip())


def _in_text(path: Path, text: str) -> Iterator[str]:
    """Texts of a settings file that its masked form hides: known also where the settings are wrong."""
    for line, shown in zip(text.split("\n"), masked(path, text), strict=False):
        if line != shown:
            for quoted in _QUOTED.findall(line):
                value = quoted[1:-1]
                if value not in shown:
                    yield value
                    yield re.sub(r"\\(.)", r"\1", value)


def _key(body: str) -> Iterator[str | bytes]:
    """A private key: its lines, all of them as one, and what they encode; less its public half."""
    lines = [line for line in (one.strip() for one in body.splitlines()) if line and ":" not in line]
    try:
        whole = base64.b64decode("".join(lines), validate=True)
    except ValueError:
        yield from (line for line in lines if len(line) > 2 * SHORTEST_ENCODED)
        return
    public = _public_half(whole)
    yield from ("".join(lines), whole)
    yield from (line for line in lines if len(line) > 2 * SHORTEST_ENCODED and _decoded(line) not in public)


def _decoded(line: str) -> bytes:
    return base64.b64decode(line + "=" * (-len(line) % 4))


def _public_half(key: bytes) -> bytes:
    """The public key that belongs to one, DER: certificates have it, and it is in the private key too."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

    try:
        public = load_der_private_key(key, None).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):  # encrypted, or of a kind that is not known
        return b""
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _in_json(value: object, *, secret: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, one in value.items():
            if key in _PUBLIC:
                continue
            hidden = secret or is_secret(str(key)) or str(key) in ("sha256", "d", "p", "q")
            yield from _in_json(one, secret=hidden)
    elif isinstance(value, list):
        for one in value:
            yield from _in_json(one, secret=secret)
    elif secret and isinstance(value, str):
        yield value
