"""Distribution 2, as Debian and Ubuntu package it (docker-registry)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, ClassVar

from ctl.registry.programs.base import Unsupported, is_on
from ctl.registry.programs.metadata import metadata_settings
from ctl.registry.programs.upstream import Upstream

S3 = frozenset(
    {
        *("accesskey", "secretkey", "region", "regionendpoint", "bucket", "rootdirectory", "storageclass"),
        *("encrypt", "keyid", "secure", "skipverify", "v4auth", "useragent", "objectacl", "chunksize"),
        *("multipartcopychunksize", "multipartcopymaxconcurrency", "multipartcopythresholdsize"),
    }
)
EVERYWHERE = {"filesystem": {"rootdirectory", "maxthreads"}, "redirect": {"disable"}}
_NEWER_REDIS = ("username", "mainname", "mastername")


@dataclass(frozen=True)
class Distribution2(Upstream):
    """github.com/docker/distribution."""

    title = "Distribution 2"
    drivers = frozenset({"oss", "swift"})
    # storage/driver/*, handlers/app.go
    storage_parameters: ClassVar[Mapping[str, Set[str]]] = {
        "s3": S3,
        "cache": {"blobdescriptor", "layerinfo"},
        **EVERYWHERE,
    }
    collector_environment: ClassVar[Mapping[str, str]] = {}

    def redis_settings(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """One server and a password (configuration.go, Redis)."""
        return {name: given.get(name) for name in ("addr", "password", "db")}

    def unsupported(self, registry: Mapping[str, Any]) -> Iterator[Unsupported]:
        """What only GitLab's registry has; and of Redis, since with `tls` it sends the password unencrypted."""
        yield from metadata_settings(registry)
        redis = registry["redis"] or {}
        tls = redis.get("tls") or {}
        wanted = {name: redis.get(name) for name in _NEWER_REDIS}
        wanted["tls"] = is_on(tls, default=bool(tls))
        wanted["addr"] = "," in str(redis.get("addr", ""))
        wanted["addrs"] = len(redis.get("addrs") or ()) > 1
        for name, given in wanted.items():
            if given:
                setting = f'registry["redis"]["{name}"]'
                yield Unsupported("registry.redis", setting, "Distribution 3 or GitLab's registry")
