"""Speaks with the authority. Heavy: import it only to do so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from acme import challenges, client, crypto_util, errors, messages
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from josepy import errors as jose_errors
from josepy import jwa, jwk

from ctl import __version__
from ctl.acme.account import account_key
from ctl.acme.challenge import serving
from ctl.acme.reasons import (
    NotIssued,
    Problem,
    not_acme,
    not_valid,
    refused,
    undecided,
    unreachable,
    untrusted,
)
from ctl.acme.wanted import Job
from ctl.distribution import distribution
from ctl.tls.authority import Pair
from ctl.tls.certificates import load_chain

if TYPE_CHECKING:
    from cryptography import x509

PATIENCE = 120.0
"""Seconds in which an authority validates and issues."""
TIMEOUT = 20
"""Seconds for each of its answers."""
SERVER_ERROR = 500
TRUST_VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
_CURVES = {"prime256v1": ec.SECP256R1(), "secp384r1": ec.SECP384R1(), "secp521r1": ec.SECP521R1()}


@dataclass(frozen=True)
class Issued:
    """What an authority issued.

    Args:
        pair: the certificate with its chain, and its key.
        remark: what was not as wished; "" where all was.
    """

    pair: Pair
    remark: str = ""


@dataclass(frozen=True)
class Session:
    """One visit to an authority.

    Args:
        job: what is wanted.
        directory: URL of the authority's directory: the wanted one, or that for trials.
    """

    job: Job
    directory: str

    @property
    def authority(self) -> str:
        """The authority's host."""
        return urlsplit(self.directory).netloc

    def obtain(self) -> Issued:
        """A certificate for the names that are wanted.

        Raises:
            NotIssued: there is none, with the reason.
        """
        with self._explained():
            acme = self._open()
            self._register(acme)
            key = make_key(self.job.wanted.key)
            order = acme.new_order(crypto_util.make_csr(key, list(self.job.wanted.names)))
            end = datetime.now() + timedelta(seconds=PATIENCE)
            with serving(self.job.places.challenges, self._files(acme, order)):
                self._answer(acme, order)
                order = acme.poll_authorizations(order, end)
            order = acme.finalize_order(order, end, fetch_alternative_chains=True)
            return self._chosen(order, key)

    def _open(self) -> client.ClientV2:
        key = jwk.JWKEC(key=account_key(self.job.places.account_key))
        network = client.ClientNetwork(
            key,
            alg=jwa.ES256,
            verify_ssl=trust(self.job.settings.acme_ca_file),  # type: ignore[arg-type]  # a path will do
            user_agent=f"registry-ctl/{__version__}",
            timeout=TIMEOUT,
        )
        return client.ClientV2(client.ClientV2.get_directory(self.directory, network), network)

    def _register(self, acme: client.ClientV2) -> None:
        """Make an account, or find that of the key; it must have the contacts of the settings."""
        contacts = tuple(f"mailto:{email}" for email in self.job.settings.contact_emails)
        wanted = messages.NewRegistration(contact=contacts, terms_of_service_agreed=True)
        try:
            acme.new_account(wanted)
        except errors.ConflictError as known:
            found = messages.RegistrationResource(uri=known.location, body=messages.Registration())
            account = acme.query_registration(found)
            if set(account.body.contact or ()) != set(contacts):
                acme.update_registration(account, messages.Registration(contact=contacts))

    def _files(self, acme: client.ClientV2, order: messages.OrderResource) -> dict[str, str]:
        """Content of each challenge's file."""
        return {
            body.chall.encode("token"): body.chall.validation(acme.net.key)
            for body in self._challenges(order)
        }

    def _answer(self, acme: client.ClientV2, order: messages.OrderResource) -> None:
        for body in self._challenges(order):
            acme.answer_challenge(body, body.chall.response(acme.net.key))

    def _challenges(self, order: messages.OrderResource) -> Iterator[messages.ChallengeBody]:
        """One of each name that is not validated already."""
        for authorization in order.authorizations:
            if authorization.body.status == messages.STATUS_VALID:
                continue
            ways = authorization.body.challenges
            found = next((body for body in ways if isinstance(body.chall, challenges.HTTP01)), None)
            if found is None:
                name = authorization.body.identifier.value
                raise NotIssued(f"{self.authority} does not validate {name} through a web server (HTTP-01)")
            yield found

    def _chosen(self, order: messages.OrderResource, key: bytes) -> Issued:
        """The chain that leads to the wanted root, else the authority's own choice."""
        offered, wanted = [order.fullchain_pem, *order.alternative_fullchains_pem], self.job.wanted.chain
        fitting = [pem for pem in offered if wanted is None or wanted == root_of(pem.encode())]
        pair = Pair((fitting or offered)[0].encode(), key)
        if fitting:
            return Issued(pair)
        roots = ", ".join(dict.fromkeys(root_of(pem.encode()) for pem in offered))
        return Issued(pair, f'no chain leads to {wanted} (letsencrypt["chain"]); offered: {roots}')

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the libraries raise into the reason."""
        try:
            yield
        except errors.ValidationError as error:
            port = self.job.node.attributes.registry.nginx.redirect_http_to_https_port
            raise not_valid(list(_problems(error)), authority=self.authority, port=port) from error
        except errors.TimeoutError as error:
            raise undecided(self.authority, PATIENCE) from error
        except errors.IssuanceError as error:
            raise self._refused(error.error) from error
        except messages.Error as error:
            raise self._refused(error) from error
        except requests.exceptions.SSLError as error:
            raise untrusted(self.authority, _innermost(error)) from error
        except requests.exceptions.RequestException as error:
            raise unreachable(self.authority, _innermost(error)) from error
        except errors.ClientError as error:
            raise self._no_acme(error) from error
        except (errors.Error, jose_errors.Error, AttributeError, KeyError, TypeError, ValueError) as error:
            raise not_acme(self.authority, f"{type(error).__name__}: {error}") from error

    def _no_acme(self, error: errors.ClientError) -> NotIssued:
        """An answer that is no JSON: of a web server, or of one in front of an authority that is down."""
        status = getattr(next(iter(error.args), None), "status_code", None)
        if status is None:
            return not_acme(self.authority, f"{type(error).__name__}: {error}")
        problem = f"{self.directory}: HTTP status {status}"
        return (
            unreachable(self.authority, problem)
            if status >= SERVER_ERROR
            else not_acme(self.authority, problem)
        )

    def _refused(self, error: messages.Error) -> NotIssued:
        return refused(_problem(error), authority=self.authority, now=datetime.now(UTC))


def _problems(error: errors.ValidationError) -> Iterator[Problem]:
    for authorization in error.failed_authzrs:
        for body in authorization.body.challenges:
            if body.error is not None:
                yield _problem(body.error, authorization.body.identifier.value)


def _problem(error: messages.Error, name: str = "") -> Problem:
    details = [
        error.detail or "",
        *(f"{one.identifier.value}: {one.detail}" for one in error.subproblems or () if one.identifier),
    ]
    return Problem(error.code or str(error.typ), " ".join(filter(None, details)), name)


def _innermost(error: BaseException) -> str:
    """What the system problem, without the libraries' wrapping."""
    words, seen = str(error), set[int]()
    reason: BaseException | None = error
    while reason is not None and id(reason) not in seen:
        seen.add(id(reason))
        problem = getattr(reason, "verify_message", None) or getattr(reason, "strerror", None)
        words = str(problem or words)
        reason = _inner(reason)
    return words.rpartition("Pool(")[2].partition("): ")[2] or words


def _inner(error: BaseException) -> BaseException | None:
    """What another error was made from: some name it, some hold it, some were raised from it."""
    held = [getattr(error, "reason", None), *error.args, error.__cause__, error.__context__]
    return next((one for one in held if isinstance(one, BaseException)), None)


def trust(given: str | None) -> str | bool:
    """The certificates by which the authority itself is trusted: a file, or True for those that the library brings."""
    named = [given, *(os.environ.get(name) for name in TRUST_VARIABLES)]
    found = next((one for one in named if one), None)
    bundle = distribution().ca_bundle
    if found is None and bundle.exists():
        found = str(bundle)
    if found is not None and not Path(found).exists():
        raise NotIssued(f"{found}, which should vouch for the authority, does not exist")
    return found or True


def make_key(kind: str) -> bytes:
    """A new key.

    Args:
        kind: as Wanted.key.

    Returns:
        PEM, PKCS 8.
    """
    family, _, size = kind.partition(" ")
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    if family == "ecdsa":
        key = ec.generate_private_key(_CURVES[size])
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=int(size))
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def root_of(pem: bytes) -> str:
    """Common name of the root to which a chain leads: the issuer of its last certificate."""
    return _common_name(load_chain(pem, where="the chain")[-1].issuer)


def _common_name(name: x509.Name) -> str:
    from cryptography.x509.oid import NameOID

    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()
