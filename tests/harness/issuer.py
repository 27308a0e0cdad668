"""A root whose own issuer signs: accounts written beforehand, and a client that asks for tokens."""

from __future__ import annotations

import base64
import functools
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ctl.auth.accounts import Accounts, DeployToken, Grant, User
from ctl.auth.accounts_file import render_accounts
from ctl.auth.passwords import digest
from tests.harness.https import Answer, Client
from tests.harness.people import Person
from tests.harness.root import Root, RootMaker

FILE = "etc/gitlab/registry-accounts.json"
SOCKET = "var/opt/gitlab/run/registry-auth/current.sock"
LOGS = ("var/log/gitlab/registry-auth/current", "var/log/gitlab/registry-auth/refused/current")
SERVICE = "container_registry"
GRANTS: dict[str, tuple[Grant, ...]] = {
    "pusher": (Grant("team/**", ("pull", "push")),),
    "reader": (Grant("team/**", ("pull",)),),
    "cleaner": (Grant("team/**", ("pull", "delete")),),
    "stranger": (),
    "guessed": (Grant("team/**", ("pull",)),),
}
PUBLIC = (Grant("public/**", ("pull",)),)
HOUR = 60 * 60
NO_GITLAB = "external_url = None"


def password(name: str) -> str:
    """The password, or the secret, of an account: found again wherever it does not belong."""
    return f"s3cret-of-{name}-4711"


@functools.cache
def _hashed(name: str) -> str:
    """With little work, which this tier has enough of; wrong passwords are tested with the usual amount."""
    import bcrypt

    return bcrypt.hashpw(password(name).encode(), bcrypt.gensalt(6)).decode("ascii")


def accounts() -> Accounts:
    """Accounts with different rights, an administrator, and two deploy tokens, one of which has ended."""
    users = {name: User(name, _hashed(name), grants=grants) for name, grants in GRANTS.items()}
    users["boss"] = User("boss", _hashed("boss"), admin=True)
    now = int(time.time())
    ends = {"robot": now + HOUR, "retired": now - HOUR}
    tokens = {
        name: DeployToken(name, digest(password(name)), Grant("team/app", ("pull",)), now - 2 * HOUR, end)
        for name, end in ends.items()
    }
    return Accounts(users, {}, tokens, PUBLIC)


def write_accounts(root: Root, content: Accounts | None = None) -> None:
    """Put accounts into a root, before its issuer runs or while it does."""
    text = render_accounts(content or accounts()).decode("ascii")
    target = root.path / FILE
    aside = root.write(f"{FILE}.new", text, mode=0o640)
    if target.exists():
        import os

        facts = target.stat()
        os.chown(aside, facts.st_uid, facts.st_gid)
    aside.replace(target)


def reachable(person: Person, other: Person) -> Person:
    """Somebody with a Python and a code that every account can read, as an installation has them.

    Args:
        person: who runs the tests.
        other: an ordinary user, who has such a Python.
    """
    return replace(other, name="root", uid=0, gid=0, switch=()) if person.is_root else person


@dataclass(frozen=True)
class Issuer:
    """A client of the token issuer.

    Args:
        client: reaches it, through NGINX or directly.
    """

    client: Client

    @staticmethod
    def of(root: Root) -> Issuer:
        """Through NGINX and TLS, as all clients."""
        return Issuer(root.client)

    @staticmethod
    def behind(root: Root) -> Issuer:
        """Where NGINX reaches it."""
        return Issuer(Client(0, socket=root.path / SOCKET))

    def get(
        self, name: str | None, *scopes: str, secret: str | None = None, address: str = "", **more: str
    ) -> Answer:
        """Ask by GET (token specification).

        Args:
            name: of the account; None asks without one.
            scopes: each a parameter.
            secret: another one than the account's own.
            address: what NGINX would say of the client.
            more: further parameters.
        """
        query = [("service", SERVICE), *(("scope", scope) for scope in scopes)]
        query = [(key, value) for key, value in query if key not in more] + list(more.items())
        headers = {} if name is None else {"Authorization": basic(name, secret or password(name))}
        headers |= {"X-Real-IP": address} if address else {}
        return self.client.request("GET", f"/jwt/auth?{urlencode(query)}", headers=headers)

    def post(self, **fields: str | Sequence[str]) -> Answer:
        """Ask by POST (OAuth2 form)."""
        body = urlencode({"service": SERVICE, **fields}, doseq=True).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.client.request("POST", "/jwt/auth", headers=headers, body=body)

    def token(self, name: str | None, *scopes: str) -> str:
        """A token."""
        answer = self.get(name, *scopes)
        assert answer.status == 200, answer
        return str(answer.json()["token"])

    def access(self, name: str | None, *scopes: str) -> list[dict[str, Any]]:
        """What a token holds."""
        return access_of(self.token(name, *scopes))


def access_of(token: str) -> list[dict[str, Any]]:
    """The access claim of a token; nothing else of it is checked."""
    import jwt

    found = jwt.decode(token, options={"verify_signature": False})["access"]
    assert isinstance(found, list)
    return found


def basic(name: str, secret: str) -> str:
    """The header of Basic authentication (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode("ascii")


def log_lines(root: Root) -> list[str]:
    """The issuer's logs: what accounts were given, then what anybody can cause."""
    return [line for log in LOGS for line in root.read(log).splitlines()]


def found_secrets(root: Root, secrets: Iterable[str], *, below: str = "var/log/gitlab") -> list[str]:
    """Files below a folder of the root that hold one of the secrets."""
    wanted = [one.encode() for one in secrets]
    files = [path for path in (root.path / below).rglob("*") if path.is_file()]
    return [str(path) for path in files if any(one in path.read_bytes() for one in wanted)]


def copy_of_code(person: Person, folder: Path) -> Person:
    """The same person with a copy of ctl in another folder."""
    import shutil

    code, *rest = person.pythonpath.split(":")
    for name in ("ctl", "recipes", "templates"):
        shutil.copytree(Path(code) / name, folder / name)
    return replace(person, pythonpath=":".join([str(folder), *rest]))


def root_with_issuer(make: RootMaker, person: Person) -> Root:
    """A registry that runs with its own issuer, and without GitLab."""
    root = make(person)
    root.settings(NO_GITLAB)
    write_accounts(root)
    root.reconfigure()
    return root
