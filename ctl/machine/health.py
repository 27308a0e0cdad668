"""What must be true of a service that is well: it answers over HTTP as declared, its folders can be used.

Checks are data in the definition of a service, so that whoever asks, `ctl status` too, needs no settings.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ctl.errors import naming
from ctl.machine.as_account import Identity, failure_as
from ctl.machine.http import Reply, get

ANSWER_SECONDS = 5.0
"""For one answer; it takes some thousandths."""
_CLIENT_ERROR, _SERVER_ERROR = 400, 500


class HttpCheck(NamedTuple):
    """It answers a GET.

    Args:
        address: where to connect: "127.0.0.1:5000", "*:443", "unix:/path".
        path: what to get.
        host: as clients name it.
        statuses: what it may answer; () for whatever is no error of a server.
        realm: in WWW-Authenticate of a 401; "" for any.
        certificate: the file of the certificate that it must present, PEM; "" without TLS.
        proxy_protocol: whether it wants to get the client's address first.
        via: the service that is in between; it may be changed without this one.
    """

    address: str
    path: str
    host: str
    statuses: tuple[int, ...] = ()
    realm: str = ""
    certificate: str = ""
    proxy_protocol: bool = False
    via: str = ""

    def problem(self) -> str | None:
        """Why it is not so, to follow the name of the service; None where all is well."""
        try:
            reply = self._ask()
        except TimeoutError:
            return f"does not answer at {self.place} within {ANSWER_SECONDS:.0f} s"
        except OSError as error:
            return f"does not answer at {self.place}: {error.strerror or error}"
        except ValueError:
            return f"does not answer as HTTP at {self.place}"
        return self._wrong(reply) or self._other_certificate(reply)

    def client_problem(self) -> str | None:
        """As `problem`, or why clients refuse its certificate; one connection where all is well."""
        if not self.certificate:
            return self.problem()
        try:
            reply = self._ask(Path(self.certificate))
        except (OSError, ValueError):  # which of both it is, the questions apart from each other show
            return self.problem() or self.certificate_problem()
        return self._wrong(reply) or self._other_certificate(reply)

    def certificate_problem(self) -> str | None:
        """Whether the certificate that clients see has ended, which a restart neither causes nor cures."""
        if not self.certificate:
            return None
        import ssl

        try:
            self._ask(Path(self.certificate))
        except ssl.SSLCertVerificationError as error:
            return f"presents a certificate that clients refuse: {error.verify_message} ({self.certificate})"
        except (OSError, ValueError):  # `problem` reports that
            return None
        return None

    def _ask(self, roots: Path | None = None) -> Reply:
        return get(
            self.address,
            self.path,
            host=self.host,
            seconds=ANSWER_SECONDS,
            tls=bool(self.certificate),
            proxy_protocol=self.proxy_protocol,
            roots=roots,
        )

    def _wrong(self, reply: Reply) -> str | None:
        answer = f"answers {reply.status} {reply.reason}".strip() + f" at {self.place}"
        if reply.status not in self.statuses if self.statuses else reply.status >= _SERVER_ERROR:
            return answer
        challenge = reply.headers.get("www-authenticate", "")
        if reply.status == _CLIENT_ERROR + 1 and self.realm and f'realm="{self.realm}"' not in challenge:
            return f'sends clients for tokens elsewhere than to {self.realm} at {self.place}: "{challenge}"'
        return None

    def _other_certificate(self, reply: Reply) -> str | None:
        if not self.certificate:
            return None
        import ssl

        try:
            leaf = Path(self.certificate).read_text(encoding="ascii").partition(_END)
            present = ssl.PEM_cert_to_DER_cert("".join(leaf[:2])[leaf[0].index("-----BEGIN") :])
        except OSError:  # root's alone: whether it is that one cannot be seen
            return None
        except ValueError:
            return f"presents a certificate at {self.place}, and {self.certificate} holds none"
        if present == reply.certificate:
            return None
        return f"presents another certificate at {self.place} than {self.certificate} has"

    @property
    def place(self) -> str:
        """Where it is asked, and through what."""
        scheme = "https" if self.certificate else "http"
        through = f" through {self.via}" if self.via else ""
        return f"{scheme}://{self.host}{self.path}{through}"

    def facts(self) -> dict[str, object]:
        """As plain data."""
        return {"kind": "http", **self._asdict()}


_END = "-----END CERTIFICATE-----"
_BLOCK = b"x" * 4096


class FolderCheck(NamedTuple):
    """Its account can read and write in a folder, and in some below it where they are.

    Args:
        path: the folder.
        user, group: whose rights count; "" for those of the caller.
        below: folders in it that are tried too, where they are.
        entered: further ones, of which only the rights are looked at: a file would be in somebody's way there.
        writes: whether it must be able to write.
    """

    path: str
    user: str = ""
    group: str = ""
    below: tuple[str, ...] = ()
    entered: tuple[str, ...] = ()
    writes: bool = True

    @property
    def via(self) -> str:
        """Nothing is in between."""
        return ""

    def problem(self) -> str | None:
        """Why it is not so, to follow the name of the service; None where all is well or cannot be tried."""
        identity = self._identity()
        found = failure_as(identity, self._use) if identity else ""
        if not found:
            return None
        who = f" as user {self.user}" if self.user else ""
        return f"cannot {'write' if self.writes else 'read'} its storage{who}: {found}"

    def client_problem(self) -> str | None:
        """As `problem`."""
        return self.problem()

    def _use(self) -> None:
        """Look into each folder; write a file in each, read it, remove it. Raises OSError."""
        folders = [Path(self.path), *self._there(self.below)]
        for folder in folders:
            with os.scandir(folder) as entries:
                next(entries, None)
        if not self.writes:
            return
        for folder in self._there(self.entered):
            if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        for folder in folders:
            _write(folder / f".ctl-health-{os.getpid()}")

    def _there(self, names: Iterable[str]) -> list[Path]:
        return [path for name in names if (path := Path(self.path, name)).is_dir()]

    def _identity(self) -> Identity | None:
        """Whose rights a process must have; None where this caller cannot give it those."""
        own = os.geteuid()
        if not self.user:
            return Identity(own, os.getegid())
        import grp
        import pwd

        try:
            uid, gid = pwd.getpwnam(self.user).pw_uid, grp.getgrnam(self.group).gr_gid
        except KeyError:
            return None
        if own == uid:
            return Identity(own, os.getegid())
        return Identity(uid, gid) if own == 0 else None

    def facts(self) -> dict[str, object]:
        """As plain data."""
        return {"kind": "folder", **self._asdict()}


def _write(path: Path) -> None:
    """Write a block, since a full disk still takes empty files, read and remove it. Raises OSError with the folder."""
    with naming(path.parent):
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            if os.write(file, _BLOCK) != len(_BLOCK) or os.pread(file, len(_BLOCK), 0) != _BLOCK:
                raise OSError(errno.EIO, "what was written is not what is read")
        finally:
            os.close(file)
            path.unlink()


Check = HttpCheck | FolderCheck
_KINDS: Mapping[str, type[HttpCheck | FolderCheck]] = {"http": HttpCheck, "folder": FolderCheck}


def read_check(facts: Mapping[str, Any]) -> Check:
    """A check from plain data. Raises KeyError or TypeError where it is none."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()
    }
    return _KINDS[values.pop("kind")](**values)
