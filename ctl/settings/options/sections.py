"""`registry["redis"]`, `["gc"]`, `["reporting"]` and `["middleware"]`: their known parameters.

Like those of storage they are what Distribution 2.8, Distribution 3 and GitLab's registry 4 know together; others are
passed on with a warning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ctl.settings.place import Place, Refused
from ctl.settings.types import (
    INVALID,
    Bool,
    Duration,
    Enum,
    Free,
    Integer,
    ListOf,
    OneOf,
    Parameter,
    Schema,
    Text,
    Type,
    read_value,
)
from ctl.text.nearest import did_you_mean

_TEXT, _BOOL, _COUNT, _TIME = Text(), Bool(), Integer(), Duration()
_TEXTS = ListOf(_TEXT, remark=False)
_SERVER = r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:/,\[\]]*):[0-9]{1,5}|/.+"


class RedisAddress(Type):
    """HOST:PORT, or the path of a socket.

    Args:
        several: whether several may be in one text, divided by commas, as for GitLab's registry.
    """

    label = "address"

    def __init__(self, *, several: bool = False) -> None:
        self._several = several

    def read(self, value: object, place: Place) -> str:
        """The address."""
        given = _TEXT.read(value, place)
        for one in given.split(",") if self._several else [given]:
            if not re.fullmatch(_SERVER, one.strip()):
                raise Refused(
                    "must be HOST:PORT or the path of a socket"
                    + ("" if "@" in given else place.got(value)),  # a URL may hold a password
                    'Write "127.0.0.1:6379"; password and database have keys of their own, "password" and "db".',
                )
        return given


def _schema(title: str, *parameters: Parameter, form: str = "{…}") -> Schema:
    return Schema(title, parameters, lenient=True, form=form)


def _all(kind: Type, *names: tuple[str, str]) -> Sequence[Parameter]:
    return [Parameter(name, kind, description) for name, description in names]


_POOL = _schema(
    "the pool of connections to Redis",
    *_all(_COUNT, ("maxidle", "idle connections kept"), ("maxactive", "connections at most")),
    Parameter("idletimeout", _TIME, "after which idle connections are closed"),
    Parameter("size", _COUNT, "connections at most"),
    Parameter("maxlifetime", _TIME, "after which a connection is closed"),
)
_TLS = _schema(
    "TLS to Redis",
    *_all(_BOOL, ("enabled", "whether it is used"), ("insecure", "take any certificate")),
    *_all(_TEXT, ("certificate", "path of the client's certificate"), ("key", "path of its key")),
    Parameter("rootcas", _TEXTS, "paths of the authorities' certificates"),
)
_SERVERS = (
    Parameter("addr", RedisAddress(several=True), "the server; sentinels divided by commas"),
    Parameter("username", _TEXT, "user"),
    Parameter("password", _TEXT, "its password", secret=True),
    Parameter("db", _COUNT, "number of the database"),
    *_all(
        _TIME,
        ("dialtimeout", "how long to wait for a connection"),
        ("readtimeout", "how long to wait for an answer"),
        ("writetimeout", "how long to wait for a command to be sent"),
    ),
    Parameter("tls", _TLS, "TLS"),
    Parameter("pool", _POOL, "pool of connections"),
    Parameter("mainname", _TEXT, "name by which sentinels know the server"),
    Parameter("sentinelusername", _TEXT, "user of the sentinels"),
    Parameter("sentinelpassword", _TEXT, "its password", secret=True),
)
_BLOCK = (Parameter("enabled", _BOOL, "whether it is used"), *_SERVERS)

REDIS = _schema(
    "registry.redis",
    *_SERVERS,
    Parameter("addrs", ListOf(RedisAddress(), remark=False), "the same as a list, for Distribution 3"),
    Parameter("mastername", _TEXT, "name by which sentinels know the server, for Distribution 3"),
    Parameter("clientname", _TEXT, "what connections are called"),
    Parameter("protocol", _COUNT, "version of the protocol"),
    Parameter("identitysuffix", _TEXT, "end of the library's name"),
    *_all(
        _TIME,
        ("minretrybackoff", "shortest wait before the next try"),
        ("maxretrybackoff", "longest wait before the next try"),
        ("pooltimeout", "how long to wait for a connection of the pool"),
        ("connmaxidletime", "after which idle connections are closed"),
        ("connmaxlifetime", "after which a connection is closed"),
    ),
    *_all(
        _COUNT,
        ("maxretries", "how often a command is tried again"),
        ("poolsize", "connections in the pool"),
        ("minidleconns", "idle connections at least"),
        ("maxidleconns", "idle connections at most"),
        ("maxactiveconns", "connections at most"),
        ("maxredirects", "how often a cluster's redirections are followed"),
    ),
    *_all(
        _BOOL,
        ("contexttimeoutenabled", "requests' time limits hold for commands too"),
        ("poolfifo", "connections are used in turn"),
        ("readonly", "read from replicas of a cluster"),
        ("routebylatency", "read from the nearest member of a cluster"),
        ("routerandomly", "read from any member of a cluster"),
        ("disableidentity", "do not send the library's name to the server"),
        ("unstableresp3", "use what is not yet stable in the protocol"),
    ),
    Parameter("cache", _schema("redis.cache", *_BLOCK), "cache of GitLab's registry"),
    Parameter("loadbalancing", _schema("redis.loadbalancing", *_BLOCK), "for the database's replicas"),
    Parameter("ratelimiter", _schema("redis.ratelimiter", *_BLOCK), "limits of GitLab's registry"),
    form='{"addr": "127.0.0.1:6379"}',
)

_WORKER = _all(_BOOL, ("disabled", "whether it is off"))
_INTERVAL = Parameter("interval", _TIME, "wait between two runs")


GC = _schema(
    "registry.gc",
    *_all(
        _BOOL,
        ("disabled", "whether it is off"),
        ("noidlebackoff", "do not wait longer where there was nothing to do"),
    ),
    *_all(
        _TIME,
        ("maxbackoff", "longest wait between two runs"),
        ("errorcooldownperiod", "for how long after an error it goes on slowly"),
        ("transactiontimeout", "time limit of one run"),
    ),
    Parameter(
        "reviewafter", OneOf(_TIME, Integer(-1, -1)), "age at which something is looked at; -1: at once"
    ),
    Parameter(
        "blobs",
        _schema(
            "gc.blobs", *_WORKER, _INTERVAL, Parameter("storagetimeout", _TIME, "time limit of a deletion")
        ),
        "worker for blobs",
    ),
    Parameter("manifests", _schema("gc.manifests", *_WORKER, _INTERVAL), "worker for manifests"),
    form='{"disabled": False}',
)

REPORTING = _schema(
    "registry.reporting",
    Parameter(
        "sentry",
        _schema(
            "reporting.sentry",
            Parameter("enabled", _BOOL, "whether errors are reported"),
            Parameter("dsn", _TEXT, "where to", secret=True),
            Parameter("environment", _TEXT, "what this installation is called"),
        ),
        "Sentry, of GitLab's registry",
    ),
    Parameter(
        "bugsnag",
        _schema(
            "reporting.bugsnag",
            Parameter("apikey", _TEXT, "key", secret=True),
            Parameter("releasestage", _TEXT, "what this installation is called"),
            Parameter("endpoint", _TEXT, "where to"),
        ),
        "Bugsnag, of Distribution 2",
    ),
    Parameter(
        "newrelic",
        _schema(
            "reporting.newrelic",
            Parameter("licensekey", _TEXT, "key", secret=True),
            Parameter("name", _TEXT, "what this installation is called"),
            Parameter("verbose", _BOOL, "print more"),
        ),
        "New Relic, of Distribution 2",
    ),
    form='{"sentry": {"enabled": True, "dsn": "…"}}',
)

_CDN = (
    Parameter("baseurl", Text(empty=False), "address of the CDN", required=True),
    Parameter("privatekey", Text(empty=False), "path of the key that signs URLs", required=True),
    Parameter("duration", _TIME, "how long signed URLs hold"),
    Parameter("updatefrequency", _TIME, "how often the cloud's addresses are read anew"),
    Parameter("iprangesurl", _TEXT, "URL with the cloud's address ranges"),
)
OPTIONS_OF: Mapping[str, Schema] = {
    "cloudfront": _schema(
        "the middleware cloudfront",
        *_CDN,
        Parameter("keypairid", _TEXT, "id of that key", required=True),
        Parameter("updatefrenquency", _TIME, "the same, as Distribution 2 spells it"),
        Parameter(
            "ipfilteredby", Enum("none", "aws", "awsregion"), "which clients get the storage's own URL"
        ),
        Parameter("awsregion", _TEXT, "regions of these clients"),
    ),
    "googlecdn": _schema(
        "the middleware googlecdn",
        *_CDN,
        Parameter("keyname", _TEXT, "name of that key", required=True),
        Parameter("ipfilteredby", Enum("none", "gcp"), "which clients get the storage's own URL"),
    ),
    "redirect": _schema(
        "the middleware redirect",
        Parameter("baseurl", Text(empty=False), "where clients are sent", required=True),
    ),
    "rewrite": _schema(
        "the middleware rewrite",
        *_all(
            _TEXT,
            ("scheme", "scheme that URLs get"),
            ("host", "host that they get"),
            ("trimpathprefix", "beginning of the path that is taken away"),
        ),
    ),
}
"""Middleware of storage by its name, with its options."""


class Middleware(Schema):
    """One middleware. Options are checked where its name is known; others come with registries built for them.

    Args:
        known: the options of each known name.
    """

    def __init__(self, known: Mapping[str, Schema]) -> None:
        super().__init__(
            "a middleware",
            [
                Parameter("name", Text(empty=False), "what it is", required=True),
                Parameter("disabled", _BOOL, "whether it is off"),
                Parameter("options", Free(mapping=True), "its options"),
            ],
            form='{"name": "cloudfront", "options": {…}}',
        )
        self._known = known

    def read(self, value: object, place: Place) -> dict[str, Any]:
        """The mapping with known options in their one form."""
        found = super().read(value, place)
        name = found.get("name", "")
        if name in self._known and isinstance(value, dict):
            options = read_value(
                self._known[name], value.get("options") or {}, place.inside(value, "options")
            )
            found["options"] = {} if options is INVALID else options
        elif not place.crowded and (near := did_you_mean(name, self._known)):
            place.inside(value, "name").warning("is no middleware that is known; it is passed on", near)
        return found


MIDDLEWARE = _schema(
    "registry.middleware",
    Parameter(
        "storage",
        ListOf(Middleware(OPTIONS_OF), remark=False, single=False),
        "between registry and storage, as a CDN",
    ),
    *_all(
        ListOf(Middleware({}), remark=False, single=False),
        ("registry", "around the registry"),
        ("repository", "around each repository"),
    ),
    form='{"storage": [{"name": "cloudfront", "options": {…}}]}',
)
