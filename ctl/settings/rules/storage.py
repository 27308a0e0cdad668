"""Storage of images, notifications, and the sections that only GitLab's own registry knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ctl.settings.option import UNSET, Unset, View, rule
from ctl.storage.drivers import WITH_CLIENT

POSTGRESQL_DIR = "/var/opt/gitlab/postgresql"
POSTGRESQL_PORT = 5432
GEO_ENDPOINT = "geo_event"
_MOST_HEADERS = 200_000
"""Lines that default headers may become: a hundred for each of a thousand endpoints are half of them."""

Endpoint = dict[str, Any]
RETRIES = ("threshold", "maxretries")


@rule('the filesystem at gitlab_rails["registry_path"]')
def storage(view: View) -> dict[str, Any]:
    """Images are on this machine's disk unless a driver is given."""
    return {"filesystem": {"rootdirectory": view["gitlab_rails.registry_path"]}}


def complete_storage(view: View, given: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in cache and delete, and move the folder of images below the root."""
    complete = {
        **given,
        "cache": given.get("cache", {"blobdescriptor": "inmemory"}),
        "delete": given.get("delete", {"enabled": view["registry.storage_delete_enabled"]}),
    }
    if not complete["cache"]:
        del complete["cache"]  # {}: none
    folder = given.get("filesystem", {}).get("rootdirectory")
    if folder:
        complete["filesystem"] = given["filesystem"] | {"rootdirectory": str(view.layout.path(folder))}
    return complete


def complete_endpoints(view: View, given: list[Endpoint]) -> list[Endpoint] | None:
    """Fill what endpoints leave out, but for the retries: each registry program has a form of its own for these."""
    default = view["registry.default_notifications_headers"]
    if len(given) * sum(1 + len(values) for values in default.values()) > _MOST_HEADERS:
        view.error(
            "registry.default_notifications_headers",
            f"come to more than {_MOST_HEADERS:,} lines of config.yml, as each of {len(given):,} endpoints gets them",
        )
        return None
    return [_endpoint(view, endpoint) for endpoint in given] or None


def _endpoint(view: View, given: Endpoint) -> Endpoint:
    defaults = {name: view[f"registry.default_notifications_{name}"] for name in ("timeout", "backoff")}
    headers = _headers(view["registry.default_notifications_headers"], given.get("headers", {}))
    first = ("name", "url", "timeout", *RETRIES, "backoff")
    complete: Endpoint = {
        name: given.get(name, defaults.get(name)) for name in first if name in given | defaults
    }
    rest = {name: value for name, value in given.items() if name != "headers"}
    return complete | ({"headers": headers} if headers else {}) | rest


def _headers(default: Mapping[str, list[str]], own: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Both together; the endpoint's own win, however they are spelled (HTTP names have no case)."""
    given = {name.lower() for name in own}
    return {name: value for name, value in default.items() if name.lower() not in given} | dict(own)


@rule('the last Authorization value of the notification endpoint named "geo_event"')
def notification_secret(view: View) -> str | Unset:
    """GitLab recognises its own events by it."""
    found: str | Unset = UNSET
    for endpoint in view["registry.notifications"] or []:
        if endpoint.get("name") == GEO_ENDPOINT:
            for name, values in endpoint.get("headers", {}).items():
                if name.lower() == "authorization" and values:
                    found = values[-1]
    return found


def complete_database(view: View, given: Mapping[str, Any]) -> dict[str, Any]:
    """Where the registry's own database is: its settings, else those of postgresql."""
    defaults = {
        "enabled": "prefer",
        "user": "registry",
        "dbname": "registry",
        "host": given.get("host") or _database_host(view),
        "port": view.postgresql.get("port") or POSTGRESQL_PORT,
        "sslmode": "prefer",
    }
    complete: dict[str, Any] = {**defaults, **given}
    if complete["enabled"] == "prefer" and view.postgresql.get("enable") is not True:
        complete["enabled"] = "false"
        if view.postgresql.get("enable") is False:
            view.warning(
                "registry.database",
                'is off: enabled is "prefer", and postgresql["enable"] is False',
                'Give registry["database"]["enabled"] = True for a database elsewhere.',
            )
    return complete


def _database_host(view: View) -> str:
    addresses: list[str] = view.postgresql.get("listen_address") or []
    if len(addresses) > 1:
        view.warning(
            "registry.database",
            f'has no host, and postgresql["listen_address"] has several: {addresses[0]} is taken',
            'Give registry["database"]["host"].',
        )
    folder: str = view.postgresql.get("dir") or POSTGRESQL_DIR
    return addresses[0] if addresses else folder


def complete_redis(_view: View, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """The section, if any block of it is enabled or it names a server itself; else None."""
    blocks = {
        name: {"enabled": False} | block if name in ("cache", "loadbalancing") else block
        for name, block in given.items()
        if isinstance(block, dict)
    }
    enabled = any(block.get("enabled") is True for block in blocks.values())
    return {**given, **blocks} if enabled or "addr" in given or "addrs" in given else None


@rule('"quarantine", where ctl has a client for the storage; else "read-only"')
def collection_mode(view: View) -> str:
    """What is in another storage only the registry's program can reach."""
    return "quarantine" if any(one in WITH_CLIENT for one in view["registry.storage"] or {}) else "read-only"
