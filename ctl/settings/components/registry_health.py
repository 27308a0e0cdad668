"""What must be true of a registry that is well: the one question of the health gate, `ctl status` and others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from ctl.machine.health import Check, FolderCheck, HttpCheck
from ctl.settings.rules.vhost import serves_registry, socket_link, through_socket
from ctl.settings.values import Values

_PATH = "/v2/"
_TREE = ("docker", "docker/registry", "docker/registry/v2")
_SHARDS = ("docker/registry/v2/blobs", "docker/registry/v2/blobs/sha256", "docker/registry/v2/repositories")
"""Collectors take a file in these for a broken blob."""


def registry_checks(values: Values) -> Iterator[Check]:
    """It answers directly and through NGINX, and its account can use its storage."""
    yield from _direct(values)
    yield from _through_nginx(values)
    yield from _storage(values)


def _direct(values: Values) -> Iterator[Check]:
    if any(name.startswith("REGISTRY_HTTP_TLS") for name in values["registry.env"]):
        return
    address = str(values["registry.registry_http_addr"])
    host = address.replace("*", "127.0.0.1", 1) if not address.startswith(":") else f"127.0.0.1{address}"
    answers = _answers(values)
    if not through_socket(values):
        yield HttpCheck(address, _path(values), host, *answers)
        return
    yield HttpCheck(f"unix:{socket_link(values)}", _path(values), host, *answers)
    yield HttpCheck(address, _path(values), host, *answers, via="nginx")


def _through_nginx(values: Values) -> Iterator[Check]:
    if not serves_registry(values):
        return
    (statuses, realm) = _answers(values)
    if values["registry.nginx.ssl_verify_client"] not in (None, "off", False):
        statuses = (*statuses, 400)  # it wants a certificate of the client
    if values["registry.nginx.custom_gitlab_server_config"]:
        statuses, realm = (), ""  # it may answer anything by itself
    yield HttpCheck(
        f"{values['registry.nginx.listen_addresses'][0]}:{values['registry.nginx.listen_port']}",
        _path(values),
        urlsplit(values["registry_external_url"]).netloc,
        statuses,
        realm,
        certificate=values["registry.nginx.ssl_certificate"] if values["registry.nginx.https"] else "",
        proxy_protocol=bool(values["registry.nginx.proxy_protocol"]),
        via="nginx",
    )


def _answers(values: Values) -> tuple[tuple[int, ...], str]:
    """What `/v2/` answers without a token, and where it sends for one."""
    env = values["registry.env"]
    own = {name: str(value) for name, value in env.items() if name.startswith("REGISTRY_AUTH")}
    realm = own.pop("REGISTRY_AUTH_TOKEN_REALM", f"{values['registry.token_realm']}/jwt/auth")
    if own or values["registry.autoredirect"]:
        return (200, 401), ""
    return (401,), realm


def _path(values: Values) -> str:
    prefix = str(values["registry.env"].get("REGISTRY_HTTP_PREFIX", ""))
    return f"/{prefix.strip('/')}{_PATH}" if prefix.strip("/") else _PATH


def _storage(values: Values) -> Iterator[Check]:
    """Object storage has a probe of its own, through the program."""
    storage = values["registry.storage"]
    filesystem = storage.get("filesystem")
    if filesystem is None:
        return
    readonly = ((storage.get("maintenance") or {}).get("readonly") or {}).get("enabled")
    account = (values["registry.username"], values["registry.group"])
    root = str(Path(filesystem["rootdirectory"]))
    yield FolderCheck(root, *account, below=_TREE, entered=_SHARDS, writes=readonly is not True)
