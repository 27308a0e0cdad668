"""Every certificate of a node as it is on the machine: what it says, who uses it, whether its key belongs to it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from ctl.errors import CtlError
from ctl.paths import Layout
from ctl.settings.attributes import Attributes, OriginKind
from ctl.settings.rules.letsencrypt import obtains_certificate
from ctl.settings.rules.token_issuer import signers
from ctl.settings.secrets.token_pair import UnusableKey, matches
from ctl.tls.ca_renewal import renewal_end
from ctl.tls.certificates import (
    CertificateFacts,
    inspect,
    issued_by,
    load_chain,
    public_of_chain,
    public_of_key,
)
from ctl.tls.chain import Chain
from ctl.tls.local_ca import Authority
from ctl.tls.served import served_certificate
from ctl.tls.vhost_files import KEY_SETTING, PASSWORD_SETTING, RENEW_DAYS, SETTING, read

BUNDLE_SETTING = 'registry["rootcertbundle"]'
NEEDS_ROOT = "needs root"


class KeyState(StrEnum):
    """Whether a certificate and its key belong together."""

    MATCHES = "matches"
    DIFFERS = "does not match"
    OTHER = "belongs to another certificate of this file"
    MISSING = "is missing"
    UNUSABLE = "cannot be used"
    ELSEWHERE = "is not on this node"
    UNKNOWN = f"unknown ({NEEDS_ROOT})"


FAULTS = {KeyState.DIFFERS, KeyState.MISSING, KeyState.UNUSABLE}


@dataclass(frozen=True)
class Key:
    """The key of a certificate.

    Args:
        state: whether it belongs to the certificate.
        path: its file, or None where it is not in a file of its own.
        detail: why it cannot be used; never with key material.
    """

    state: KeyState
    path: Path | None = None
    detail: str = ""


@dataclass(frozen=True)
class Installed:
    """One certificate.

    Args:
        kind: "server", "issuer" (sent along with a server's), "ca" or "token".
        path: its file.
        use: who serves or uses it.
        facts: what it says; None where it cannot be read.
        key: its key; None where that is no business of this node.
        problem: why it cannot be read; "" where it can.
        denied: whether root could read it.
        host: for which it must be good; "" for any.
        renewal: who renews it, and from when on; "" where nobody does.
        chain: where the file of a server leads; None where that is not known, or an authority gave it just so.
        failure: why it was not renewed when that was last tried; "" where it was.
    """

    kind: str
    path: Path
    use: str
    facts: CertificateFacts | None = None
    key: Key | None = None
    problem: str = ""
    denied: bool = False
    host: str = ""
    renewal: str = ""
    failure: str = ""
    chain: Chain | None = None

    def faults(self, now: datetime) -> list[str]:
        """What is broken already: clients or the registry refuse it."""
        found = [self.problem] if self.problem and not self.denied else []
        if self.facts and self.facts.not_after <= now:
            found.append(f"{self.path} ({self.facts.subject}) has ended on {self.facts.not_after:%Y-%m-%d}")
        if self.key and self.key.state in FAULTS:
            found.append(self.key.detail or f"{self.key.path}, the key of {self.path}, {self.key.state}")
        return found

    def warnings(self, now: datetime) -> list[str]:
        """What will soon break, or breaks for some."""
        if self.facts is None:
            return []
        found, days = [], self.facts.days_left(now)
        if self.facts.not_after > now and days < RENEW_DAYS:
            found.append(f"{self.path} ({self.facts.subject}) ends in {days} days")
        if self.facts.not_before > now:
            found.append(f"{self.path} is good from {self.facts.not_before:%Y-%m-%d %H:%M} UTC only")
        if self.host and not self.facts.covers(self.host):
            found.append(f"{self.path} is not for {self.host}: clients refuse it")
        if self.kind == "server" and self.facts.not_for_servers():
            found.append(f"{self.path} {self.facts.not_for_servers()}")
        if self.chain:
            found += self.chain.warnings(self.path)
        if self.failure:
            found.append(f"{self.path} was not renewed when that was last tried: {self.failure}")
        return found


def installed(attributes: Attributes, layout: Layout) -> list[Installed]:
    """All certificates of the node: the server's with its chain, the local CA, those that verify tokens."""
    with warnings.catch_warnings():
        # The country of the token certificate has three letters in every GitLab, against X.520.
        warnings.filterwarnings("ignore", message="Attribute's length")
        found = list(_server(attributes, layout))
        return [*found, *_authority(layout, found), *_token(attributes, layout)]


def _server(attributes: Attributes, layout: Layout) -> Iterator[Installed]:
    vhost = attributes.registry.nginx
    served = attributes.nginx.enable and attributes.registry.enable and vhost.enable and vhost.https
    if not served:
        return
    path, use = Path(vhost.ssl_certificate), f"NGINX, {attributes.registry_external_url}"
    key, host = Path(vhost.ssl_certificate_key), _host(attributes.registry_external_url)
    try:
        chain = _chain(path, SETTING)
    except CtlError as error:
        yield _unread("server", path, use, error)
        return
    passwords = Path(vhost.ssl_password_file) if vhost.ssl_password_file else None
    state = _key_of(chain[0], key, KEY_SETTING, passwords)
    facts = inspect(chain[0])
    renewal, failure = _renewal(attributes, layout, facts)
    sent = None
    if not obtains_certificate(attributes):
        sent = served_certificate(attributes, layout).chain(layout.ssl / "ca.crt")
    yield Installed(
        "server", path, use, facts, state, host=host, renewal=renewal, failure=failure, chain=sent
    )
    for pem in chain[1:]:
        yield Installed("issuer", path, "NGINX, sent along with the server's", inspect(pem))


def _renewal(attributes: Attributes, layout: Layout, facts: CertificateFacts) -> tuple[str, str]:
    """Who renews the server's certificate from when on, and what kept it from that."""
    if not obtains_certificate(attributes):
        return "", ""
    from ctl.acme.due import renewal_from
    from ctl.acme.record import Attempts
    from ctl.acme.wanted import Places

    settings, own = attributes.letsencrypt, layout.ssl / "ca.crt"
    authority = _host(settings.acme_production_endpoint)
    try:
        failure = Attempts.read(Places.of(layout, settings).attempts).reason
    except PermissionError:  # only root may know
        failure = ""
    stands_in = os.path.lexists(own) and issued_by(
        read(server := Path(attributes.registry.nginx.ssl_certificate), SETTING),
        read(own, "the local CA"),
        where=str(server),
    )
    if stands_in:
        return f"used until there is one of {authority}", failure
    how = "" if settings.auto_renew else ", by ctl renew-le-certs"
    return f"by {authority} from {renewal_from(facts):%Y-%m-%d} on{how}", failure


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _authority(layout: Layout, served: list[Installed]) -> Iterator[Installed]:
    path, key = layout.ssl / "ca.crt", layout.ssl / "ca.key"
    if not os.path.lexists(path):
        return
    try:
        chain = _chain(path, "the local CA")
    except CtlError as error:
        yield _unread("ca", path, "signs server certificates", error)
        return
    for number, pem in enumerate(chain):
        use, state = _authority_use(layout, pem, key, served, first=number == 0)
        yield Installed("ca", path, use, inspect(pem), state)


def _authority_use(
    layout: Layout, pem: bytes, key: Path, served: list[Installed], *, first: bool
) -> tuple[str, Key | None]:
    """What a CA of the file is for, and its key: a second one waits for its time, or is only trusted."""
    waiting = Authority(layout.ssl / "ca.crt", key).next_key
    if not first and not os.path.lexists(waiting):
        return "is trusted beside the first", None
    state = _key_of(pem, key if first else waiting, "the local CA", None)
    if state.state is KeyState.MISSING:
        state = Key(KeyState.ELSEWHERE, state.path)
    if first:
        return "signs server certificates" if _signs(pem, served) else "signed nothing that is served", state
    end = renewal_end(layout)
    when = f" from {datetime.fromtimestamp(end):%Y-%m-%d %H:%M} on" if end else ""
    return f"takes the place of the first{when}: clients must trust it by then", state


def _signs(ca: bytes, served: list[Installed]) -> bool:
    """Whether the CA signed what NGINX serves; as long as that is unknown, it is there to do so."""
    server = next((one for one in served if one.kind == "server"), None)
    return server is None or server.facts is None or issued_by(read(server.path, SETTING), ca)


def _token(attributes: Attributes, layout: Layout) -> Iterator[Installed]:
    if not attributes.registry.enable:
        return
    path, use = Path(attributes.registry.rootcertbundle), "the registry, verifies tokens"
    try:
        bundle = _chain(path, BUNDLE_SETTING)
    except CtlError as error:
        yield _unread("token", path, use, error)
        return
    keys = _token_keys(attributes, layout, bundle)
    for pem, key in zip(bundle, keys, strict=True):
        yield Installed("token", path, use, inspect(pem), key)


def _token_keys(attributes: Attributes, layout: Layout, bundle: list[bytes]) -> list[Key]:
    """Whether each certificate of the bundle belongs to the key; it is enough when one has it."""
    path = _token_key_path(attributes)
    try:
        key = read(path, 'gitlab_rails["registry_key_path"]').decode("ascii", "replace") if path else None
        key = key or _secret_key(attributes, layout)
        if key is None:
            return [Key(KeyState.ELSEWHERE, path)] * len(bundle)
        found = [matches(key, pem.decode("ascii")) for pem in bundle]
    except PermissionError:
        return [Key(KeyState.UNKNOWN, path or layout.secrets_file)] * len(bundle)
    except UnusableKey as error:
        where = path or layout.secrets_file
        return [Key(KeyState.UNUSABLE, where, f"the key of tokens ({where}) {error}")] * len(bundle)
    except CtlError as error:
        state = KeyState.UNKNOWN if _denied(error) else KeyState.UNUSABLE
        return [Key(state, path, error.message)] * len(bundle)
    other = KeyState.OTHER if any(found) else KeyState.DIFFERS
    return [Key(KeyState.MATCHES if one else other, path or layout.secrets_file) for one in found]


def _token_key_path(attributes: Attributes) -> Path | None:
    """The file with the key of whoever signs here; also where only root may see whether it is there."""
    signer = next(signers(attributes), None)
    if signer is None:
        return None
    path = Path(signer.key)
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        return path
    return path


def _secret_key(attributes: Attributes, layout: Layout) -> str | None:
    """The key among the secrets or in the settings. Raises PermissionError where only root may know."""
    for name in ("registry.internal_key", "gitlab_rails.internal_key"):
        if attributes.origin(name).kind is OriginKind.GENERATED:
            continue
        section, _, key = name.partition(".")
        value = attributes[section][key]
        if value:
            return str(value)
    if layout.secrets_file.exists() and not os.access(layout.secrets_file, os.R_OK):
        raise PermissionError(layout.secrets_file)
    return None


def _key_of(certificate: bytes, path: Path, setting: str, password_file: Path | None) -> Key:
    try:
        passwords = read(password_file, PASSWORD_SETTING).splitlines() if password_file else []
        public = public_of_key(
            read(path, setting), passwords=[line for line in passwords if line], where=str(path)
        )
    except CtlError as error:
        if _denied(error):
            return Key(KeyState.UNKNOWN, path)
        missing = isinstance(error.__cause__, FileNotFoundError)
        return Key(KeyState.MISSING if missing else KeyState.UNUSABLE, path, error.message)
    same = public == public_of_chain(certificate)[0]
    return Key(KeyState.MATCHES if same else KeyState.DIFFERS, path)


def _chain(path: Path, setting: str) -> list[bytes]:
    """The certificates of a file, each as PEM. Raises CtlError naming the file."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return [one.public_bytes(Encoding.PEM) for one in load_chain(read(path, setting), where=str(path))]


def _unread(kind: str, path: Path, use: str, error: CtlError) -> Installed:
    return Installed(kind, path, use, problem=error.message, denied=_denied(error))


def _denied(error: CtlError) -> bool:
    return isinstance(error.__cause__, PermissionError)
