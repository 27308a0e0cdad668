"""The settings file to begin with: one active line, everything else explained and commented out."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping

from ctl.errors import UsageFault
from ctl.settings.components import COMPONENTS
from ctl.settings.option import Option
from ctl.settings.options import GROUPS, OPTIONS
from ctl.settings.place import Place, Refused
from ctl.settings.rules.urls import Origin, origin_of
from ctl.settings.types import Extent, Url

EXAMPLE_URL = "https://registry.example.com"
_WIDTH = 96

MOST_USED: Mapping[str, tuple[str, ...]] = {
    "Where GitLab is": ("external_url", "registry.token_realm"),
    "What the registry listens on": (
        "registry.registry_http_addr",
        "registry.nginx.listen_addresses",
        "registry.nginx.listen_port",
        "registry.nginx.listen_https",
        "registry.nginx.redirect_http_to_https",
        "registry.nginx.proxy_set_headers",
        "registry.nginx.real_ip_trusted_addresses",
    ),
    "TLS": (
        "registry.nginx.ssl_certificate",
        "registry.nginx.ssl_certificate_key",
        "registry.nginx.ssl_protocols",
        "letsencrypt.enable",
    ),
    "Where images are stored": (
        "gitlab_rails.registry_path",
        "registry.storage",
        "registry.storage_delete_enabled",
        "registry.redis",
    ),
    **{title: names for one in COMPONENTS for title, names in one.starter.items()},
    "Secrets that several machines share": (
        "registry.http_secret",
        "registry.internal_key",
        "registry.internal_certificate",
        "gitlab_rails.registry_issuer",
    ),
    "A registry elsewhere, GitLab here": (
        "gitlab_rails.registry_enabled",
        "gitlab_rails.registry_api_url",
        "gitlab_rails.registry_host",
        "gitlab_rails.registry_port",
        "gitlab_rails.gitlab_default_projects_features_container_registry",
    ),
    "This machine": (
        "manage_accounts.enable",
        "registry.username",
        "registry.group",
        "nginx.worker_processes",
        "nginx.status.port",
        "logging.svlogd_size",
        "logging.svlogd_num",
    ),
}
"""What most nodes need, under the headings of the short file."""

_HEAD = """\
Settings of the container registry and what belongs to it. After a change:

    ctl check-config                      finds mistakes
    sudo ctl reconfigure --dry-run --diff shows what would change
    sudo ctl reconfigure                  does it

Lines with one # are settings that can be turned on by taking it away; they show an example, not always the \
default. `ctl settings describe NAME` explains one, `ctl settings template --all` writes them all. The syntax is \
Python's, without its dangers: strings, lists, dictionaries, if, for; env("NAME"), read_file("/path") and \
from_file("/path.py") bring in what is elsewhere."""


def template(url: str = EXAMPLE_URL, *, full: bool = False) -> str:
    """The text of a settings file.

    Args:
        url: registry_external_url, its only active line.
        full: every setting instead of the most used.

    Raises:
        UsageFault: the URL is none that a registry can have.
    """
    origin = _checked(url)
    first = OPTIONS["registry_external_url"]
    lines = [*_text(_HEAD), "", *_text(first.description), f'{first.name} = "{url}"']
    groups = _all_groups() if full else _most_used()
    for title, options in groups:
        lines += ["", "", f"## {title}", "##"]
        for option in options:
            lines += ["", *_text(_explanation(option)), f"# {option.python} = {_example(option, origin)}"]
    return "\n".join(lines) + "\n"


def _checked(url: str) -> Origin:
    try:
        origin = origin_of(Url(Extent.ORIGIN).read(url, Place([])))
    except Refused as refused:
        raise UsageFault(f"--url {refused.message}", hint=refused.hint or None) from None
    assert origin is not None  # noqa: S101 - a URL that was read has its parts
    return origin


def _most_used() -> Iterator[tuple[str, Iterable[Option]]]:
    for title, names in MOST_USED.items():
        yield title, [OPTIONS[name] for name in names]


def _all_groups() -> Iterator[tuple[str, Iterable[Option]]]:
    for title, options in GROUPS.items():
        shown = [one for one in options if one.example]
        yield title, [one for one in shown if one.name != "registry_external_url"]


def _explanation(option: Option) -> str:
    default = option.default_in_words
    return f"{option.description} Default: {default}." if default else option.description


def _example(option: Option, registry: Origin) -> str:
    """An example that agrees with the active line."""
    fitting = {
        "gitlab_rails.registry_host": f'"{registry.display_host}"',
        "gitlab_rails.registry_port": str(registry.effective_port),
    }
    return fitting.get(option.name, option.example)


def _text(text: str) -> list[str]:
    """Explanations as comments: with two #, so that they differ from settings."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        if paragraph.startswith("    "):
            lines.append(f"## {paragraph}")
        else:
            lines += [f"## {line}" for line in textwrap.wrap(paragraph, _WIDTH, break_on_hyphens=False)] or [
                "##"
            ]
    return lines
