"""`registry["database"]`: the metadata database of GitLab's registry."""

from __future__ import annotations

from ctl.settings.types import Bool, Duration, Either, Enum, Free, Parameter, Schema, Text, port

_TEXT, _BLOCK = Text(), Free(mapping=True)

DATABASE = Schema(
    "registry.database",
    [
        Parameter("enabled", Either("prefer"), 'whether it is used; "prefer": if it is there'),
        Parameter("host", _TEXT, "address, or the folder of a socket"),
        Parameter("port", port(), "port"),
        Parameter("user", _TEXT, "user"),
        Parameter("password", _TEXT, "its password", secret=True),
        Parameter("dbname", _TEXT, "name of the database"),
        Parameter(
            "sslmode",
            Enum("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
            "TLS to the database",
        ),
        Parameter("sslcert", _TEXT, "path of the client's certificate"),
        Parameter("sslkey", _TEXT, "path of its key"),
        Parameter("sslrootcert", _TEXT, "path of the authority's certificate"),
        Parameter("connecttimeout", Duration(), "how long to wait for a connection"),
        Parameter("draintimeout", Duration(), "how long to wait for connections to end"),
        Parameter("preparedstatements", Bool(), "whether statements are prepared"),
        Parameter("primary", _TEXT, "address of the primary"),
        Parameter("pool", _BLOCK, "connection pool"),
        Parameter("discovery", _BLOCK, "discovery of replicas"),
        Parameter("loadbalancing", _BLOCK, "reading from replicas"),
        Parameter("backgroundmigrations", _BLOCK, "migrations while it runs"),
        Parameter("metrics", _BLOCK, "metrics of the database"),
    ],
    lenient=True,
    form='{"enabled": True, "host": "…"}',
)
