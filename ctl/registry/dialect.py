"""How the sections of config.yml are written for each registry program: what they mean is the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ctl.registry.program import Flavour
from ctl.settings.attributes import Section

KEY_SET = "token-keys.json"
"""Name of the file with the keys of tokens, in the registry's folder; only Distribution 3 reads one."""
SYSTEM_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
_OPTIONAL = ("database", "gc", "redis", "reporting", "middleware")
_POOL_NAMES = {
    "size": "poolsize",
    "maxidle": "maxidleconns",
    "maxactive": "maxactiveconns",
    "idletimeout": "connmaxidletime",
    "maxlifetime": "connmaxlifetime",
}
"""Names of `redis.pool` (Distribution 2; GitLab's registry), and what Distribution 3 calls them."""


def knows_schema1(flavour: Flavour) -> bool:
    """Whether it takes manifests of schema 1 if it is told to; Distribution 3 has no code for them any more."""
    return flavour is not Flavour.DISTRIBUTION_3


def validation(*, enabled: bool, flavour: Flavour) -> dict[str, Any]:
    """The section `validation`: whether layers may lie at URLs elsewhere.

    Without it Distribution 3 also takes an index whose images are missing, which nobody could pull; the others
    never do. So there it stays on, and allows every URL.

    Args:
        enabled: registry["validation_enabled"].
        flavour: of the program.
    """
    if enabled or flavour is not Flavour.DISTRIBUTION_3:
        return {"disabled": not enabled}
    return {"disabled": False, "manifests": {"urls": {"allow": [".*"]}}}


def key_set(folder: str, flavour: Flavour) -> Path | None:
    """The file of the keys of tokens, or None where the program reads none.

    Distribution 3 finds the key of a token by its RFC 7638 thumbprint, if all that it has is the certificate,
    and GitLab names its key in the older way (libtrust): such a token is refused ("token signed by untrusted
    key with ID"). A set of keys gives a key any name (auth.token.jwks).

    Args:
        folder: registry["dir"].
        flavour: of the program.
    """
    return Path(folder) / KEY_SET if flavour is Flavour.DISTRIBUTION_3 else None


def sections(registry: Section, flavour: Flavour) -> dict[str, Any]:
    """The sections of config.yml that settings hold whole, as the program reads them.

    Args:
        registry: the settings, resolved.
        flavour: of the program.

    Returns:
        `storage`, and those of database, gc, redis, reporting and middleware that are there.
    """
    found = {name: registry[name] for name in ("storage", *_OPTIONAL) if registry[name]}
    newest = flavour is Flavour.DISTRIBUTION_3
    if newest:
        found["storage"] = _storage(found["storage"])
    if "redis" in found:
        found["redis"] = (_redis if newest else _older_redis)(found["redis"])
    return found


def _storage(given: Mapping[str, Any]) -> dict[str, Any]:
    """Distribution 2 and GitLab's registry use path-style URLs wherever an endpoint is given, unless told not
    to; Distribution 3 only if it is told to, under a name of its own (driver/s3-aws, `forcepathstyle`).
    """
    storage = dict(given)
    s3 = storage.get("s3")
    if s3:
        default = bool(s3.get("regionendpoint"))
        style = s3.get("forcepathstyle", s3.get("pathstyle", default))
        rest = {name: value for name, value in s3.items() if name != "pathstyle"}
        storage["s3"] = {**rest, **({"forcepathstyle": style} if style is not False else {})}
    if storage.get("azure"):
        storage["azure"] = _azure(storage["azure"])
    return storage


def _azure(given: Mapping[str, Any]) -> dict[str, Any]:
    """How access is got is told in a mapping of its own, without which Distribution 3 does not begin
    (driver/azure/parser.go); GitLab's registry takes the account's key for granted."""
    kind = given.get("credentialstype") or ("shared_key" if "accountkey" in given else None)
    if kind is None or "credentials" in given:
        return dict(given)
    own = {name: given[name] for name in ("tenantid", "clientid", "secret") if name in given}
    rest = {name: value for name, value in given.items() if name not in own and name != "credentialstype"}
    return {**rest, "credentials": {"type": kind, **own}}


def _older_redis(given: Mapping[str, Any]) -> dict[str, Any]:
    """One text for all addresses, which GitLab's registry divides by commas; Distribution 2 takes one."""
    if "addr" in given or "addrs" not in given:
        return dict(given)
    first = {"addr": ",".join(given["addrs"])}
    return first | {name: value for name, value in given.items() if name != "addrs"}


def _redis(given: Mapping[str, Any]) -> dict[str, Any]:
    """`addr` became a list, and the pool's settings lie beside it (configuration.go, RedisOptions)."""
    moved = ("addr", "mainname", "pool", "tls", "cache", "loadbalancing", "ratelimiter")
    redis = {name: value for name, value in given.items() if name not in moved}
    if "addr" in given:
        redis["addrs"] = [one.strip() for one in str(given["addr"]).split(",")]
    if "mainname" in given:
        redis["mastername"] = given["mainname"]
    for name, value in (given.get("pool") or {}).items():
        redis[_POOL_NAMES.get(name, name)] = value
    tls = given.get("tls") or {}
    certificates = {name: value for name, value in tls.items() if name != "enabled"}
    if tls.get("enabled") is True and not certificates:
        # it has no switch: it uses TLS where it is given certificates
        certificates = {"rootcas": [SYSTEM_AUTHORITIES]}
    return {**redis, **({"tls": certificates} if certificates else {})}
