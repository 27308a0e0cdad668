"""NGINX: the server, the registry's vhost with its certificate, and the status page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from ctl.converge import Absent, Directory, Group, Item, Service, Template, User, Validation, reload
from ctl.nginx.modules import KEEPALIVE_TIME_SINCE
from ctl.nginx.validate import nginx_accepts
from ctl.node.node import Node, certificate_given
from ctl.services import runit_service
from ctl.tls import Authority, ServerCertificate

TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
"""NGINX's folders of temporary files; those of other upstreams are made even where nothing uses them."""


def recipe(node: Node) -> Iterator[Item]:
    """NGINX with what it serves; without a vhost there is none."""
    if not node.attributes.nginx.enable:
        yield Service("nginx", enabled=False)
        yield Absent(vhost_file(node))
        return
    if node.attributes.manage_accounts.enable:
        yield from account(node)
    yield from folders(node)
    yield from registry_vhost(node)
    yield from server(node)
    yield from service(node)


def account(node: Node) -> Iterator[Item]:
    """The account of the workers."""
    web = node.attributes.web_server
    yield Group(web.group, gid=web.gid)
    yield User(
        web.username,
        group=web.group,
        uid=web.uid,
        home=web.home,
        shell=web.shell,
        shared=not node.layout.is_machine,
    )


def folders(node: Node) -> Iterator[Item]:
    """Configuration, and a private place for temporary files."""
    nginx, web = node.attributes.nginx, node.attributes.web_server
    yield Directory(Path(nginx.dir))
    yield Directory(Path(nginx.dir) / "conf")
    yield Directory(Path(nginx.dir) / "run")
    yield Directory(Path(nginx.dir) / "tmp", owner=web.username, group=web.group, mode=0o700)


def registry_vhost(node: Node) -> Iterator[Item]:
    """The registry's server block and its certificate."""
    vhost = node.attributes.registry.nginx
    if not node.serves_registry:
        yield Absent(vhost_file(node), notifies=(reload("nginx"),))
        return
    if vhost.https:
        yield Directory(node.layout.ssl, mode=0o755)
        yield certificate(node)
    yield Template(
        vhost_file(node),
        source="nginx/gitlab-registry.conf.j2",
        variables=vhost_variables(node),
        notifies=(reload("nginx"),),
    )


def certificate(node: Node) -> ServerCertificate:
    """The certificate that clients see; made here only where the settings name none."""
    vhost, letsencrypt = node.attributes.registry.nginx, node.attributes.letsencrypt
    given, obtained = certificate_given(node.attributes), node.obtains_certificate
    return ServerCertificate(
        Path(vhost.ssl_certificate),
        Path(vhost.ssl_certificate_key),
        host=host(node),
        served=Path(node.attributes.nginx.dir) / "run/certificate",
        authority=None if given else Authority(node.layout.ssl / "ca.crt", node.layout.ssl / "ca.key"),
        password_file=Path(vhost.ssl_password_file) if vhost.ssl_password_file else None,
        owner=letsencrypt.owner if obtained else None,
        group=letsencrypt.group if obtained else None,
        notifies=(reload("nginx"),),
    )


def server(node: Node) -> Iterator[Item]:
    """nginx.conf and the status page, checked by the program before they replace the running ones."""
    nginx = node.attributes.nginx
    conf, logs = Path(nginx.dir) / "conf", Path(nginx.log_directory)
    temporary = temporary_folders(node)
    pid, access_log = pid_file(node), logs / "access.log"
    vhosts = [vhost_file(node)] if node.serves_registry else []
    if node.serves_status:
        vhosts.append(conf / "nginx-status.conf")
        yield Template(
            conf / "nginx-status.conf",
            source="nginx/nginx-status.conf.j2",
            variables={"status": nginx.status},
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
        redirect=(*temporary.values(), pid.parent, logs),
    )


def temporary_folders(node: Node) -> dict[str, Path]:
    """Folder of each *_temp_path that this NGINX knows."""
    has, top = node.programs.nginx_build.has, Path(node.attributes.nginx.dir) / "tmp"
    known = (name for name in TEMPORARY if name == "client_body" or has(f"http_{name}_module"))
    return {name: top / name for name in known}


def pid_file(node: Node) -> Path:
    """Where the master notes its number; it is the leader of its process group."""
    return Path(node.attributes.nginx.dir) / "run/nginx.pid"


def service(node: Node) -> Iterator[Item]:
    """The supervised master process."""
    nginx = node.attributes.nginx
    yield from runit_service(
        node,
        "nginx",
        run_source="nginx/run.j2",
        variables={
            "programs": node.programs,
            "config": Path(nginx.dir) / "conf/nginx.conf",
            "pid": pid_file(node),
            "prefix": nginx.dir,
        },
        listen=node.listens()["nginx"],
        wait=30,
        log_directory=nginx.log_directory,
        logging=nginx,
        log_group=node.attributes.web_server.group if node.privileged else None,
    )


def vhost_file(node: Node) -> Path:
    """Where the registry's vhost lies."""
    return Path(node.attributes.nginx.dir) / "conf/gitlab-registry.conf"


def host(node: Node) -> str:
    """The name under which clients reach the registry."""
    return urlsplit(node.attributes.registry_external_url).hostname or "localhost"


def names(node: Node) -> list[str]:
    """Every name under which the vhost answers: the host, and with it the certificate's further ones."""
    further = node.attributes.letsencrypt.alt_names if node.obtains_certificate else []
    return list(dict.fromkeys([host(node), *further]))


def vhost_variables(node: Node) -> dict[str, object]:
    """What the vhost's template needs beside the attributes themselves."""
    attributes = node.attributes
    vhost, logs = attributes.registry.nginx, Path(attributes.nginx.log_directory)
    commands = vhost.ssl_conf_command or []
    return {
        "vhost": vhost,
        "tls": vhost.https,
        "names": names(node),
        "challenges": attributes.letsencrypt.wwwroot if node.obtains_certificate else None,
        "upstream": attributes.registry.registry_http_addr,
        "issuer": issuer(node),
        "access_log": logs / "gitlab_registry_access.log",
        "error_log": logs / "gitlab_registry_error.log",
        "listen_flags": listen_flags(node),
        "http2_directive": http2(node) and node.programs.nginx_build.http2_directive,
        "has": node.programs.nginx_build.has,
        "ssl_conf_commands": [commands] if isinstance(commands, str) else commands,
        "hsts": hsts(node),
        "redirect_to": attributes.registry_external_url.rstrip("/"),
    }


def issuer(node: Node) -> dict[str, object] | None:
    """How the vhost passes requests for tokens on to the issuer of this machine; None where there is none."""
    attributes = node.attributes
    auth, registry = attributes.registry_auth, attributes.registry
    if not auth.enable:
        return None
    return {
        "upstream": auth.listen_addr,
        # where a registry with autoredirect sends clients (its configuration, auth.token.autoredirect)
        "locations": ["/jwt/auth", *(["/auth/token"] if registry.autoredirect else [])],
        "client": "$proxy_protocol_addr" if registry.nginx.proxy_protocol else "$remote_addr",
        "rate": auth.requests_per_second if node.programs.nginx_build.has("http_limit_req_module") else 0,
        "burst": auth.requests_burst,
    }


def listen_flags(node: Node) -> str:
    """Flags of the vhost's `listen`, in the form that the found NGINX knows."""
    vhost = node.attributes.registry.nginx
    flags = {
        "ssl": vhost.https,
        "http2": http2(node) and not node.programs.nginx_build.http2_directive,
        "proxy_protocol": vhost.proxy_protocol,
    }
    return "".join(f" {name}" for name, wanted in flags.items() if wanted)


def http2(node: Node) -> bool:
    """Whether the vhost speaks HTTP/2."""
    return bool(node.attributes.registry.nginx.http2_enabled) and node.programs.nginx_build.has(
        "http_v2_module"
    )


def hsts(node: Node) -> str:
    """Strict-Transport-Security (RFC 6797), or "" where its age is 0."""
    vhost = node.attributes.registry.nginx
    if not vhost.hsts_max_age:
        return ""
    return f"max-age={vhost.hsts_max_age}" + ("; includeSubDomains" if vhost.hsts_include_subdomains else "")
