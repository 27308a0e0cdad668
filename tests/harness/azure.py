"""Azure Blob Storage by Azurite, with its one account; `tests/azurite.sh` installs it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import shutil
from email.utils import formatdate
from urllib.parse import parse_qsl, quote, urlsplit
from xml.etree import ElementTree

from tests.harness.people import CHECKOUT
from tests.harness.server import Server

VERSION = "3.35.0"
_FOLDER = CHECKOUT / ".cache" / f"azurite-{VERSION}"
ACCOUNT = "ctltests"
KEY = base64.b64encode(b"the key of the account of the tests").decode()
_API = "2021-12-02"


def missing() -> str | None:
    """Why it cannot be run; None where it can."""
    if not (_FOLDER / "node_modules").is_dir():
        reported = _FOLDER / "missing"
        return (
            f"no Azurite: {reported.read_text().strip() if reported.exists() else 'run sh tests/azurite.sh'}"
        )
    return None if shutil.which("node") else "no Azurite: there is no Node.js"


def parameters(server: AzureServer, container: str, root: str) -> dict[str, object]:
    """What the registry's driver gets.

    Args:
        server: where the container is.
        container: its name.
        root: the folder in it ("/azure/virtual").
    """
    return {
        "accountname": ACCOUNT,
        "accountkey": KEY,
        "container": container,
        "rootdirectory": root,
        "trimlegacyrootprefix": True,
        "serviceurl": server.service,
    }


class AzureServer(Server):
    """A server with one account that speaks the Blob service's protocol."""

    def __init__(self) -> None:
        program = _FOLDER / "node_modules/azurite/dist/src/blob/main.js"
        options = ["--inMemoryPersistence", "--disableTelemetry", "--silent", "--skipApiVersionCheck"]
        command = [str(shutil.which("node")), str(program), "--blobPort", "{port}", *options]
        super().__init__(command, {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"})

    @property
    def service(self) -> str:
        """Address of the account's blobs."""
        return f"{self.endpoint}/{ACCOUNT}"

    def make_container(self, name: str) -> None:
        """Make an empty container."""
        self._request("PUT", f"/{name}?restype=container", 201)

    def blobs(self, container: str) -> dict[str, int]:
        """The size in bytes of each blob of a container, by its name."""
        body = self._request("GET", f"/{container}?comp=list&restype=container", 200)
        found = ElementTree.fromstring(body).findall(".//Blob")  # noqa: S314 - from our own server
        return {str(one.findtext("Name")): int(str(one.findtext("*/Content-Length"))) for one in found}

    def _request(self, method: str, target: str, status: int) -> bytes:
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": _API}
        headers["Authorization"] = f"SharedKey {ACCOUNT}:{_signature(method, target, headers)}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, f"/{ACCOUNT}{target}", headers=headers | {"Content-Length": "0"})
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        assert answer.status == status, f"{method} {target}: {answer.status} {body!r}"
        return body


def _signature(method: str, target: str, headers: dict[str, str]) -> str:
    """Shared key of a request without body (Azure Storage, 'Authorize with Shared Key'; the account twice, as it
    is also the first part of the emulator's paths)."""
    parts = urlsplit(target)
    lines = [method, *[""] * 11, *(f"{name}:{headers[name]}" for name in sorted(headers))]
    lines += [f"/{ACCOUNT}/{ACCOUNT}{quote(parts.path)}"]
    lines += [f"{name}:{value}" for name, value in sorted(parse_qsl(parts.query))]
    digest = hmac.new(base64.b64decode(KEY), "\n".join(lines).encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
