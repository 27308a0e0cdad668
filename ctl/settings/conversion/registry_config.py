"""A Distribution registry's own configuration as settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ctl.language.places import presentable
from ctl.language.ruby.to_python.written import quoted, value
from ctl.language.source import Diagnostic
from ctl.settings.conversion import silence
from ctl.settings.conversion.config_yml import Unusable
from ctl.settings.conversion.converted import Converted
from ctl.settings.masking import mask_value
from ctl.settings.rules.urls import origin_of

_REALM_PATH: Final = "/jwt/auth"
_SERVICE: Final = "container_registry"
_NOSNIFF: Final = {"x-content-type-options": ["nosniff"]}
"""The header that `ctl` writes into every config.yml by itself."""

_SIMPLE: Final[dict[str, str]] = {
    "log.level": 'registry["log_level"]',
    "loglevel": 'registry["log_level"]',
    "log.formatter": 'registry["log_formatter"]',
    "http.host": "registry_external_url",
    "http.secret": 'registry["http_secret"]',
    "http.draintimeout": 'registry["http_draintimeout"]',
    "http.debug.addr": 'registry["debug_addr"]',
    "auth.token.issuer": 'gitlab_rails["registry_issuer"]',
    "auth.token.autoredirect": 'registry["autoredirect"]',
    "http.tls.certificate": 'registry["nginx"]["ssl_certificate"]',
    "http.tls.key": 'registry["nginx"]["ssl_certificate_key"]',
    "redis": 'registry["redis"]',
    "middleware": 'registry["middleware"]',
    "compatibility.schema1.enabled": 'registry["compatibility_schema1_enabled"]',
    "database": 'registry["database"]',
    "gc": 'registry["gc"]',
    "reporting": 'registry["reporting"]',
}
"""What is a setting as it is written: its path in config.yml, and the setting."""

_FIXED: Final[dict[str, object]] = {
    "log.fields.service": "registry",
    "log.fields.environment": "production",
    "version": None,
    "auth.token.service": _SERVICE,
    "http.debug.prometheus.enabled": True,
    "http.debug.prometheus.path": "/metrics",
    "health.storagedriver.interval": "10s",
    "health.storagedriver.threshold": 3,
}
"""What `ctl` writes into every config.yml by itself; None for any value."""

_ELSEWHERE: Final = (
    *("health.storagedriver.enabled", "validation.enabled", "validation.disabled", "http.addr"),
    *("auth.htpasswd", "auth.none", "auth.silly", "auth.token.realm", "auth.token.service"),
)
"""Paths that are looked at together with others, also where they are not given."""

_INSTEAD: Final[dict[str, str]] = {
    "http.tls": 'NGINX serves TLS: registry["nginx"]["ssl_protocols"], ["ssl_client_certificate"] and so on',
    "http.http2": 'registry["nginx"]["http2_enabled"]',
    "http.net": "the registry listens on TCP behind NGINX",
    "log.accesslog": "NGINX logs access",
}

_PROTOCOLS: Final = {"tls1.2": "TLSv1.2 TLSv1.3", "tls1.3": "TLSv1.3"}
_ACCOUNTS_NEEDED: Final = (
    "pulls and pushes need an account now: ctl user add NAME; so that anybody may pull: "
    "ctl user grant anonymous '**' pull"
)


@dataclass
class _Settings:
    """What has been taken over so far.

    Args:
        lines: the settings.
        left: paths of config.yml that have no setting, with their values.
        notes: what a person should know besides.
        problems: what is not supported.
        environment: registry["env"].
    """

    lines: list[str] = field(default_factory=list)
    left: dict[str, object] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)
    environment: dict[str, object] = field(default_factory=dict)

    def give(self, setting: str, given: object) -> None:
        self.lines.append(f"{setting} = {value(given)}")


def convert_config(path: Path, config: Mapping[str, Any]) -> Converted:
    """Settings from a Distribution registry's configuration.

    Args:
        path: the file, as errors and the result name it.
        config: what is in it.

    Returns:
        The settings. What has no setting is among the remarks, and a comment with its value, secrets starred; what
        makes it another registry (a token server of one's own) is a problem.

    Raises:
        Unusable: it is a pull-through cache.
    """
    _refuse_cache(path, config)
    settings = _Settings()
    for key, given in _leaves(config, ""):
        _take(key, given, settings)
    _address(config, settings)
    _access(config.get("auth"), settings)
    _write_out(config, settings)
    if settings.environment:
        settings.give('registry["env"]', settings.environment)
    remarks = (*settings.notes, *(_remark(key) for key in settings.left))
    return Converted(_text(path, settings), remarks, tuple(settings.problems))


def _refuse_cache(path: Path, config: Mapping[str, Any]) -> None:
    if _mapping(config.get("proxy")).get("remoteurl"):
        raise Unusable(
            f"{path}: proxy.remoteurl makes this a pull-through cache, which takes no pushes and is not supported here",
            hint="Leave that registry as it is, or take `proxy` out to make a registry of its storage.",
        )


def _mapping(given: object) -> Mapping[str, Any]:
    """A section; an empty one in the place of anything else."""
    return given if isinstance(given, Mapping) else {}


def _leaves(config: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """The parts of a configuration that are taken, or left, as one: by their dotted paths."""
    known = (*_SIMPLE, *_FIXED, *_SPECIAL, *_ELSEWHERE)
    for key, given in config.items():
        path = f"{prefix}{key}"
        whole = path in (*_SIMPLE, *_SPECIAL, *_ELSEWHERE) or not isinstance(given, Mapping)
        if whole or not any(one.startswith(f"{path}.") for one in known):
            yield path, given
        else:
            yield from _leaves(given, f"{path}.")


def _take(key: str, given: Any, settings: _Settings) -> None:  # noqa: ANN401
    if key in _ELSEWHERE or (key in _FIXED and (_FIXED[key] is None or _FIXED[key] == given)):
        return
    if key in _SPECIAL:
        _SPECIAL[key](given, settings)
    elif given is not None and key in _SIMPLE:
        settings.give(_SIMPLE[key], given)
    elif given is not None:
        settings.left[key] = given


def _write_out(config: Mapping[str, Any], settings: _Settings) -> None:
    """What the registry did without saying so, and ours would not do."""
    settings.give('registry["validation_enabled"]', silence.validation(config.get("validation")))
    settings.give('registry["health_storagedriver_enabled"]', silence.health(config.get("health")))
    if config.get("storage") is None:
        settings.notes.append("there is no storage in it: images go to the folder that is our default")
        settings.give('registry["storage_delete_enabled"]', False)


def _storage(given: Any, settings: _Settings) -> None:  # noqa: ANN401
    if given is None:
        return
    whole = silence.storage(given)
    settings.give('registry["storage"]', whole)
    if isinstance(whole, Mapping) and whole.get("delete") == {"enabled": False}:
        settings.notes.append(
            "images cannot be deleted, as before; garbage collection needs storage.delete.enabled"
        )


def _notifications(given: Any, settings: _Settings) -> None:  # noqa: ANN401
    if given is not None:
        settings.give('registry["notifications"]', silence.endpoints(given))


def _bundle(given: Any, settings: _Settings) -> None:  # noqa: ANN401
    settings.lines.append(f'registry["internal_certificate"] = read_file({quoted(str(given))})')


def _relative(given: Any, settings: _Settings) -> None:  # noqa: ANN401
    settings.environment["REGISTRY_HTTP_RELATIVEURLS"] = given


def _headers(given: Any, settings: _Settings) -> None:  # noqa: ANN401
    """Headers of every answer, those for browsers elsewhere (CORS) among them."""
    given = _mapping(given)
    if given and {str(name).lower(): values for name, values in given.items()} != _NOSNIFF:
        lists = {name: values for name, values in given.items() if isinstance(values, list)}
        texts = {name: [_text_of(one) for one in values] for name, values in lists.items()}
        settings.environment["REGISTRY_HTTP_HEADERS"] = json.dumps(texts)


def _text_of(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _address(config: Mapping[str, Any], settings: _Settings) -> None:
    """NGINX takes the place where clients reached the registry, which moves behind it."""
    section = _mapping(config.get("http"))
    address, port = section.get("addr"), str(section.get("addr") or "").rpartition(":")[2]
    if address is None:
        return
    is_of_clients = port == _port_of(section.get("host"))
    if not section.get("tls") and not is_of_clients:
        settings.give('registry["registry_http_addr"]', address)
        return
    settings.notes.append(
        f"NGINX listens on port {presentable(port)} in its place; the registry is behind it"
    )
    if port.isdecimal() and not is_of_clients:
        settings.give('registry["nginx"]["listen_port"]', int(port))


def _port_of(url: object) -> str:
    """The port that a URL leads to, as text; "" where it has none."""
    try:
        origin = origin_of(str(url) if url else None)
    except ValueError:
        return ""
    return str(origin.effective_port) if origin else ""


def _minimum_tls(given: Any, settings: _Settings) -> None:  # noqa: ANN401
    if given in _PROTOCOLS:
        settings.give('registry["nginx"]["ssl_protocols"]', _PROTOCOLS[given])
    else:
        settings.left["http.tls.minimumtls"] = given


def _client_authorities(given: Any, settings: _Settings) -> None:  # noqa: ANN401
    if isinstance(given, list) and len(given) == 1:
        settings.give('registry["nginx"]["ssl_client_certificate"]', given[0])
        settings.give('registry["nginx"]["ssl_verify_client"]', "on")
    elif given:
        settings.left["http.tls.clientcas"] = given


def _letsencrypt(given: Any, settings: _Settings) -> None:  # noqa: ANN401
    rest = dict(_mapping(given))
    email = rest.pop("email", None)
    for name in (
        "cachefile",
        "hosts",
    ):  # certificates have their own folder; the names are those of the vhost
        rest.pop(name, None)
    settings.give('letsencrypt["enable"]', True)
    if email:
        settings.give('letsencrypt["contact_emails"]', [email])
    if rest:
        settings.left["http.tls.letsencrypt"] = rest


def _access(given: Any, settings: _Settings) -> None:  # noqa: ANN401
    """Who gives access: GitLab, or the issuer of this machine's accounts."""
    section = {given: {}} if isinstance(given, str) else _mapping(given)
    kinds = [name for name in section if name not in ("none", "silly")]
    if not kinds:
        settings.notes.append(f"there was no authentication: {_ACCOUNTS_NEEDED}")
    elif "htpasswd" in section:
        path = str(_mapping(section["htpasswd"]).get("path") or "PATH")
        settings.notes.append(
            f"its accounts are taken over with: ctl user import-htpasswd {presentable(path)}"
        )
    elif "token" in section:
        _token(_mapping(section["token"]), settings)
    else:
        settings.left[f"auth.{kinds[0]}"] = section[kinds[0]]
        settings.notes.append(f"auth.{presentable(kinds[0])} is not supported: {_ACCOUNTS_NEEDED}")


def _token(token: Mapping[str, Any], settings: _Settings) -> None:
    realm, service = str(token.get("realm") or ""), token.get("service", _SERVICE)
    if realm.rstrip("/").endswith(_REALM_PATH) and service == _SERVICE:
        settings.give('registry["token_realm"]', realm.rstrip("/").removesuffix(_REALM_PATH))
        return
    left = {"realm": token.get("realm"), "service": token.get("service")}
    settings.left |= {f"auth.token.{name}": given for name, given in left.items() if given is not None}
    settings.problems.append(
        Diagnostic(
            "a token server other than GitLab's, or the one that ctl runs, is not supported",
            setting="auth.token",
            hint=f"GitLab's realm ends in {_REALM_PATH}, and its service is {_SERVICE}. Without registry["
            '"token_realm"] ctl issues tokens itself, to accounts that ctl user makes.',
        )
    )


_SPECIAL: Final[dict[str, Callable[[Any, _Settings], None]]] = {
    "storage": _storage,
    "notifications.endpoints": _notifications,
    "auth.token.rootcertbundle": _bundle,
    "http.relativeurls": _relative,
    "http.headers": _headers,
    "http.tls.minimumtls": _minimum_tls,
    "http.tls.clientcas": _client_authorities,
    "http.tls.letsencrypt": _letsencrypt,
}


def _remark(key: str) -> str:
    near = next((hint for known, hint in _INSTEAD.items() if key == known or key.startswith(f"{known}.")), "")
    return f"{presentable(key)} has no setting" + (f": {near}" if near else "")


def _text(path: Path, settings: _Settings) -> str:
    name = presentable(path.name)
    head = [f"## From {name} of a Distribution registry. Next: ctl check-config"]
    if not any(line.startswith("registry_external_url") for line in settings.lines):
        head += [
            "",
            "## The address that people use:",
            '# registry_external_url("https://registry.example.com")',
        ]
    notes = ["", *(f"## {note}" for note in settings.notes)] if settings.notes else []
    return "\n".join([*head, *notes, "", *settings.lines, *_not_taken(name, settings)]) + "\n"


def _not_taken(name: str, settings: _Settings) -> Iterator[str]:
    """What has no setting, as comments with its values."""
    for problem in settings.problems:
        yield from ("", f"## NOT CONVERTED: {problem.setting}: {problem.message}")
    if settings.left:
        yield from ("", f"## What else is in {name}, and has no setting (secrets are starred):")
    for key, given in settings.left.items():
        *outer, last = key.split(".")
        masked = mask_value({last: given}, path=tuple(outer))
        assert isinstance(masked, Mapping)  # noqa: S101 - as what was masked
        yield f"## {_remark(key)}"
        yield f"##   {presentable(json.dumps(masked[last], ensure_ascii=False))}"
