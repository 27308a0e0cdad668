"""Supervisor, services, ports: what runs, and whether it is what the files say."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from ctl.converge.inspect import look
from ctl.doctor.check import Check, Finding, failure, ok, unknown, warning
from ctl.doctor.site import Site
from ctl.errors import USE_SUDO
from ctl.machine.health import HttpCheck
from ctl.machine.ports import listens
from ctl.nginx.ports import Taken, parse_address, taken
from ctl.services.condition import STOPPED, problems
from ctl.services.definition import Definition
from ctl.services.processes import TICK, Processes, replaced
from ctl.services.status import Status
from ctl.services.switched import processes


def _supervisor(site: Site) -> Iterator[Finding]:
    if not site.layout.service.is_dir():
        yield failure("nothing is set up on this node yet", "ctl reconfigure")
        return
    pid = site.runit.supervisor.pid()
    if pid is None:
        yield failure("the supervisor does not run, so nothing starts again what exits", "ctl start")
    else:
        yield ok(f"runsvdir, pid {pid}")


SUPERVISOR = Check("supervisor", "runsvdir runs, and starts again what exits", _supervisor)


def _ports(site: Site) -> Iterator[Finding]:
    held = 0
    if any(one.denied for one in site.statuses):
        yield unknown("whose sockets they are is for root to see", USE_SUDO)
        return
    for status in site.statuses:
        for address in site.runit.definition(status.name).listen:
            rival = None if _holds(status, address) else _rival(address)
            if rival is not None:
                yield failure(f"{status.name} cannot listen at {address}: {rival}", _elsewhere(rival))
            held += rival is None
    yield ok(f"{held} addresses, no stranger at any of them")


def _holds(status: Status, address: str) -> bool:
    return status.pid is not None and listens(status.pid, address)


def _rival(address: str) -> Taken | None:
    """Who else has an address; None where nobody has, or it is a socket of ctl's own folders."""
    if address.startswith("unix:"):
        return None
    return next(iter(taken([parse_address(address)])), None)


def _elsewhere(rival: Taken) -> str:
    stop = f"stop that process (kill {rival.pid})" if rival.pid else "stop what has it"
    return f"{stop}, or choose another port in the settings; then: ctl reconfigure"


PORTS = Check("ports", "nobody else has an address that a service needs", _ports, needs=("supervisor",))


def _services(site: Site) -> Iterator[Finding]:
    if not site.statuses:
        yield failure("no service is enabled", "ctl reconfigure")
    for status in site.statuses:
        found = list(_service(site, status))
        yield from found or (ok(f"{status.name} runs since {_duration(status.seconds)}"),)


def _service(site: Site, status: Status) -> Iterator[Finding]:
    """What sv and the processes show; whether it answers over HTTP is asked by checks of their own."""
    if status.denied:
        yield unknown(f"{status.name}: {status.reason}", USE_SUDO)
        return
    definition = site.runit.definition(status.name)
    if not status.runs and any(map(_rival, definition.listen)):
        yield unknown(f"{status.name} does not run, because of ports")
        return
    plain = definition._replace(health=(), listen=() if definition.health else definition.listen)
    for problem in problems(site.layout.sv / status.name, status, plain, Processes()):
        yield failure(f"{status.name} {problem}", _mended(status, problem))


def _mended(status: Status, problem: str) -> str:
    if problem == STOPPED:
        return f"ctl start {status.name}"
    if "writes no log" in problem:
        return "ctl reconfigure"
    return f"its log says why: ctl tail {status.name}; then: ctl restart {status.name}"


def _duration(seconds: int) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


SERVICES = Check(
    "services", "every enabled service runs, and its log is written", _services, needs=("supervisor",)
)


def _processes(site: Site) -> Iterator[Finding]:
    if any(one.denied for one in site.statuses):
        yield unknown("what processes run is for root to see", USE_SUDO)
        return
    table, count = Processes(), 0
    for status in site.statuses:
        definition = site.runit.definition(status.name)
        pid = _serving(status, definition)
        if pid is None:
            continue
        count += 1
        yield from _old(site, status.name, pid, table)
        stray = [one for one in site.runit.strays(status.name) if table.get(one)]
        if stray:
            numbers = ", ".join(map(str, stray))
            yield failure(
                f"{status.name}: process {numbers} has lost its supervisor", f"ctl restart {status.name}"
            )
    yield ok(f"{count} services run what is on disk")


def _serving(status: Status, definition: Definition) -> int | None:
    """The process that serves: sv's, or the one that its master has put in front."""
    if not status.runs:
        return None
    behind = processes(definition) or ()
    return next((int(str(one["pid"])) for one in behind if one["state"] == "current"), status.pid)


def _old(site: Site, name: str, pid: int, table: Processes) -> Iterator[Finding]:
    """A process of a program or a file that is another by now."""
    program = replaced(pid)
    if program is not None:
        yield warning(f"{name} runs with an older {program}", f"ctl restart {name}")
    process = table.get(pid)
    if process is None:
        return
    reloads = "HUP" in site.runit.definition(name).signals
    since = max(process.started, table.newest(pid)) if reloads else process.started
    for path in _read_at_start(site, name):
        found = look(path, follow=True)
        if found is not None and path.stat().st_mtime > since + TICK:
            verb = "hup" if reloads else "restart"
            yield warning(f"{name} has not read {path} since it was changed", f"ctl {verb} {name}")


def _read_at_start(site: Site, name: str) -> Iterator[Path]:
    """The files that a service reads when it starts or reloads, and never again."""
    attributes = site.attributes
    if name == "registry":
        yield from (Path(attributes.registry.dir) / "config.yml", Path(attributes.registry.rootcertbundle))
    elif name == "nginx":
        yield from sorted((Path(attributes.nginx.dir) / "conf").glob("*.conf"))
        vhost = attributes.registry.nginx
        if site.node.serves_registry and vhost.https:
            yield from (Path(vhost.ssl_certificate), Path(vhost.ssl_certificate_key))
    else:
        component = next((one for one in site.node.running() if one.name == name), None)
        if component is not None and component.account is not None:
            yield from Path(component.account(attributes).home).glob("*.*")


PROCESSES = Check(
    "processes",
    "processes run the program and the configuration that are on disk, and none is left of an earlier start",
    _processes,
    needs=("settings", "supervisor"),
)


def _registry(site: Site) -> Iterator[Finding]:
    yield from _asked(site, "registry", via=False)


def _nginx(site: Site) -> Iterator[Finding]:
    yield from _asked(site, "registry", via=True)


def _asked(site: Site, name: str, *, via: bool) -> Iterator[Finding]:
    """The health of a service over HTTP, as its definition declares it."""
    status = next((one for one in site.statuses if one.name == name), None)
    if status is None:
        return
    if not status.runs and not status.denied:
        yield unknown("it does not run: see services")
        return
    for check in site.runit.definition(name).health:
        if not isinstance(check, HttpCheck) or bool(check.via) is not via:
            continue
        problem = check.problem()
        if problem and status.denied and os.strerror(errno.EACCES) in problem:
            yield unknown(f"{name} {problem}", USE_SUDO)
            continue
        remedy = f"its log says why: ctl tail {check.via or name}; then: ctl restart {check.via or name}"
        yield failure(f"{name} {problem}", remedy) if problem else ok(f"answers at {check.place}")


REGISTRY = Check(
    "registry",
    "the registry answers, and sends clients to the right realm",
    _registry,
    needs=("supervisor",),
)
NGINX = Check(
    "nginx",
    "the registry answers through NGINX, with the certificate that is on disk",
    _nginx,
    needs=("registry",),
)
