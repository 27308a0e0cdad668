"""Where the registry's Redis is, by its configuration, and how it is reached as the registry reaches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctl.registry.config import RegistryConfig
from ctl.registry.programs import RegistryProgram

PORT = 6379
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 15.0
CHECK_SECONDS = 3.0
"""For an answer while somebody waits to see whether there is one."""
"""A server that is saving its data to a slow disk may let a command wait; the registry is down meanwhile."""
_SETTINGS = (
    "addr",
    "addrs",
    "db",
    "mainname",
    "mastername",
    "password",
    "sentinelpassword",
    "sentinelusername",
    "username",
)


@dataclass(frozen=True, repr=False)
class RedisServer:
    """A Redis server, a group of them watched by Sentinel, or a cluster.

    Args:
        addresses: "host:port", or the path of a socket; several name a cluster, or the sentinels of `master`.
        master: the name by which sentinels know the server, or "".
        database: its number.
        user, sentinel: (name, password), each "" where there is none.
        tls: None without TLS; else `certificate`, `key` and `rootcas` (paths), `insecure`.
    """

    addresses: tuple[str, ...]
    master: str
    database: int
    user: tuple[str, str]
    sentinel: tuple[str, str]
    tls: Mapping[str, Any] | None

    def __str__(self) -> str:
        return f"{self.master + ' of ' if self.master else ''}{', '.join(self.addresses)}"

    def connect(self, seconds: float = ANSWER_SECONDS) -> Any:  # noqa: ANN401 - one of the library's clients
        """A client, as the registry's own library chooses it (go-redis, UniversalClient); it connects when used.

        Args:
            seconds: for each answer.

        Raises:
            redis.RedisError, OSError, ValueError: it is not well described, or its sentinels do not answer.
        """
        import redis
        from redis import cluster, sentinel

        node: Any = cluster.ClusterNode
        watched: Any = sentinel.Sentinel
        common = {**_patience(seconds), **self._tls()}
        own = {**common, **_credentials(self.user)}
        places = [_host_and_port(one) for one in self.addresses if not one.startswith("/")]
        if self.master:
            watchers = {**common, **_credentials(self.sentinel)}
            group = watched(places, sentinel_kwargs=watchers, **own)
            return group.master_for(self.master, db=self.database)
        if len(self.addresses) > 1:
            return cluster.RedisCluster(startup_nodes=[node(*place) for place in places], **own)
        if not places:
            plain = {name: value for name, value in own.items() if not name.startswith("ssl")}
            return redis.Redis(unix_socket_path=self.addresses[0], db=self.database, **plain)
        host, port = places[0]
        return redis.Redis(host=host, port=port, db=self.database, **own)

    def _tls(self) -> dict[str, Any]:
        if self.tls is None:
            return {}
        found: dict[str, Any] = {"ssl": True}
        if self.tls.get("certificate") and self.tls.get("key"):
            found |= {"ssl_certfile": self.tls["certificate"], "ssl_keyfile": self.tls["key"]}
        authorities = self.tls.get("rootcas") or []
        if authorities:
            found["ssl_ca_data"] = "\n".join(Path(one).read_text(encoding="ascii") for one in authorities)
        if self.tls.get("insecure") is True:
            found |= {"ssl_cert_reqs": "none", "ssl_check_hostname": False}
        return found


def _patience(seconds: float) -> dict[str, Any]:
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return {
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": seconds,
        "retry": Retry(NoBackoff(), 1),
        "protocol": 2,
    }


def redis_server(config: RegistryConfig, program: RegistryProgram) -> RedisServer | None:
    """The server that a registry's cache is in; None where the configuration names none.

    Args:
        config: the registry's; variables as REGISTRY_REDIS_ADDR win over the file.
        program: each knows parameters of its own, and ignores the others.
    """
    given = program.redis_settings({**config.section("redis"), **_from_environment(config.environment)})
    addresses = program.redis_addresses(given)
    if not addresses:
        return None
    return RedisServer(
        addresses,
        str(given.get("mastername") or given.get("mainname") or ""),
        int(given.get("db") or 0),
        (str(given.get("username") or ""), str(given.get("password") or "")),
        (str(given.get("sentinelusername") or ""), str(given.get("sentinelpassword") or "")),
        _tls(given.get("tls")),
    )


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    import yaml

    names = {f"REGISTRY_REDIS_{name.upper()}": name for name in _SETTINGS}
    found: dict[str, Any] = {}
    for variable in names.keys() & environment.keys():
        text, name = environment[variable], names[variable]
        # the registry reads a variable as YAML into a setting of its own type; most of them are texts
        found[name] = yaml.safe_load(text) if name in ("addrs", "db") else text
    return found


def _tls(given: object) -> Mapping[str, Any] | None:
    """Distribution 3 takes TLS where any file is named, GitLab's registry where it is enabled."""
    if not isinstance(given, Mapping):
        return None
    on = given.get("enabled") is True or any(given.get(name) for name in ("certificate", "key", "rootcas"))
    return given if on else None


def _credentials(user: tuple[str, str]) -> dict[str, str]:
    name, password = user
    return {**({"username": name} if name else {}), **({"password": password} if password else {})}


def _host_and_port(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal():
        return address.strip("[]"), PORT
    return host.strip("[]") or "localhost", int(port)
