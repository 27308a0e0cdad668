"""NGINX: the server, the registry's vhost with its certificate, and the status page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ctl.converge import Absent, Directory, Item, Template, Validation, reload
from ctl.machine.python import runtime
from ctl.nginx.modules import KEEPALIVE_TIME_SINCE, refuse_missing_modules
from ctl.nginx.validate import nginx_accepts
from ctl.nginx.vhost import refused_folder, temporary_folders, vhost_variables
from ctl.node.confinement import NGINX_MASTER, option, with_capabilities
from ctl.node.node import Node
from ctl.node.runit_service import component_account, runit_service
from ctl.settings.components.nginx import NGINX as COMPONENT
from ctl.tls.served import served_certificate


def preflight(node: Node) -> None:
    """It has the modules that the settings need."""
    refuse_missing_modules(node.attributes, node.programs.nginx, node.programs.nginx_build)


def recipe(node: Node) -> Iterator[Item]:
    """NGINX with what it serves."""
    yield from component_account(node, COMPONENT)
    yield from folders(node)
    yield from registry_vhost(node)
    yield from server(node)
    yield from service(node)


def without(node: Node) -> Iterator[Item]:
    """No vhost."""
    yield Absent(vhost_file(node))


def folders(node: Node) -> Iterator[Item]:
    """Configuration, and a private place for temporary files."""
    nginx, web = node.attributes.nginx, node.attributes.web_server
    yield Directory(Path(nginx.dir))
    yield Directory(Path(nginx.dir) / "conf")
    yield Directory(Path(nginx.dir) / "run")
    yield Directory(Path(nginx.dir) / "tmp", owner="root", group=web.group, mode=0o750)
    # made here, because the master makes and gives away by name what is missing: not where workers can plant a link
    for folder in temporary_folders(node.attributes, node.programs.nginx_build).values():
        yield Directory(folder, owner=web.username, group=web.group, mode=0o700)


def registry_vhost(node: Node) -> Iterator[Item]:
    """The registry's server block and its certificate."""
    vhost = node.attributes.registry.nginx
    if not node.serves_registry:
        yield Absent(vhost_file(node), notifies=(reload("nginx"),))
        return
    logs = Path(vhost.log_directory)
    if logs not in log_folders(node):
        yield Directory(logs, owner="root", group=node.attributes.web_server.group, mode=0o750)
    yield Directory(
        refused_folder(node.attributes), owner="root", group=node.attributes.web_server.group, mode=0o750
    )
    if vhost.https:
        yield Directory(node.layout.ssl, mode=0o755)
        yield served_certificate(node.attributes, node.layout)
    yield Template(
        vhost_file(node),
        source="nginx/gitlab-registry.conf.j2",
        variables=vhost_variables(node.attributes, node.programs.nginx_build),
        notifies=(reload("nginx"),),
    )


def log_folders(node: Node) -> set[Path]:
    """Those of services, which each makes itself."""
    return {Path(one.log_folder(node.attributes, node.layout)) for one in node.running() if one.supervised}


def server(node: Node) -> Iterator[Item]:
    """nginx.conf and the status page, checked by the program before they replace the running ones."""
    nginx = node.attributes.nginx
    conf, logs = Path(nginx.dir) / "conf", Path(nginx.log_directory)
    temporary = temporary_folders(node.attributes, node.programs.nginx_build)
    pid, access_log = pid_file(node), logs / "access.log"
    vhosts = [vhost_file(node)] if node.serves_registry else []
    if node.serves_status:
        vhosts.append(conf / "nginx-status.conf")
        yield Template(
            conf / "nginx-status.conf",
            source="nginx/nginx-status.conf.j2",
            variables={
                "status": nginx.status,
                "metrics": node.attributes.metrics.textfile if node.attributes.metrics.enable else None,
            },
            notifies=(reload("nginx"),),
        )
    else:
        yield Absent(conf / "nginx-status.conf")
    yield Template(
        conf / "nginx.conf",
        source="nginx/nginx.conf.j2",
        variables={
            "nginx": nginx,
            "web_server": node.attributes.web_server if node.privileged else None,
            "temporary": temporary,
            "pid": pid,
            "access_log": access_log,
            "vhosts": vhosts,
            "has": node.programs.nginx_build.has,
            "keepalive_time": node.programs.nginx_build.version >= KEEPALIVE_TIME_SINCE,
        },
        notifies=(reload("nginx"),),
    )
    vhost = node.attributes.registry.nginx
    yield Validation(
        "NGINX accepts its configuration",
        watches=(conf / "nginx.conf", *vhosts, Path(vhost.ssl_certificate), Path(vhost.ssl_certificate_key)),
        check=lambda staging: nginx_accepts(
            staging.path(conf / "nginx.conf"), program=node.programs.nginx, prefix=staging.folder
        ),
        redirect=(
            *temporary.values(),
            pid.parent,
            logs,
            Path(vhost.log_directory),
            refused_folder(node.attributes),
        ),
    )


def pid_file(node: Node) -> Path:
    """Where the master notes its number; it is the leader of its process group."""
    return Path(node.attributes.nginx.dir) / "run/nginx.pid"


def service(node: Node) -> Iterator[Item]:
    """The supervised master process."""
    nginx = node.attributes.nginx
    yield from runit_service(
        node,
        COMPONENT,
        "nginx/run.j2",
        variables={
            "config": Path(nginx.dir) / "conf/nginx.conf",
            "pid": pid_file(node),
            "prefix": nginx.dir,
            "runtime": runtime(),
            "capabilities": option(with_capabilities(node, NGINX_MASTER)),
        },
        log_group=node.attributes.web_server.group if node.privileged else None,
        pid_file=pid_file(node),
    )


def vhost_file(node: Node) -> Path:
    """Where the registry's vhost is."""
    return Path(node.attributes.nginx.dir) / "conf/gitlab-registry.conf"
