"""Certificates of the token pair that were in use before, and are accepted for some more time.

Tokens of the former key are on their way when a pair changes: they hold for some minutes. The registry accepts
them until these have passed; the record in ctl's state says until when.
"""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from ctl.converge.inspect import look, read_file
from ctl.converge.model import Resource
from ctl.converge.resources.entries import Absent, File
from ctl.errors import CtlError
from ctl.machine.moment import moment
from ctl.paths import Layout

GRACE = 600.0
"""Seconds: tokens hold five minutes where nothing else is set, and the registry allows one more."""
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class Former:
    """A certificate that was in use before.

    Args:
        certificate: PEM.
        until: when it is no longer accepted, in seconds since 1970.
    """

    certificate: str
    until: float


@dataclass(frozen=True)
class Overlap:
    """What the registry accepts beside the certificate of the settings.

    Args:
        former: in the order in which they were replaced, the last first; empty for nothing.
        bundle: the file in which the registry finds them.
        keys: the file of the same keys under GitLab's names; "" where the registry has none.
    """

    former: tuple[Former, ...] = ()
    bundle: str = ""
    keys: str = ""

    @classmethod
    def of(cls, layout: Layout, bundle: Path, wanted: str, *, grace: float = GRACE) -> Overlap:
        """What a run must go on to accept: what the registry accepts now, each until its time is over.

        Args:
            layout: the root.
            bundle: the file of certificates that the registry reads.
            wanted: what the settings say, PEM.
            grace: seconds for what was not replaced before; 0 for nothing but what the settings say.
        """
        if not grace:
            return cls()
        now = time.time()
        recorded = read_record(layout).former
        until = {der(one.certificate): one.until for one in recorded}
        known = {der(one) for one in certificates(wanted)}
        present = [*certificates(text_of(bundle)), *(one.certificate for one in recorded)]
        others = {der(one): one for one in present if der(one) not in known}
        former = (Former(text, until.get(one, now + grace)) for one, text in others.items())
        return cls(tuple(one for one in former if one.until > now), str(bundle))

    @property
    def end(self) -> float:
        """When the next of them goes; 0 where there is none."""
        return min((one.until for one in self.former), default=0.0)

    def text(self, wanted: str) -> str:
        """The content of the registry's bundle.

        Args:
            wanted: what the settings say, PEM.
        """
        if not self.former:
            return wanted
        return "".join([wanted.rstrip("\n") + "\n", *(one.certificate for one in self.former)])


def record_file(layout: Layout) -> Path:
    """Where the record is."""
    return layout.state / "former-certificates.json"


def record(layout: Layout, overlap: Overlap) -> Resource:
    """The record as a resource, so that it is undone with the rest of a run."""
    path = record_file(layout)
    if not overlap.former:
        return Absent(path)
    return File(path, content=as_text(overlap), mode=0o600)


def as_text(overlap: Overlap) -> str:
    """The record's own form."""
    return json.dumps(asdict(overlap), indent=2) + "\n"


def read_record(layout: Layout) -> Overlap:
    """The record, as the last run left it.

    Raises:
        CtlError: it is damaged.
    """
    path = record_file(layout)
    try:
        found = json.loads(path.read_text(encoding="ascii"))
        former = tuple(
            Former(_whole(str(one["certificate"])), moment(one["until"])) for one in found["former"]
        )
        return Overlap(former, str(found["bundle"]), str(found["keys"]))
    except (FileNotFoundError, PermissionError):
        return Overlap()
    except (ValueError, KeyError, TypeError) as error:
        raise CtlError(f"{path} is damaged: {error}", hint=f"Remove it: rm {path}") from error


def _whole(certificate: str) -> str:
    """A certificate of a record. Raises ValueError where it is none, as far as its first and last bytes show it."""
    content = base64.b64decode(der(certificate), validate=True)
    # a sequence, with its length in two bytes: those of every RSA key do
    if content[:2] != b"\x30\x82" or int.from_bytes(content[2:4]) != len(content) - 4:
        raise ValueError("a certificate in it is cut off, or none")
    return certificate


def certificates(pem: str) -> list[str]:
    """Each certificate of a text, as PEM."""
    return [f"{match[0]}\n" for match in _CERTIFICATE.finditer(pem)]


def der(certificate: str) -> str:
    """What two forms of one certificate have in common."""
    return "".join("".join(match[1].split()) for match in _CERTIFICATE.finditer(certificate))


def text_of(path: Path) -> str:
    try:
        return read_file(path).decode("ascii", "replace") if look(path) else ""
    except PermissionError:
        return ""  # a dry run of somebody who may not see it
