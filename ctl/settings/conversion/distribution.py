"""A Distribution registry's own config.yml as settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ctl.errors import EXIT_USAGE, CtlError
from ctl.settings.conversion.gitlab_rb import Converted
from ctl.settings.language.faults import LimitReached, NoValue
from ctl.settings.language.limits import Budget
from ctl.settings.language.places import presentable
from ctl.settings.language.tracked import TrackedDict, TrackedList
from ctl.settings.ruby.to_python.python_text import quoted, value

_REALM_PATH: Final = "/jwt/auth"
_SERVICE: Final = "container_registry"

_TOO_DEEP = "maximum nesting depth"
"""In what a loader with a bound of its own says (libyaml as PyYAML 6.0.4 brings it)."""
_MOST_NESTED: Final = 40
_MOST_EVENTS: Final = 50_000
"""Values, keys, and ends of lists and mappings in a configuration."""

_SIMPLE: Final[dict[str, str]] = {
    "log.level": 'registry["log_level"]',
    "loglevel": 'registry["log_level"]',
    "log.formatter": 'registry["log_formatter"]',
    "http.addr": 'registry["registry_http_addr"]',
    "http.host": "registry_external_url",
    "http.secret": 'registry["http_secret"]',
    "http.draintimeout": 'registry["http_draintimeout"]',
    "http.debug.addr": 'registry["debug_addr"]',
    "storage": 'registry["storage"]',
    "auth.token.issuer": 'gitlab_rails["registry_issuer"]',
    "auth.token.autoredirect": 'registry["autoredirect"]',
    "health.storagedriver.enabled": 'registry["health_storagedriver_enabled"]',
    "notifications.endpoints": 'registry["notifications"]',
    "redis": 'registry["redis"]',
    "middleware": 'registry["middleware"]',
    "compatibility.schema1.enabled": 'registry["compatibility_schema1_enabled"]',
    "validation.enabled": 'registry["validation_enabled"]',
    "database": 'registry["database"]',
    "gc": 'registry["gc"]',
    "reporting": 'registry["reporting"]',
}
"""What is a setting as it stands: its path in config.yml, and the setting."""

_FIXED: Final[dict[str, object]] = {
    "version": None,
    "auth.token.service": _SERVICE,
    "http.debug.prometheus.enabled": True,
    "http.debug.prometheus.path": "/metrics",
    "health.storagedriver.interval": "10s",
    "health.storagedriver.threshold": 3,
}
"""What `ctl` writes into every config.yml by itself; None for any value."""

_INSTEAD: Final[dict[str, str]] = {
    "http.tls": 'NGINX serves TLS: registry["nginx"]["ssl_certificate"] and ["ssl_certificate_key"]',
    "http.headers": 'NGINX sends headers: registry["nginx"]["custom_gitlab_server_config"]',
    "http.http2": 'registry["nginx"]["http2_enabled"]',
    "http.net": "the registry listens on TCP behind NGINX",
    "auth.htpasswd": "GitLab, or whoever signs tokens, is the only one to give access",
    "auth.silly": "GitLab, or whoever signs tokens, is the only one to give access",
    "auth.token.service": f"it is always {_SERVICE}",
    "auth.token.realm": f'registry["token_realm"] is a realm that ends in {_REALM_PATH}',
    "proxy": "a registry beside GitLab is no pull-through cache",
    "log.accesslog": "NGINX logs access",
}


@dataclass
class _Settings:
    """What has been taken over so far.

    Args:
        lines: the settings.
        left: paths of config.yml that have no setting.
    """

    lines: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def give(self, setting: str, given: object) -> None:
        self.lines.append(f"{setting} = {value(given)}")


def convert_distribution(path: Path, text: str) -> Converted:
    """Settings from a Distribution registry's config.yml.

    Args:
        path: the file, as errors name it.
        text: what is in it.

    Returns:
        The settings; a remark for each part that has no setting (never with its value, which may be a secret).

    Raises:
        CtlError: it is no YAML, or no mapping.
    """
    config = _loaded(path, text)
    settings = _Settings()
    for key, given in _leaves(config, ""):
        _take(key, given, settings)
    return Converted(_text(path, settings), tuple(_remark(key) for key in settings.left))


def _loaded(path: Path, text: str) -> dict[str, Any]:
    import yaml

    try:
        # A safe loader, which makes nothing but plain values.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        _check_size(yaml.parse(text, Loader=loader))
        plain = _plain(yaml.load(text, Loader=loader), Budget())  # noqa: S506
    except yaml.MarkedYAMLError as error:
        if _TOO_DEEP in str(error.problem):
            raise _too_much(path) from None
        where = (
            f":{error.problem_mark.line + 1}:{error.problem_mark.column + 1}" if error.problem_mark else ""
        )
        raise _Unusable(f"{path}{where}: this is not YAML: {presentable(str(error.problem))}") from None
    except yaml.YAMLError:
        raise _Unusable(f"{path}: this is not YAML") from None
    except (NoValue, LimitReached, RecursionError, ValueError, OverflowError):
        raise _too_much(path) from None
    if not isinstance(plain, dict) or not plain:
        raise _Unusable(
            f"{path}: this is no configuration of a registry",
            hint="Name the config.yml of a Distribution registry, or a gitlab.rb.",
        )
    return plain


def _too_much(path: Path) -> _Unusable:
    return _Unusable(f"{path}: this holds more than a configuration can be read from")


def _check_size(events: Iterable[object]) -> None:
    """Raises LimitReached before a text is loaded that nests too deeply for the loader, or says too much."""
    depth = 0
    for count, event in enumerate(events):
        name = type(event).__name__
        depth += name.endswith("StartEvent") - name.endswith("EndEvent")
        if depth > _MOST_NESTED or count > _MOST_EVENTS:
            raise LimitReached("too much")


class _Unusable(CtlError):
    """A file cannot be converted (exit 2)."""

    exit_code = EXIT_USAGE


def _plain(given: object, budget: Budget) -> Any:  # noqa: ANN401 - as YAML gives it
    """A value of strings, numbers, truth values, lists and mappings, of a bounded size. Raises LimitReached."""
    tracked = _tracked(given, budget, 0)
    budget.weigh(tracked)
    return tracked


def _tracked(given: object, budget: Budget, depth: int) -> object:
    budget.charge(1)
    if depth > _MOST_NESTED:
        raise LimitReached("too deep")
    if isinstance(given, dict):
        return TrackedDict({str(key): _tracked(one, budget, depth + 1) for key, one in given.items()})
    if isinstance(given, (list, tuple, set)):
        return TrackedList([_tracked(one, budget, depth + 1) for one in given])
    if given is None or isinstance(given, (str, int, float)):
        budget.charge_text(len(given) if isinstance(given, str) else 0)
        return given
    return str(given)


def _leaves(config: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """The parts of a configuration that are taken, or left, as one: by their dotted paths."""
    for key, given in config.items():
        path = f"{prefix}{key}"
        whole = path in _SIMPLE or path in _INSTEAD or path in _SPECIAL or not isinstance(given, dict)
        if whole or not any(known.startswith(f"{path}.") for known in (*_SIMPLE, *_FIXED, *_SPECIAL)):
            yield path, given
        else:
            yield from _leaves(given, f"{path}.")


def _take(key: str, given: Any, settings: _Settings) -> None:  # noqa: ANN401
    if key in _FIXED and (_FIXED[key] is None or _FIXED[key] == given):
        return
    if given is None and key not in _SIMPLE:
        return
    if key in _SPECIAL:
        _SPECIAL[key](given, settings)
    elif key in _SIMPLE:
        if given is not None:
            settings.give(_SIMPLE[key], given)
    else:
        settings.left.append(key)


def _realm(given: Any, settings: _Settings) -> None:  # noqa: ANN401
    if isinstance(given, str) and given.rstrip("/").endswith(_REALM_PATH):
        settings.give('registry["token_realm"]', given.rstrip("/").removesuffix(_REALM_PATH))
    else:
        settings.left.append("auth.token.realm")


def _bundle(given: Any, settings: _Settings) -> None:  # noqa: ANN401
    settings.lines.append(f'registry["internal_certificate"] = read_file({quoted(str(given))})')


def _relative(given: Any, settings: _Settings) -> None:  # noqa: ANN401
    settings.give('registry["env"]', {"REGISTRY_HTTP_RELATIVEURLS": given})


def _validation(given: Any, settings: _Settings) -> None:  # noqa: ANN401
    settings.give('registry["validation_enabled"]', given in (False, "false"))


_SPECIAL: Final[dict[str, Callable[[Any, _Settings], None]]] = {
    "auth.token.realm": _realm,
    "auth.token.rootcertbundle": _bundle,
    "http.relativeurls": _relative,
    "validation.disabled": _validation,
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
    left = [f"## {_remark(key)}" for key in settings.left]
    tail = ["", f"## What {name} says besides, and has no setting:", *left] if left else []
    return "\n".join([*head, "", *settings.lines, *tail]) + "\n"
