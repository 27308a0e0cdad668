"""The certificate that NGINX shows to clients: what is wrong with it, and what clients need to be given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ctl.converge.model import Machine
from ctl.converge.resources.actions import reload
from ctl.errors import CtlError
from ctl.language.source import Diagnostic, Severity
from ctl.nginx.vhost import host
from ctl.paths import Layout
from ctl.settings.attributes import Attributes
from ctl.settings.rules.letsencrypt import certificate_given, obtains_certificate
from ctl.settings.rules.vhost import serves_registry
from ctl.tls.local_ca import Authority
from ctl.tls.resources import ServerCertificate

CERTIFICATE, KEY = "registry.nginx.ssl_certificate", "registry.nginx.ssl_certificate_key"


def served_certificate(attributes: Attributes, layout: Layout) -> ServerCertificate:
    """The certificate that clients see; made here only where the settings name none."""
    vhost, letsencrypt = attributes.registry.nginx, attributes.letsencrypt
    given, obtained = certificate_given(attributes), obtains_certificate(attributes)
    return ServerCertificate(
        Path(vhost.ssl_certificate),
        Path(vhost.ssl_certificate_key),
        host=host(attributes),
        served=Path(attributes.nginx.dir) / "run/certificate",
        authority=None if given else Authority(layout.ssl / "ca.crt", layout.ssl / "ca.key"),
        password_file=Path(vhost.ssl_password_file) if vhost.ssl_password_file else None,
        owner=letsencrypt.owner if obtained else None,
        group=letsencrypt.group if obtained else None,
        notifies=(reload("nginx"),),
    )


def problems(attributes: Attributes, layout: Layout, machine: Machine) -> Iterator[Diagnostic]:
    """Why a run would refuse the certificate or its key, as far as this user can see that; and the remarks."""
    if not (serves_registry(attributes) and attributes.registry.nginx.https):
        return
    served = served_certificate(attributes, layout)
    try:
        served.plan(machine)
    except CtlError as error:
        if isinstance(error.__cause__, PermissionError):
            message = f"{error.message}: whether the certificate and its key can be used is not checked"
            yield Diagnostic(message, severity=Severity.NOTE)
        else:
            setting = KEY if error.message.startswith(f"{served.key}") else CERTIFICATE
            yield Diagnostic(error.message, attributes.origin(setting).location, setting, error.hint or "")
            return
    yield from remarks(attributes, layout)


def remarks(attributes: Attributes, layout: Layout) -> Iterator[Diagnostic]:
    """What clients will object to, and what they need to be given; for a certificate that can be used."""
    served = served_certificate(attributes, layout)
    place = attributes.origin(CERTIFICATE).location
    warnings, notes = served.warnings(), []
    chain = None if obtains_certificate(attributes) else served.chain(layout.ssl / "ca.crt")
    if chain:
        warnings, notes = [*warnings, *chain.warnings(served.certificate)], chain.notes(served.certificate)
    for severity, texts in ((Severity.WARNING, warnings), (Severity.NOTE, notes)):
        yield from (
            Diagnostic(text, place, CERTIFICATE if place else "", severity=severity) for text in texts
        )
