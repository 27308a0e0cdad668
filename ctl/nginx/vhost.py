"""What the templates of NGINX need beside the attributes: names, flags of `listen`, temporary folders."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from ctl.machine.unix_socket import nearest_path
from ctl.nginx.build import NginxBuild
from ctl.nginx.credentials import credentials
from ctl.nginx.refusals import REFUSALS
from ctl.settings.attributes import Attributes, OriginKind
from ctl.settings.rules.letsencrypt import obtains_certificate
from ctl.settings.rules.uploads import HEADER, PROCESS_HEADER, upload_key
from ctl.settings.rules.vhost import REFUSED_LOGS, socket_link, through_socket

_KEPT = {"Connection": ""}
"""Go reads the body of what it refuses unless the connection must be closed; then NGINX, which still writes it,
answers 502 instead of the registry's 401 (net/http, server.go: closeAfterReply)."""
ERROR_LOG = "gitlab_registry_error.log"
ANONYMOUS_LOG = "gitlab_registry_anonymous_access.log"
MARK = "^"
"""In the referrer of requests without credentials, on the way to the registry; NGINX leaves none in what it logs of
others. One character, as nothing that a client says before it can hide it from svlogd's patterns."""
MANY = 4
"""How many times as often as without any token an address may ask with one of whoever does not log in."""
ONLY_TLS = (495, 497)
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
"""NGINX's folders of temporary files; those of other upstreams are made even where nothing uses them."""


def host(attributes: Attributes) -> str:
    """The name under which clients reach the registry."""
    return urlsplit(attributes.registry_external_url).hostname or "localhost"


def names(attributes: Attributes) -> list[str]:
    """Every name under which the vhost answers: the host, and with it the certificate's further ones."""
    further = attributes.letsencrypt.alt_names if obtains_certificate(attributes) else []
    return list(dict.fromkeys([host(attributes), *further]))


def vhost_variables(attributes: Attributes, build: NginxBuild) -> dict[str, object]:
    """What the vhost's template needs beside the attributes themselves.

    Args:
        attributes: what the settings say.
        build: the NGINX that reads the file: it decides which directives are written, and how.
    """
    vhost, logs = attributes.registry.nginx, Path(attributes.registry.nginx.log_directory)
    commands = vhost.ssl_conf_command or []
    return {
        "vhost": vhost,
        "tls": vhost.https,
        "names": names(attributes),
        "known_names": known_names(attributes),
        # behind a proxy that ends TLS the registry gets the URL's own host, whatever a client asks for
        "refuses_names": "$" in headers(attributes).get("Host", "$host"),
        "headers": headers(attributes),
        "own_headers": own_headers(attributes),
        "one_word": one_word(attributes),
        "client": client(attributes),
        # NGINX refuses to reload a zone whose key is another than before
        "zone_prefix": f"registry_of_{client(attributes).removeprefix('$')}",
        "limits_requests": build.has("http_limit_req_module"),
        "anonymous": anonymous(attributes, build),
        "many": MANY,
        "credentials": credentials(attributes),
        "mark": MARK,
        "connections": connections(attributes, build),
        "refusals": [one for one in REFUSALS if vhost.https or one.causes[0] not in ONLY_TLS],
        "refused_log": refused_folder(attributes) / "gitlab_registry.log",
        "log_escape": attributes.nginx.log_format_escape,
        "challenges": attributes.letsencrypt.wwwroot if obtains_certificate(attributes) else None,
        "upstream": upstream(attributes),
        "upload_sockets": upload_sockets(attributes),
        "upload_header": HEADER,
        "process_header": PROCESS_HEADER,
        "deletions_log": deletions_log(attributes),
        "own_address": listen_address(attributes.registry.registry_http_addr)
        if through_socket(attributes)
        else None,
        "issuer": issuer(attributes, build),
        "access_log": logs / "gitlab_registry_access.log",
        "anonymous_log": logs / ANONYMOUS_LOG,
        "error_log": logs / ERROR_LOG,
        "handshake_level": handshake_level(attributes),
        "listen_flags": listen_flags(attributes, build),
        "http2_directive": http2(attributes, build) and build.http2_directive,
        "has": build.has,
        "ssl_conf_commands": [commands] if isinstance(commands, str) else commands,
        "hsts": hsts(attributes),
        "redirect_to": attributes.registry_external_url.rstrip("/"),
    }


def handshake_level(attributes: Attributes) -> str:
    """How much of TLS goes to the log of errors, and of the administrator's own locations."""
    vhost = attributes.registry.nginx
    wanted = vhost.error_log_level in ("debug", "info", "notice") or vhost.custom_gitlab_server_config
    return str(vhost.error_log_level) if wanted else "alert"


def known_names(attributes: Attributes) -> list[str]:
    """Every name by which clients may ask, as regular expressions of a whole name."""
    vhost, gitlab = attributes.registry.nginx, attributes.gitlab_rails
    others = [name for name in (gitlab.registry_host, *attributes.letsencrypt.alt_names) if name]
    known = [*names(attributes), *others, *vhost.host_names, "localhost"]
    return list(
        dict.fromkeys(re.escape(name.lower()).replace(r"\*", ".+").replace(r"\-", "-") for name in known)
    )


def headers(attributes: Attributes) -> dict[str, str]:
    """Those to the registry. It takes the host of an upload from three of them: a client's own word is none."""
    given = attributes.registry.nginx.proxy_set_headers
    own = {"X-Forwarded-Host": "$registry_forwarded", "Forwarded": "", **_KEPT, **logged_headers()}
    written = {name.lower() for name in given}
    return {**given, **{name: value for name, value in own.items() if name.lower() not in written}}


def own_headers(attributes: Attributes) -> dict[str, str]:
    """Those to the registry at its own address."""
    forwarded = {"X-Real-IP": "$remote_addr", "X-Forwarded-For": "$proxy_add_x_forwarded_for"}
    return {"Host": "$http_host", **forwarded, **_KEPT, **logged_headers()}


def logged_headers() -> dict[str, str]:
    """Those that the registry writes into its log, bounded; the referrer says who has no credentials."""
    return {
        "User-Agent": "$registry_user_agent",
        "Content-Type": "$registry_content_type",
        "Referer": "$registry_referer",
    }


def one_word(attributes: Attributes) -> bool:
    """Whether what clients say of themselves must be one word, for svlogd to know the line (recipes.registry)."""
    return str(attributes.registry.log_formatter) != "text"


def refused_folder(attributes: Attributes) -> Path:
    """Of the log of refused requests: beside the others, as it is rotated at another size."""
    return Path(attributes.registry.nginx.log_directory) / REFUSED_LOGS


def deletions_log(attributes: Attributes) -> Path:
    """Of which process has deleted something, for the master that switches between them."""
    return refused_folder(attributes) / "gitlab_registry_deletions.log"


def client(attributes: Attributes) -> str:
    """The variable with the client's address."""
    return "$proxy_protocol_addr" if attributes.registry.nginx.proxy_protocol else "$remote_addr"


def anonymous(attributes: Attributes, build: NginxBuild) -> dict[str, int] | None:
    """How often an address may ask without credentials; None for no limit."""
    vhost = attributes.registry.nginx
    rate = _limit(attributes, "anonymous_requests_per_second") if build.has("http_limit_req_module") else 0
    return {"rate": rate, "burst": vhost.anonymous_requests_burst} if rate else None


def connections(attributes: Attributes, build: NginxBuild) -> int:
    """Requests that an address may have under way; 0 for no limit."""
    return _limit(attributes, "connections_per_address") if build.has("http_limit_conn_module") else 0


def _limit(attributes: Attributes, name: str) -> int:
    """A limit by address; none by default where a proxy that ends TLS hides the clients' addresses."""
    vhost = attributes.registry.nginx
    given = attributes.origin(f"registry.nginx.{name}").kind is OriginKind.FILE
    behind = not vhost.https and attributes.registry_external_url.lower().startswith("https:")
    hidden = behind and not vhost.proxy_protocol and not vhost.real_ip_trusted_addresses
    return 0 if hidden and not given else int(vhost[name])


def upstream(attributes: Attributes) -> str:
    """Where NGINX reaches the registry."""
    if through_socket(attributes):
        return socket(attributes, "registry")
    return str(attributes.registry.registry_http_addr)


def upload_sockets(attributes: Attributes) -> dict[str, str] | None:
    """Where the process of an upload listens; None where there is one process.

    Returns:
        upstream, path: as an upstream has it, and as a path, with the key of the upload as a variable.
        link: the path of the one that serves.
    """
    if not through_socket(attributes):
        return None
    folder, key = Path(socket_link(attributes)).parent, upload_key("")
    whole = folder / f"key-{key}.sock"
    before, _, after = nearest_path(whole, working_directory(attributes)).rpartition(key)
    return {
        "upstream": f"unix:{before}$arg_upload_key{after}:",
        "path": str(folder / "key-$upload_key.sock"),
        "link": socket_link(attributes),
    }


def socket(attributes: Attributes, section: str) -> str:
    """The socket of the registry or the issuer, as an upstream has it."""
    return f"unix:{nearest_path(socket_link(attributes, section), working_directory(attributes))}"


def working_directory(attributes: Attributes) -> str:
    """Of the workers: a path of a socket may be relative to it, and so short enough for the kernel."""
    return str(attributes.nginx.dir)


def listen_address(address: str) -> str:
    """An address of Go (":5000") as NGINX's listen has it."""
    return f"*{address}" if address.startswith(":") else address


def issuer(attributes: Attributes, build: NginxBuild) -> dict[str, object] | None:
    """How the vhost passes requests for tokens on to the issuer of this machine; None where there is none."""
    auth, registry = attributes.registry_auth, attributes.registry
    if not auth.enable:
        return None
    return {
        "upstream": socket(attributes, "registry_auth"),
        # where a registry with autoredirect sends clients (its configuration, auth.token.autoredirect)
        "locations": ["/jwt/auth", *(["/auth/token"] if registry.autoredirect else [])],
        "rate": auth.requests_per_second if build.has("http_limit_req_module") else 0,
        "burst": auth.requests_burst,
    }


def listen_flags(attributes: Attributes, build: NginxBuild) -> str:
    """Flags of the vhost's `listen`, in the form that the found NGINX knows."""
    vhost = attributes.registry.nginx
    flags = {
        "ssl": vhost.https,
        "http2": http2(attributes, build) and not build.http2_directive,
        "proxy_protocol": vhost.proxy_protocol,
    }
    return "".join(f" {name}" for name, wanted in flags.items() if wanted)


def http2(attributes: Attributes, build: NginxBuild) -> bool:
    """Whether the vhost speaks HTTP/2."""
    return bool(attributes.registry.nginx.http2_enabled) and build.has("http_v2_module")


def hsts(attributes: Attributes) -> str:
    """Strict-Transport-Security (RFC 6797), or "" where its age is 0."""
    vhost = attributes.registry.nginx
    if not vhost.hsts_max_age:
        return ""
    return f"max-age={vhost.hsts_max_age}" + ("; includeSubDomains" if vhost.hsts_include_subdomains else "")


def temporary_folders(attributes: Attributes, build: NginxBuild) -> dict[str, Path]:
    """Folder of each *_temp_path that this NGINX knows."""
    has, top = build.has, Path(attributes.nginx.dir) / "tmp"
    known = (name for name in TEMPORARY if name == "client_body" or has(f"http_{name}_module"))
    return {name: top / name for name in known}
