"""What the registry uses: storage, Redis, endpoints of notifications; and its debug server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from ctl.doctor.check import Check, Finding, failure, ok, unknown, warning
from ctl.doctor.site import Site
from ctl.doctor.web import Server, why
from ctl.errors import CtlError, PreflightError
from ctl.machine.access import may
from ctl.machine.health import FolderCheck
from ctl.machine.own_command import TOO_LONG, last_line, own_command
from ctl.machine.ports import answers
from ctl.registry.collect.cache import Cache
from ctl.registry.drivers import LOCAL_DRIVERS
from ctl.registry.redis import CHECK_SECONDS, redis_server
from ctl.settings.listener import is_loopback

STORAGE_SECONDS = 60
"""For all that is tried in object storage; its client tries four times."""


def _storage(site: Site) -> Iterator[Finding]:
    if not site.attributes.registry.enable:
        return
    if site.config.driver not in LOCAL_DRIVERS:
        yield from _object_storage(site)
        return
    for check in site.runit.definition("registry").health:
        if isinstance(check, FolderCheck):
            problem = check.problem()
            yield _unfit(site, check, problem) if problem else ok(f"{check.path} can be used")


def _object_storage(site: Site) -> Iterator[Finding]:
    """Each permission; and an upload by the registry program itself, where they are all there.

    In a process of its own: the library finds credentials in its environment, and there must be the registry's. Here
    they would be everybody's: other checks run at the same time, and start programs.
    """
    command = ["registry-check-storage", "--json", "--root", str(site.layout.root)]
    done = own_command([*command, "--settings", str(site.settings_file.absolute())], seconds=STORAGE_SECONDS)
    if done.returncode == TOO_LONG:
        yield failure(
            f"the storage did not answer within {STORAGE_SECONDS} s", "the way to it, and its endpoint"
        )
        return
    try:
        report = json.loads(done.stdout)
    except ValueError:
        yield unknown(f"what the registry may do was not found out: {last_line(done.stderr)}")
        return
    yield from _permissions(report)


def _permissions(report: Mapping[str, Any]) -> Iterator[Finding]:
    for one in report["checks"]:
        if one["ok"] is False:
            lacks = f"{one['permission']} lacks: " if one["permission"] else ""
            text = f"the registry may not {one['operation']} in {report['storage']}: {lacks}{one['reason']}"
            yield failure(text, one["remedy"])
    if all(one["ok"] is not False for one in report["checks"]):
        done = ", ".join(one["operation"] for one in report["checks"] if one["ok"])
        yield ok(f"{report['storage']} ({report['driver']}): {done}")


def _unfit(site: Site, check: FolderCheck, problem: str) -> Finding:
    """Why a folder cannot be used, and what lets it be: a folder above, its own rights, or room."""
    if not check.user or not site.node.privileged:
        return failure(f"the registry {problem}", "see space")
    chpst, account = site.node.programs.chpst, f"{check.user}:{check.group}"
    for above in reversed(Path(check.path).parents):
        if not may(chpst, account, ("-x", above)):
            text = f"user {check.user} may not enter {above} (no x permission), and so not reach {check.path}"
            return failure(text, f"chmod o+x {above}")
    return failure(f"the registry {problem}", f"chown -R {account} {check.path}; and see space")


STORAGE = Check(
    "storage",
    "the registry's account can read and write its storage",
    _storage,
    needs=("settings", "programs"),
    remedy="permissions one by one: ctl registry-check-storage",
)


def _redis(site: Site) -> Iterator[Finding]:
    if not site.attributes.registry.enable or site.config.cache != "redis":
        return
    server = redis_server(site.config, site.program)
    if server is None:
        yield failure(f"the cache is in Redis, and no server is named that {site.program} would use")
        return
    try:
        Cache(server, site.config.secrets).check(CHECK_SECONDS, writes=True)
    except PreflightError as error:
        cause = error.__cause__
        yield failure(cause.message if isinstance(cause, CtlError) else error.message)
    else:
        yield ok(f"Redis at {server} answers")


REDIS = Check(
    "redis",
    "the cache in Redis answers, takes entries, and lets them be deleted",
    _redis,
    needs=("settings", "programs"),
    remedy='start it, or correct registry["redis"]; the registry serves without it meanwhile, more slowly',
)


def _notifications(site: Site) -> Iterator[Finding]:
    endpoints = [one for one in _endpoints(site) if not one.get("disabled")]
    for one in endpoints:
        yield _reached(str(one.get("name", "")), str(one.get("url", "")))
    if endpoints:
        yield from _queues(site)


def _endpoints(site: Site) -> list[Mapping[str, Any]]:
    found = site.config.section("notifications").get("endpoints")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _reached(name: str, url: str) -> Finding:
    """A connection, and no event: what receives them would take it for one."""
    server = Server(url)
    try:
        link = server.handshake(server.context()) if server.tls else server.connect()
        link.close()
    except OSError as error:
        return failure(
            f"endpoint {name} ({server.host}:{server.port}) is not reached: {why(error)}; events wait in memory, "
            "and a restart of the registry loses them"
        )
    return ok(f"endpoint {name} ({server.host}:{server.port}) is reached")


def _queues(site: Site) -> Iterator[Finding]:
    document = _debug_vars(site)
    if document is None:
        yield unknown(
            "how many events wait is not known: the registry has no debug server",
            'registry["debug_addr"] = "127.0.0.1:5001", then: ctl reconfigure',
        )
        return
    for name, waiting, failed in _waiting(document):
        text = f"endpoint {name}: {waiting} events wait, {failed} attempts have failed"
        if waiting:
            yield warning(
                f"{text}; a restart of the registry loses those that wait", "let the endpoint answer first"
            )
        else:
            yield ok(text)


def _debug_vars(site: Site) -> dict[str, Any] | None:
    address = _debug_address(site)
    if not address:
        return None
    answer = Server(f"http://{address if not address.startswith(':') else '127.0.0.1' + address}").ask(
        "GET", "/debug/vars"
    )
    try:
        found = json.loads(answer.body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _waiting(document: Mapping[str, Any]) -> Iterator[tuple[str, int, int]]:
    """Of each endpoint: its name, events that wait, attempts that failed (Distribution, notifications/metrics.go)."""
    section = document.get("registry", document)
    found = (section.get("notifications") or {}).get("endpoints") or []
    for one in found:
        metrics = one.get("Metrics") or one.get("metrics") or {}
        failures = int(metrics.get("Failures", 0)) + int(metrics.get("Errors", 0))
        yield str(one.get("name") or one.get("Name") or ""), int(metrics.get("Pending", 0)), failures


NOTIFICATIONS = Check(
    "notifications",
    "endpoints of notifications are reached, and no events wait",
    _notifications,
    needs=("settings", "registry"),
    remedy='start what receives them, or correct its url: registry["notifications"]',
)


def _debug_address(site: Site) -> str:
    given = site.config.environment.get("REGISTRY_HTTP_DEBUG_ADDR")
    return str(given or site.config.section("http", "debug").get("addr") or "")


def _debug(site: Site) -> Iterator[Finding]:
    address = _debug_address(site)
    if not address:
        return
    host, _, port = address.rpartition(":")
    outside = [one for one in _other_addresses() if answers(_joined(one, port), seconds=1.0)]
    if outside or not is_loopback(host.strip("[]")):
        where = f"at {', '.join(outside)}" if outside else f"at {address}"
        yield failure(
            f"the debug server is open to other machines {where}: it shows headers of notifications, and profiles"
        )
    else:
        yield ok(f"the debug server is for this machine alone ({address})")


def _joined(address: str, port: str) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _other_addresses() -> Iterator[str]:
    """The addresses of this machine by which others reach it."""
    import psutil

    for addresses in psutil.net_if_addrs().values():
        for one in addresses:
            text = one.address.partition("%")[0]
            if one.family.name not in ("AF_INET", "AF_INET6"):
                continue
            if not ip_address(text).is_loopback and not ip_address(text).is_link_local:
                yield text


DEBUG = Check(
    "debug-server",
    "the debug server is not open to other machines",
    _debug,
    needs=("settings",),
    remedy='registry["debug_addr"] = "127.0.0.1:5001", then: ctl reconfigure',
)
