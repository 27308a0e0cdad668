"""What Distribution does where its configuration says nothing, written out wherever our default is another.

The defaults are those of registry/handlers/app.go and notifications/endpoint.go of Distribution 2.8 and 3.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_FOLDER: Final = "/var/lib/registry"
"""Where the driver filesystem puts images (driver/filesystem/driver.go)."""

_BESIDE: Final[Mapping[str, Mapping[str, object]]] = {
    "filesystem": {"rootdirectory": _FOLDER},
    "cache": {},
    "delete": {"enabled": False},
}
_ENDPOINT: Final[Mapping[str, object]] = {"timeout": "1s", "threshold": 10, "backoff": "1s"}


def storage(given: Any) -> Any:  # noqa: ANN401 - as YAML gives it
    """The section `storage` with what it does without saying so: no cache, no deletion."""
    if isinstance(given, str):
        given = {given: {}}
    if not isinstance(given, Mapping):
        return given
    complete: dict[str, Any] = {key: {} if one is None else one for key, one in given.items()}
    for name, default in _BESIDE.items():
        own = complete.get(name, {})
        if isinstance(own, Mapping) and (name in complete or name != "filesystem"):
            complete[name] = {**default, **own}
    return complete


def endpoints(given: Any) -> Any:  # noqa: ANN401
    """Endpoints of notifications with their timeout, threshold and backoff."""
    if not isinstance(given, list):
        return given
    return [_endpoint(one) if isinstance(one, Mapping) else one for one in given]


def _endpoint(given: Mapping[str, Any]) -> dict[str, Any]:
    return {**given, **{name: value for name, value in _ENDPOINT.items() if not given.get(name)}}


def validation(given: Any) -> bool:  # noqa: ANN401
    """Whether manifests are checked: `enabled` does not switch it off, only `disabled` does."""
    section = given if isinstance(given, Mapping) else {}
    return _is_on(section.get("enabled")) or not _is_on(section.get("disabled"))


def health(given: Any) -> bool:  # noqa: ANN401
    """Whether the registry looks after its storage."""
    driver = given.get("storagedriver") if isinstance(given, Mapping) else None
    return _is_on(driver.get("enabled")) if isinstance(driver, Mapping) else False


def _is_on(value: object) -> bool:
    return value is True or value == "true"
