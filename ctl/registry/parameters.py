"""Parameters of storage that were given and that the registry program of this machine passes over.

Without a word, so ctl has one: the registry works, but not as it was meant to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

from ctl.registry.program import Flavour, RegistryProgram
from ctl.settings.attributes import Attributes, OriginKind
from ctl.settings.source import Diagnostic, Severity

_S3 = frozenset(
    {
        *("accesskey", "secretkey", "region", "regionendpoint", "bucket", "rootdirectory", "storageclass"),
        *("encrypt", "keyid", "secure", "skipverify", "v4auth", "useragent", "objectacl", "chunksize"),
        *("multipartcopychunksize", "multipartcopymaxconcurrency", "multipartcopythresholdsize"),
    }
)
_S3_OF_3 = {"accelerate", "forcepathstyle", "loglevel", "pathstyle", "usedualstack", "usefipsendpoint"}
"""`pathstyle` is written in its words (ctl.registry.dialect), as is Azure's `credentialstype` with its like."""
_AZURE_OF_3 = {
    *("accountname", "accountkey", "container", "realm", "serviceurl", "rootdirectory", "connectionstring"),
    *("credentials", "credentialstype", "tenantid", "clientid", "secret", "skipverify"),
    *("max_retries", "retry_delay", "trimlegacyrootprefix", "legacyrootprefix"),
}
_GCS_OF_3 = {"bucket", "keyfile", "credentials", "rootdirectory", "chunksize", "maxconcurrency", "useragent"}
_EVERYWHERE = {"filesystem": {"rootdirectory", "maxthreads"}, "redirect": {"disable"}}
_READ: Mapping[Flavour, Mapping[str, Set[str]]] = {
    Flavour.DISTRIBUTION_2: {"s3": _S3, "cache": {"blobdescriptor", "layerinfo"}, **_EVERYWHERE},
    Flavour.DISTRIBUTION_3: {
        "s3": _S3 | _S3_OF_3,
        "gcs": _GCS_OF_3,
        "azure": _AZURE_OF_3,
        "cache": {"blobdescriptor", "blobdescriptorsize", "layerinfo"},
        **_EVERYWHERE,
    },
}
"""What each program reads of a driver, and of what stands beside it (storage/driver/*, handlers/app.go)."""

_PATH_STYLES = ("pathstyle", "forcepathstyle")
"""Distribution 2 has paths of the form host/bucket/object wherever an endpoint is given, and nowhere else."""


def passed_over(attributes: Attributes, program: RegistryProgram) -> list[Diagnostic]:
    """A warning for each parameter of storage that has no effect with this program.

    Args:
        attributes: only storage that the settings file gave counts.
        program: as `identify` found it; GitLab's registry reads what its own settings say.
    """
    origin = attributes.origin("registry.storage")
    read = _READ.get(program.flavour)
    if read is None or origin.kind is not OriginKind.FILE:
        return []
    return [
        Diagnostic(
            f"has no effect: {program} does not know it{more}",
            origin.location,
            f"registry.storage.{setting}",
            severity=Severity.WARNING,
        )
        for setting, more in _ignored(attributes.registry.storage, read)
    ]


def _ignored(storage: Mapping[str, Any], read: Mapping[str, Set[str]]) -> Iterator[tuple[str, str]]:
    for part, known in read.items():
        given: Mapping[str, Any] = storage.get(part) or {}
        style = bool(given.get("regionendpoint"))
        for name, value in given.items():
            if name not in known and not (name in _PATH_STYLES and value is style):
                yield f"{part}.{name}", ""
    if "azure" in read and isinstance(storage.get("azure"), Mapping):
        yield from _legacy_root(storage["azure"])


def _legacy_root(azure: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Distribution 3 always has the standard root folder, as `trimlegacyrootprefix` gives it elsewhere."""
    for name, wanted in (("trimlegacyrootprefix", False), ("legacyrootprefix", True)):
        if azure.get(name) is wanted:
            yield f"azure.{name}", ", and does not find images whose paths begin with //"
