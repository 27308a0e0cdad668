"""Where the registry and GitLab are reached, and whether they are there at all."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from ctl.settings.option import UNSET, Unset, View, rule

HTTPS, HTTP = 443, 80
"""The schemes' own ports."""
AUTOMATIC_PORT = 5050
"""Where the Linux package puts a registry that nobody asked for, under Let's Encrypt."""


@dataclass(frozen=True, eq=False, repr=False)
class Origin:
    """The parts of a URL that lead to a server.

    Args:
        scheme: http or https.
        host: name or address; IPv6 without brackets.
        port: as written, or None.
        path: behind it, "" for none.
    """

    scheme: str
    host: str
    port: int | None
    path: str

    @property
    def https(self) -> bool:
        """Whether it is reached through TLS."""
        return self.scheme == "https"

    @property
    def effective_port(self) -> int:
        """The port that clients connect to."""
        return self.port or (HTTPS if self.https else HTTP)

    @property
    def display_host(self) -> str:
        """The host as it is in a URL."""
        return f"[{self.host}]" if ":" in self.host else self.host


def origin_of(url: str | None) -> Origin | None:
    """The parts of a URL that has been read by its type; None for none."""
    if url is None:
        return None
    parts = urlsplit(url)
    return Origin(parts.scheme, parts.hostname or "", parts.port, parts.path.rstrip("/"))


def same_url(one: str | None, other: str | None) -> bool:
    """Whether two URLs are of one place, however case, the scheme's own port and a last slash are written."""
    places = (
        (origin.scheme, origin.host, origin.effective_port, origin.path)
        if (origin := origin_of(url))
        else None
        for url in (one, other)
    )
    return next(places) == next(places)


def registry_origin(view: View) -> Origin | None:
    """Where the registry's vhost is reached, or None without one."""
    return origin_of(view["registry_external_url"])


def registry_elsewhere(view: View) -> bool:
    """Whether the settings name a registry that is not this node's."""
    names = ("gitlab_rails.registry_api_url", "gitlab_rails.registry_enabled")
    return any(view.given_value(name) is not None for name in names)


@rule(
    'external_url\'s host with port registry["nginx"]["listen_port"], else 5050, while Let\'s Encrypt is on and no '
    "registry was set up otherwise"
)
def registry_url_under_letsencrypt(view: View) -> str | Unset:
    """The Linux package brings a registry with Let's Encrypt, but not to a site that has one elsewhere."""
    gitlab = origin_of(view.given_value("external_url"))
    if gitlab is None or not gitlab.https or gitlab.path or not view["letsencrypt.enable"]:
        return UNSET
    if view.given_value("registry.enable") is not None or registry_elsewhere(view):
        return UNSET
    port = view.given_value("registry.nginx.listen_port") or AUTOMATIC_PORT
    return f"https://{gitlab.display_host}:{port}"


def is_automatic(view: View) -> bool:
    """Whether the registry is there only because Let's Encrypt is on."""
    return view["registry_external_url"] is not None and view.given_value("registry_external_url") is None


@rule("True with registry_external_url")
def registry_enable(view: View) -> bool:
    """A URL enables the registry."""
    return view["registry_external_url"] is not None


@rule("True with external_url or gitlab_yml_path")
def gitlab_side(view: View) -> bool:
    """This node has GitLab's side."""
    return view["external_url"] is not None or view["gitlab_rails.gitlab_yml_path"] is not None


@rule('registry["enable"]')
def registry_enabled(view: View) -> bool:
    """GitLab knows the bundled registry once that is enabled."""
    return bool(view["registry.enable"])


@rule("host of registry_external_url")
def registry_host(view: View) -> str | Unset:
    """What users see, without the scheme."""
    origin = registry_origin(view)
    return origin.display_host if origin else UNSET


@rule("port of registry_external_url, left out where it is the scheme's own")
def registry_port(view: View) -> int | Unset | None:
    """What users see; `https://…:80` keeps its port."""
    origin = registry_origin(view)
    if origin is None:
        return UNSET
    return None if origin.effective_port == (443 if origin.https else 80) else origin.port


@rule('"http://" and registry["registry_http_addr"]')
def registry_api_url(view: View) -> str:
    """How GitLab itself reaches the registry."""
    return f"http://{view['registry.registry_http_addr']}"
