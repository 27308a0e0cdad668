"""`registry["storage"]`: its drivers and their known parameters.

Parameters are those of Distribution 2.8, Distribution 3 and GitLab's registry 4 together: which program runs
is not known here. A parameter that none of them knows is passed on with a warning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ctl.settings.options.storage_traps import Driver, check
from ctl.settings.place import Place, Refused
from ctl.settings.types import (
    INVALID,
    AbsolutePath,
    Bool,
    Duration,
    Enum,
    Free,
    Integer,
    Number,
    Parameter,
    Schema,
    Size,
    Text,
    Type,
    read_value,
)
from ctl.settings.types.base import Node, or_null
from ctl.text.nearest import did_you_mean

_TEXT, _BOOL, _COUNT, _SIZE = Text(), Bool(), Integer(), Size()
MULTIPART_MINIMUM = 5 * 1024 * 1024
"""The smallest part of a multipart upload that S3 takes (Amazon S3 user guide, 'Multipart upload limits')."""


class Bucket(Text):
    """The name of a bucket, which 'can't include subdirectories' ('Use object storage')."""

    def __init__(self) -> None:
        super().__init__(empty=False)

    def read(self, value: object, place: Place) -> str:
        """The name."""
        name = super().read(value, place)
        if "/" in name:
            bucket, _, folder = name.partition("://")[2 if "://" in name else 0].strip("/").partition("/")
            raise Refused(
                f"is the name of a bucket only, without a path{place.got(name)}",
                f'Put the path into "rootdirectory": {{"bucket": "{bucket}", "rootdirectory": "/{folder}"}}.',
            )
        return name


class DriverSchema(Schema):
    """The parameters of a driver.

    Args:
        name: of the driver.
        parameters: the known ones; others pass with a warning.
    """

    def __init__(self, name: str, parameters: Sequence[Parameter]) -> None:
        super().__init__(f"the storage driver {name}", parameters, lenient=True)

    def hint(self, key: str, place: Place) -> str:
        """What holds for every driver is beside it, and without effect inside."""
        if key in FEATURES:
            return f'It belongs beside the driver, where it has an effect: registry["storage"]["{key}"].'
        return super().hint(key, place)


def _driver(name: str, *parameters: Parameter) -> Schema:
    return DriverSchema(name, parameters)


def _spelt(kind: Type, description: str, *names: str) -> list[Parameter]:
    """One parameter under the names that versions of a program have for it."""
    return [Parameter(name, kind, description) for name in names]


_CREDENTIALS = Enum("shared_key", "client_secret", "default_credentials")
_ROOT = Parameter("rootdirectory", _TEXT, "prefix below which everything is stored")
_USER_AGENT = Parameter("useragent", _TEXT, "User-Agent of requests")

_S3 = (
    Parameter("accesskey", _TEXT, "AWS access key; left out with an IAM role", secret=True),
    Parameter("secretkey", _TEXT, "its secret; left out with an IAM role", secret=True),
    Parameter("sessiontoken", _TEXT, "token of temporary credentials", secret=True),
    Parameter("region", Text(empty=False), "region of the bucket", required=True),
    Parameter("bucket", Bucket(), "name of a bucket that exists", required=True),
    Parameter("regionendpoint", _TEXT, "address of an S3-compatible service or a VPC endpoint"),
    Parameter("pathstyle", _BOOL, "host/bucket/object paths; False for AWS"),
    Parameter("forcepathstyle", _BOOL, "the same, as Distribution 3 calls it"),
    Parameter("encrypt", _BOOL, "server-side encryption"),
    Parameter("keyid", _TEXT, "KMS key for encryption"),
    Parameter("secure", _BOOL, "HTTPS to S3"),
    Parameter("skipverify", _BOOL, "take any certificate of the endpoint"),
    Parameter("v4auth", _BOOL, "signatures of version 4"),
    Parameter(
        "chunksize",
        Size(MULTIPART_MINIMUM, "S3's smallest part of an upload"),
        "bytes of each part of an upload",
    ),
    Parameter(
        "multipartcopychunksize",
        Size(MULTIPART_MINIMUM, "S3's smallest part of a copy"),
        "bytes of each part of a copy",
    ),
    Parameter("multipartcopymaxconcurrency", _COUNT, "parts copied at once"),
    Parameter("multipartcopythresholdsize", _SIZE, "from which size on copies go in parts"),
    _ROOT,
    Parameter("storageclass", _TEXT, "storage class of objects"),
    Parameter("objectacl", _TEXT, "canned ACL of objects"),
    Parameter("objectownership", _BOOL, "the bucket's owner owns every object"),
    Parameter("maxrequestspersecond", Number(), "limit of requests a second"),
    Parameter("maxretries", _COUNT, "how often a request is tried again"),
    Parameter("parallelwalk", _BOOL, "list in parallel"),
    Parameter("accelerate", _BOOL, "S3 transfer acceleration"),
    Parameter("usedualstack", _BOOL, "endpoints with IPv6"),
    Parameter("usefipsendpoint", _BOOL, "FIPS endpoints"),
    Parameter("checksum_disabled", _BOOL, "no checksums of uploads"),
    Parameter("checksum_algorithm", _TEXT, "algorithm of these checksums"),
    Parameter("loglevel", _TEXT, "what of S3 requests is logged"),
    Parameter("logs3apirequests", _BOOL, "log S3 requests"),
    Parameter("logs3apiresponseheaders", Free(), "headers of answers that are logged"),
    _USER_AGENT,
)

_AZURE = (
    Parameter("accountname", Text(empty=False), "storage account", required=True),
    Parameter("accountkey", _TEXT, "its key", secret=True),
    Parameter("container", Text(empty=False), "container in it, which exists", required=True),
    Parameter("realm", _TEXT, "domain of the cloud"),
    _ROOT,
    Parameter("trimlegacyrootprefix", _BOOL, "standard root folder: True when moving to Azure"),
    Parameter("legacyrootprefix", _BOOL, "older name of its opposite"),
    Parameter("credentialstype", _CREDENTIALS, "how GitLab's registry gets access"),
    Parameter("tenantid", _TEXT, "tenant of a service principal, for GitLab's registry"),
    Parameter("clientid", _TEXT, "its client"),
    Parameter("secret", _TEXT, "its secret", secret=True),
    Parameter(
        "credentials",
        Schema(
            "azure.credentials",
            [
                Parameter("type", _CREDENTIALS, "how", required=True),
                Parameter("tenantid", _TEXT, "tenant of a service principal"),
                Parameter("clientid", _TEXT, "its client"),
                Parameter("secret", _TEXT, "its secret", secret=True),
            ],
            lenient=True,
            form='{"type": "shared_key"}',
        ),
        "how Distribution 3 gets access",
    ),
    Parameter("connectionstring", _TEXT, "accepted by Distribution 3", secret=True),
    Parameter("serviceurl", _TEXT, "address of the service"),
    Parameter("skipverify", _BOOL, "take any certificate of the service"),
    *_spelt(_COUNT, "how often a request is tried again", "max_retries", "maxretries"),
    *_spelt(Duration(), "wait before the next try", "retry_delay", "retrydelay"),
    Parameter("max_retry_delay", Duration(), "longest wait before the next try"),
    Parameter("retry_try_timeout", Duration(), "time limit of each try"),
    *_spelt(Duration(), "first interval of polling", "api_pool_initial_interval", "apipoolinitialinterval"),
    *_spelt(Duration(), "longest interval of polling", "api_pool_max_interval", "apipoolmaxinterval"),
    *_spelt(Duration(), "when polling is given up", "api_pool_max_elapsed_time", "apipoolmaxelapsedtime"),
    *_spelt(_BOOL, "log requests", "debug_log", "debuglog"),
    *_spelt(_TEXT, "which events are logged", "debug_log_events", "debuglogevents"),
)

DRIVERS: Mapping[str, Schema] = {
    "filesystem": _driver(
        "filesystem",
        Parameter("rootdirectory", AbsolutePath(owned=True), "folder of the images", required=True),
        Parameter("maxthreads", Integer(1), "file operations at once"),
    ),
    "s3": _driver("s3", *_S3),
    "s3_v2": _driver("s3_v2", *_S3),
    "gcs": _driver(
        "gcs",
        Parameter("bucket", Bucket(), "name of a bucket that exists", required=True),
        Parameter("keyfile", _TEXT, "path of the service account's key file"),
        Parameter("credentials", Free(mapping=True), "content of that file", secret=True),
        _ROOT,
        Parameter("chunksize", _SIZE, "bytes of each part of an upload"),
        Parameter("maxconcurrency", _COUNT, "requests at once"),
        Parameter("parallelwalk", _BOOL, "list in parallel"),
        Parameter("debug_log", _BOOL, "log requests"),
        _USER_AGENT,
    ),
    "azure": _driver("azure", *_AZURE),
    "azure_v2": _driver("azure_v2", *_AZURE),
    "inmemory": _driver("inmemory"),
    "swift": _driver(
        "swift",
        Parameter("authurl", _TEXT, "URL of the identity service", required=True),
        Parameter("username", _TEXT, "user", required=True),
        Parameter("password", _TEXT, "its password", required=True, secret=True),
        Parameter("container", _TEXT, "container", required=True),
        *(
            Parameter(name, _TEXT, f"OpenStack {name}")
            for name in (
                "region",
                "tenant",
                "tenantid",
                "domain",
                "domainid",
                "tenantdomain",
                "tenantdomainid",
            )
        ),
        Parameter("trustid", _TEXT, "OpenStack trust"),
        Parameter("insecureskipverify", _BOOL, "take any certificate"),
        Parameter("chunksize", _SIZE, "bytes of each part of an upload"),
        Parameter("prefix", _TEXT, "prefix below which everything is stored"),
        _ROOT,
        Parameter("accesskey", _TEXT, "key of temporary URLs", secret=True),
        Parameter("secretkey", _TEXT, "secret of temporary URLs", secret=True),
        Parameter("authversion", _COUNT, "version of the identity service"),
        Parameter("endpointtype", _TEXT, "public, internal or admin"),
        Parameter("tempurlcontainerkey", _BOOL, "temporary URLs by the container's key"),
        Parameter("tempurlmethods", Free(), "methods of temporary URLs"),
    ),
    "oss": _driver(
        "oss",
        Parameter("accesskeyid", _TEXT, "access key", required=True, secret=True),
        Parameter("accesskeysecret", _TEXT, "its secret", required=True, secret=True),
        Parameter("region", _TEXT, "region of the bucket", required=True),
        Parameter("bucket", Bucket(), "name of a bucket that exists", required=True),
        Parameter("endpoint", _TEXT, "address of the service"),
        Parameter("internal", _BOOL, "address inside the cloud"),
        Parameter("encrypt", _BOOL, "server-side encryption"),
        Parameter("encryptionkeyid", _TEXT, "key for encryption"),
        Parameter("secure", _BOOL, "HTTPS"),
        Parameter("chunksize", _SIZE, "bytes of each part of an upload"),
        _ROOT,
    ),
}
"""Every driver with its known parameters."""

DEPRECATED = ("swift", "oss")
"""GitLab container registry administration, 'Configure storage': deprecated in 16.6, removed in 17.0."""

_OTHER_NAMES = {"s3aws": "s3", "s3goamz": "s3", "file": "filesystem", "googlecloud": "gcs", "minio": "s3"}
"""Names that people know drivers by."""

_UPLOAD_PURGING = (
    Parameter("enabled", _BOOL, "whether forgotten uploads are removed"),
    Parameter("age", Duration(), "how old they must be"),
    Parameter("interval", Duration(), "how often they are looked for"),
    Parameter("dryrun", _BOOL, "only log them"),
)
_READ_ONLY = Schema(
    "maintenance.readonly",
    [Parameter("enabled", _BOOL, "whether pushes are refused")],
    form='{"enabled": True}',
)

FEATURES: Mapping[str, Schema] = {
    "cache": Schema(
        "storage.cache",
        [
            Parameter("blobdescriptor", Enum("inmemory", "redis"), "where facts about blobs are cached"),
            Parameter("blobdescriptorsize", _COUNT, "how many of them"),
            Parameter("layerinfo", Enum("inmemory", "redis"), "older name of blobdescriptor"),
        ],
        lenient=True,
        form='{"blobdescriptor": "inmemory"}',
    ),
    "delete": Schema(
        "storage.delete",
        [Parameter("enabled", _BOOL, "whether images can be deleted")],
        lenient=True,
        form='{"enabled": True}',
    ),
    "redirect": Schema(
        "storage.redirect",
        [
            Parameter("disable", _BOOL, "downloads go through the registry"),
            Parameter("expirydelay", Duration(), "how long signed URLs hold"),
        ],
        lenient=True,
        form='{"disable": True}',
    ),
    "maintenance": Schema(
        "storage.maintenance",
        [
            Parameter("readonly", _READ_ONLY, "pulls only, no pushes"),
            Parameter(
                "uploadpurging", Schema("maintenance.uploadpurging", _UPLOAD_PURGING), "forgotten uploads"
            ),
        ],
        lenient=True,
        form='{"readonly": {"enabled": True}}',
    ),
    "tag": Schema(
        "storage.tag",
        [Parameter("concurrencylimit", _COUNT, "tags looked up at once")],
        lenient=True,
        form='{"concurrencylimit": 8}',
    ),
}
"""What is beside the driver."""


class Storage(Schema):
    """One driver with its parameters, and what holds for every driver."""

    def __init__(self) -> None:
        parts = [Parameter(name, one, one.title) for name, one in (*DRIVERS.items(), *FEATURES.items())]
        super().__init__("storage", parts, form='{"filesystem": {"rootdirectory": "/path"}}')
        self.label = "storage"

    def read(self, value: object, place: Place) -> dict[str, Any]:
        """The mapping with known values in their one form."""
        found = super().read(value, place)
        assert isinstance(value, dict)  # noqa: S101 - others were refused
        drivers = [key for key in found if key in DRIVERS]
        self._check_drivers(
            drivers, value, place, unknown=value.keys() > self._parameters.keys() & value.keys()
        )
        if len(drivers) == 1 and isinstance(value[drivers[0]], dict):
            (name,) = drivers
            check(Driver(name, found[name], value[name], place.inside(value, name), found))
        return found

    def _read_one(self, key: str, value: object, container: object, place: Place) -> Any:  # noqa: ANN401
        here = place.inside(container, key)
        if key in self._parameters:
            read = read_value(self._parameters[key].type, value, here)
            return {} if read is INVALID else read
        near = "" if here.crowded else did_you_mean(_OTHER_NAMES.get(key, key), self._parameters)
        here.error(
            "is no storage driver and nothing else that storage knows",
            near or f"Drivers are {', '.join(DRIVERS)}.",
        )
        return INVALID

    def _check_drivers(self, drivers: list[str], value: object, place: Place, *, unknown: bool) -> None:
        if not drivers and not unknown:
            place.error(
                f"names no storage driver: one of {', '.join(DRIVERS)}",
                "For images on this machine's disk add "
                '"filesystem": {"rootdirectory": "/var/opt/gitlab/gitlab-rails/shared/registry"}.',
            )
        if len(drivers) > 1:
            place.error(
                f"has several drivers, {' and '.join(drivers)}: a registry has one", "Leave one of them."
            )
        for driver in drivers:
            if driver in DEPRECATED:
                place.inside(value, driver).warning(
                    "is deprecated since GitLab 16.6 and dropped in 17.0: use s3, gcs, azure or filesystem"
                )

    def json_schema(self) -> Node:
        """One driver, and what holds for every driver."""
        drivers = {name: _driver_schema(name, one) for name, one in DRIVERS.items()}
        beside = {name: or_null(one.json_schema()) for name, one in FEATURES.items()}
        return {
            "type": "object",
            "properties": drivers | beside,
            "additionalProperties": False,
            "oneOf": [{"required": [name]} for name in DRIVERS],
        }

    def schemas(self) -> Mapping[str, Schema]:
        """Each driver and each part beside it."""
        return {name: one for name, one in (*DRIVERS.items(), *FEATURES.items()) if one.parameters()}


def _driver_schema(name: str, parameters: Schema) -> Node:
    return parameters.json_schema() | ({"deprecated": True} if name in DEPRECATED else {})
