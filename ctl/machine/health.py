"""What must be true of a service that is well: it answers over HTTP as declared, its folders can be used.

Checks are data in the definition of a service, so that whoever asks, `ctl status` too, needs no settings.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from ctl.machine.http import Reply, get

ANSWER_SECONDS = 5.0
"""For one answer; it takes some thousandths."""
_CLIENT_ERROR, _SERVER_ERROR = 400, 500


@dataclass(frozen=True)
class HttpCheck:
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

    kind: ClassVar[str] = "http"
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
        except OSError:  # root's alone: whether it is that one cannot be seen
            return None
        if ssl.PEM_cert_to_DER_cert("".join(leaf[:2])[leaf[0].index("-----BEGIN") :]) == reply.certificate:
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
        return {"kind": self.kind, **asdict(self)}


_END = "-----END CERTIFICATE-----"


@dataclass(frozen=True)
class FolderCheck:
    """Its account can read and write in a folder, and in some below it where they are.

    Args:
        path: the folder.
        user, group: whose rights count; "" for those of the caller.
        below: folders in it that are tried too, where they are.
        entered: further ones, of which only the rights are looked at: a file would be in somebody's way there.
        writes: whether it must be able to write.
    """

    kind: ClassVar[str] = "folder"
    path: str
    user: str = ""
    group: str = ""
    below: tuple[str, ...] = ()
    entered: tuple[str, ...] = ()
    writes: bool = True
    via: ClassVar[str] = ""

    def problem(self) -> str | None:
        """Why it is not so, to follow the name of the service; None where all is well or cannot be tried."""
        identity = self._identity()
        if identity is None:
            return None
        try:
            self._run((".", *self.below), self.entered, identity)
        except _Refused as refused:
            verb = "write" if self.writes else "read"
            who = f" as user {self.user}" if self.user else ""
            return f"cannot {verb} its storage{who}: {refused}"
        return None

    def client_problem(self) -> str | None:
        """As `problem`."""
        return self.problem()

    def _run(self, used: Sequence[str], entered: Sequence[str], identity: Mapping[str, Any]) -> None:
        places = [os.path.normpath(f"{self.path}/{name}") for name in (*used, *entered)]
        done = subprocess.run(
            ["/bin/sh", "-c", _WRITES if self.writes else _READS, "sh", str(len(used)), *places],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            check=False,
            cwd="/",
            **identity,
        )
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or ["no permission"]
            raise _Refused(lines[-1].removeprefix("sh: ").partition(": ")[2] or lines[-1])

    def _identity(self) -> dict[str, Any] | None:
        """How a process takes on the account; None where this caller may not."""
        if not self.user:
            return {}
        import grp
        import pwd

        try:
            uid, gid = pwd.getpwnam(self.user).pw_uid, grp.getgrnam(self.group).gr_gid
        except KeyError:
            return None
        if os.geteuid() == uid:
            return {}
        return {"user": uid, "group": gid, "extra_groups": []} if os.geteuid() == 0 else None

    def facts(self) -> dict[str, object]:
        """As plain data."""
        return {"kind": self.kind, **asdict(self)}


class _Refused(Exception):
    """A folder cannot be used; says which and why."""


# Each program that a shell starts takes as long as all the rest: so one lists, one removes, and the shell does the
# others. The text has the size of a block, since a full disk still takes empty files; its first line is short, since a
# shell reads byte by byte.
_WRITES = """
used=$1 top=$2 number=0
shift
for folder; do
    number=$((number + 1))
    [ "$folder" = "$top" ] || [ -d "$folder" ] || continue
    if [ "$number" -gt "$used" ]; then
        [ -r "$folder" ] && [ -w "$folder" ] && [ -x "$folder" ] && continue
        echo "sh: 1: $folder: Permission denied" >&2
        exit 1
    fi
    set -- "$@" "$folder"
done
shift "$number"
ls "$@" >/dev/null || exit 1
number=$#
for folder; do
    file=$folder/.ctl-health-$$
    set -- "$@" "$file"
    printf 'x\\n%4093s\\n' x >"$file" && read -r _ <"$file" && continue
    shift "$number"
    rm -f "$@" 2>/dev/null
    exit 1
done
shift "$number"
rm "$@"
"""
_READS = 'shift; for folder; do [ ! -d "$folder" ] || ls "$folder" >/dev/null || exit 1; done'

Check = HttpCheck | FolderCheck
_KINDS: Mapping[str, type[HttpCheck | FolderCheck]] = {"http": HttpCheck, "folder": FolderCheck}


def read_check(facts: Mapping[str, Any]) -> Check:
    """A check from plain data. Raises KeyError or TypeError where it is none."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()
    }
    return _KINDS[values.pop("kind")](**values)
