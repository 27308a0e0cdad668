"""What must be true of a registry that is well: the one question of the health gate, `ctl status` and others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from ctl.node.node import Node
from ctl.services.health import Check, FolderCheck, HttpCheck
from ctl.settings.rules.vhost import socket_link, through_socket

_PATH = "/v2/"
_TREE = ("docker", "docker/registry", "docker/registry/v2")
_SHARDS = ("docker/registry/v2/blobs", "docker/registry/v2/blobs/sha256", "docker/registry/v2/repositories")
"""Collectors take a file in these for a broken blob."""


def registry_checks(node: Node) -> tuple[Check, ...]:
    """It answers directly and through NGINX, and its account can use its storage.

    Args:
        node: as the settings want it.
    """
    return (*_direct(node), *_through_nginx(node), *_storage(node))


def _direct(node: Node) -> Iterator[Check]:
    registry = node.attributes.registry
    if any(name.startswith("REGISTRY_HTTP_TLS") for name in registry.env):
        return
    address = str(registry.registry_http_addr)
    host = address.replace("*", "127.0.0.1", 1) if not address.startswith(":") else f"127.0.0.1{address}"
    answers = _answers(node)
    if not through_socket(node.attributes):
        yield HttpCheck(address, _path(node), host, *answers)
        return
    yield HttpCheck(f"unix:{socket_link(node.attributes)}", _path(node), host, *answers)
    yield HttpCheck(address, _path(node), host, *answers, via="nginx")


def _through_nginx(node: Node) -> Iterator[Check]:
    if not node.serves_registry:
        return
    vhost, url = node.attributes.registry.nginx, urlsplit(node.attributes.registry_external_url)
    (statuses, realm) = _answers(node)
    if vhost.ssl_verify_client not in (None, "off", False):
        statuses = (*statuses, 400)  # it wants a certificate of the client
    if vhost.custom_gitlab_server_config:
        statuses, realm = (), ""  # it may answer anything by itself
    yield HttpCheck(
        f"{vhost.listen_addresses[0]}:{vhost.listen_port}",
        _path(node),
        url.netloc,
        statuses,
        realm,
        certificate=vhost.ssl_certificate if vhost.https else "",
        proxy_protocol=bool(vhost.proxy_protocol),
        via="nginx",
    )


def _answers(node: Node) -> tuple[tuple[int, ...], str]:
    """What `/v2/` answers without a token, and where it sends for one."""
    registry = node.attributes.registry
    own = {name: str(value) for name, value in registry.env.items() if name.startswith("REGISTRY_AUTH")}
    realm = own.pop("REGISTRY_AUTH_TOKEN_REALM", f"{registry.token_realm}/jwt/auth")
    if own or registry.autoredirect:
        return (200, 401), ""
    return (401,), realm


def _path(node: Node) -> str:
    prefix = str(node.attributes.registry.env.get("REGISTRY_HTTP_PREFIX", ""))
    return f"/{prefix.strip('/')}{_PATH}" if prefix.strip("/") else _PATH


def _storage(node: Node) -> Iterator[Check]:
    """Object storage has a probe of its own, through the program."""
    registry = node.attributes.registry
    filesystem = registry.storage.get("filesystem")
    if filesystem is None:
        return
    readonly = ((registry.storage.get("maintenance") or {}).get("readonly") or {}).get("enabled")
    account = (registry.username, registry.group) if node.privileged else ("", "")
    root = str(Path(filesystem["rootdirectory"]))
    yield FolderCheck(root, *account, below=_TREE, entered=_SHARDS, writes=readonly is not True)
