"""Distribution 3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ctl.distribution import distribution
from ctl.registry import token
from ctl.registry.programs.base import Unsupported, is_true, texts
from ctl.registry.programs.distribution2 import EVERYWHERE, S3, Distribution2
from ctl.registry.programs.metadata import REPORTERS_OF_2, metadata_settings, reporters
from ctl.registry.programs.upstream import Upstream

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

_S3 = {"accelerate", "forcepathstyle", "loglevel", "pathstyle", "usedualstack", "usefipsendpoint"}
"""`pathstyle` is written in its words, as is Azure's `credentialstype` with its like."""
_AZURE = {
    *("accountname", "accountkey", "container", "realm", "serviceurl", "rootdirectory", "connectionstring"),
    *("credentials", "credentialstype", "tenantid", "clientid", "secret", "skipverify"),
    *("max_retries", "retry_delay", "trimlegacyrootprefix", "legacyrootprefix"),
}
_GCS = {"bucket", "keyfile", "credentials", "rootdirectory", "chunksize", "maxconcurrency", "useragent"}
_POOL_NAMES = {
    "size": "poolsize",
    "maxidle": "maxidleconns",
    "maxactive": "maxactiveconns",
    "idletimeout": "connmaxidletime",
    "maxlifetime": "connmaxlifetime",
}
"""Names of `redis.pool` (Distribution 2; GitLab's registry), and what Distribution 3 calls them."""


@dataclass(frozen=True)
class Distribution3(Upstream):
    """github.com/distribution/distribution/v3.

    It finds the key of a token by its RFC 7638 thumbprint, if all that it has is the certificate, and GitLab names
    its key in the older way (libtrust): such a token is refused ("token signed by untrusted key with ID"). A set
    of keys gives a key any name (auth.token.jwks).
    """

    title = "Distribution 3"
    drivers = frozenset({"azure", "gcs"})
    # storage/driver/*, handlers/app.go
    storage_parameters: ClassVar[Mapping[str, Set[str]]] = {
        "s3": S3 | _S3,
        "gcs": _GCS,
        "azure": _AZURE,
        "cache": {"blobdescriptor", "blobdescriptorsize", "layerinfo"},
        **EVERYWHERE,
    }
    takes_schema1 = False
    key_file = "token-keys.json"
    # it sends traces of requests to this machine's port 4318 unless configured otherwise, and logs each failure
    service_environment: ClassVar[Mapping[str, str]] = {"OTEL_TRACES_EXPORTER": "none"}
    collector_environment: ClassVar[Mapping[str, str]] = {}

    def name_key(self, public: PublicKeyTypes) -> str:
        """The RFC 7638 thumbprint."""
        return token.thumbprint(public)

    def storage(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The others use path-style URLs wherever an endpoint is given, unless the settings forbid it; this one only
        where it is asked to, under a name of its own (driver/s3-aws, `forcepathstyle`).
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

    def redis(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """`addr` became a list, and the pool's settings are beside it (configuration.go, RedisOptions)."""
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
            certificates = {"rootcas": [str(distribution().ca_bundle)]}
        return {**redis, **({"tls": certificates} if certificates else {})}

    def validation(self, *, enabled: bool) -> dict[str, Any]:
        """Without this section it also takes an index whose images are missing, which nobody could pull; the others
        never do. So it stays on, and allows every URL.
        """
        return {"disabled": False} | ({} if enabled else {"manifests": {"urls": {"allow": [".*"]}}})

    def redis_addresses(self, given: Mapping[str, Any]) -> tuple[str, ...]:
        """A list."""
        return texts(given.get("addrs"))

    def unsupported(self, registry: Mapping[str, Any]) -> Iterator[Unsupported]:
        """What only the others have (configuration.go); and certificates of Redis that nobody checks."""
        yield from metadata_settings(registry)
        if registry["compatibility_schema1_enabled"]:
            name = "compatibility_schema1_enabled"
            yield Unsupported(f"registry.{name}", f'registry["{name}"]', Distribution2.title)
        yield from reporters(registry, REPORTERS_OF_2.__contains__, Distribution2.title)
        if is_true(((registry["redis"] or {}).get("tls") or {}).get("insecure")):
            setting = 'registry["redis"]["tls"]["insecure"]'
            yield Unsupported("registry.redis", setting, "GitLab's registry")


def _azure(given: Mapping[str, Any]) -> dict[str, Any]:
    """How access is got is in a mapping of its own, without which Distribution 3 does not start
    (driver/azure/parser.go); GitLab's registry takes the account's key for granted."""
    kind = given.get("credentialstype") or ("shared_key" if "accountkey" in given else None)
    if kind is None or "credentials" in given:
        return dict(given)
    own = {name: given[name] for name in ("tenantid", "clientid", "secret") if name in given}
    rest = {name: value for name, value in given.items() if name not in own and name != "credentialstype"}
    return {**rest, "credentials": {"type": kind, **own}}
