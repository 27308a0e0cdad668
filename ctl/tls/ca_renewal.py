"""A new local CA in the place of the present one: clients are given both first, then the new one signs.

The CA's file (ca.crt) has both meanwhile, the present one first. The new key waits beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ctl.converge import Absent, File, Item, Service, mask_all
from ctl.converge.inspect import look, read_file
from ctl.errors import CtlError, UsageFault
from ctl.machine.moment import moment
from ctl.paths import Layout
from ctl.tls.authority import Pair, is_local, issue, next_authority
from ctl.tls.certificates import after_first, each, matches
from ctl.tls.host_names import certificate_names
from ctl.tls.local_ca import Authority
from ctl.tls.resources import CERTIFICATE_MODE, KEY_MODE, ServerCertificate


def renewal_file(layout: Layout) -> Path:
    """Where it is kept until when clients have time."""
    return layout.state / "ca-renewal.json"


def renewal_end(layout: Layout) -> float:
    """When the new CA takes the place of the present one, in seconds since 1970; 0 where none waits.

    Raises:
        CtlError: the record is damaged.
    """
    path = renewal_file(layout)
    try:
        return moment(json.loads(path.read_bytes())["until"])
    except (FileNotFoundError, PermissionError):
        return 0.0
    except (ValueError, KeyError, TypeError) as error:
        raise CtlError(f"{path} is damaged: {error}", hint=f"Remove it: rm {path}") from error


def authority_of(served: ServerCertificate) -> Authority:
    """The local CA of a node.

    Raises:
        UsageFault: its certificate is of no local CA, or that is an administrator's own.
        CtlError: there is none yet.
    """
    found = served.authority
    if found is None:
        raise UsageFault(f"{served.certificate} is not of a local CA: there is none to renew")
    if look(found.certificate) is None:
        raise CtlError("there is no local CA yet", hint="`ctl reconfigure` makes one where it is needed.")
    if not served.local():
        raise UsageFault(
            f"{served.certificate} was not issued by {found.certificate}: there is nothing to renew"
        )
    if not is_local(read_file(found.certificate)):
        raise UsageFault(
            f"{found.certificate} is an administrator's own CA",
            hint="Put the new one and its key in its place, and run `ctl reconfigure`.",
        )
    return found


def next_pair(served: ServerCertificate) -> Pair | None:
    """The new CA that waits; None where it is not whole: a file was removed, or put back from before.

    Raises:
        UsageFault, CtlError: as `authority_of`.
    """
    authority = authority_of(served)
    certificate = after_first(read_file(authority.certificate))
    if look(authority.next_key) is None or not certificate:
        return None
    pair = Pair(certificate, read_file(authority.next_key))
    return pair if matches(pair.key, pair.certificate) else None


def begin(layout: Layout, served: ServerCertificate, until: float) -> Iterator[Item]:
    """Make a new CA, and give it to clients beside the present one; the record says until when.

    Args:
        layout: the root.
        served: the certificate that clients see.
        until: seconds since 1970.
    """
    authority = authority_of(served)
    present = each(read_file(authority.certificate))[0]
    made = next_authority(served.host, now=datetime.now(UTC))
    yield File(authority.next_key, content=made.key.decode(), mode=KEY_MODE, mask=mask_all)
    yield File(authority.certificate, content=(present + made.certificate).decode(), mode=CERTIFICATE_MODE)
    yield File(renewal_file(layout), content=json.dumps({"until": until}) + "\n", mode=0o600)


def finish(layout: Layout, served: ServerCertificate) -> Iterator[Item]:
    """Let the new CA sign from now on, the server's certificate first; the former one goes.

    Raises:
        CtlError: its key or certificate is not there, or they do not belong together.
    """
    authority, pair = authority_of(served), next_pair(served)
    if pair is None:
        raise CtlError(
            f"the new CA is not whole: {authority.next_key}, and the second certificate in {authority.certificate}",
            hint="Make another: ctl certificates renew --ca",
        )
    server = issue(pair, certificate_names(served.host), now=datetime.now(UTC))
    yield File(authority.key, content=pair.key.decode(), mode=KEY_MODE, mask=mask_all)
    yield File(authority.certificate, content=pair.certificate.decode(), mode=CERTIFICATE_MODE)
    yield replace(served, issued=server)
    yield Absent(authority.next_key)
    yield Absent(renewal_file(layout))
    if (layout.service / "nginx").is_symlink():
        yield Service("nginx")
