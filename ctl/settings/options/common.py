"""Options that several sections have alike: accounts and logging."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ctl.settings.option import Option
from ctl.settings.rules.logs import logging_of_all, prefix_of, rotation
from ctl.settings.types import (
    AbsolutePath,
    Bool,
    CronExpression,
    Enum,
    Integer,
    OneOf,
    Printable,
    Size,
    Text,
    Type,
    account,
)

HIGHEST_ID = 2**32 - 2
"""The greatest user and group id (credentials(7): 32 bits, without the highest)."""


def account_options(
    section: str, whose: str, name: str, *, login_shell: str, home: str = ""
) -> tuple[Option, ...]:
    """Name, group, ids, shell and, if it has one of its own, home of an account.

    Args:
        section: where the options are ("registry").
        whose: who runs under it, for the descriptions.
        name: default of user and group.
        login_shell, home: their defaults; no home option where home is "".
    """

    def option(key: str, kind: Type, what: str, default: str | None, example: str) -> Option:
        return Option(
            f"{section}.{key}",
            kind,
            f"{what} of {whose}.",
            default,
            default_text="" if default else "the system's choice",
            example=example,
            reaches=(f"account {name}",),
        )

    ids = Integer(1, HIGHEST_ID, "a user or group id")
    options = [
        option("username", account(), "User", name, f'"{name}"'),
        option("group", account("the name of a group"), "Group", name, f'"{name}"'),
        option("uid", ids, "User id", None, "5000"),
        option("gid", ids, "Group id", None, "5000"),
        option("shell", AbsolutePath(), "Login shell", login_shell, f'"{login_shell}"'),
    ]
    if home:
        options.append(option("home", AbsolutePath(managed=True), "Home", home, f'"{home}"'))
    return tuple(options)


def scheduled_options(
    section: str, what: str, schedule: str, *, example: str, task: str
) -> tuple[Option, ...]:
    """Whether the timer does something by itself, and when.

    Args:
        section: where the options are ("registry_backup").
        what: what it does, as a sentence without its full stop.
        schedule: default of when.
        example: of when, as it is written.
        task: what the options reach.
    """

    def option(key: str, kind: Type, description: str, default: Any, example: str) -> Option:  # noqa: ANN401
        name = f"{section}.{key}"
        return Option(name, kind, description, default, example=example, reaches=(task,), added=True)

    return (
        option("enable", Bool(), f"{what}; `ctl status` shows when that failed.", False, "True"),
        option(
            "schedule",
            CronExpression(),
            "When: minute, hour, day of month, month, day of week, as in crontab(5), in the machine's own time. A time "
            "at which the machine was off is made up for.",
            schedule,
            example,
        ),
    )


IPV4 = r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}"
LOGGING: tuple[tuple[str, Type, str, Any, str], ...] = (
    ("svlogd_size", Size(), "Size in bytes at which a log is rotated.", 209715200, "209715200"),
    ("svlogd_num", Integer(), "How many rotated logs are kept.", 30, "30"),
    ("svlogd_timeout", Integer(), "Seconds after which a log is rotated whatever its size.", 86400, "86400"),
    ("svlogd_filter", Printable(), "Program through which rotated logs go.", "gzip", '"gzip"'),
    (
        "svlogd_udp",
        Text(
            f"{IPV4}(?::[0-9]{{1,5}})?",
            "an IPv4 address, with or without a port (svlogd asks no DNS)",
            label="address",
        ),
        "Address to which lines are sent too, by UDP (ADDRESS:PORT).",
        None,
        '"192.0.2.1:514"',
    ),
    ("svlogd_prefix", Printable(), "Text before each line.", None, '"registry "'),
    ("log_group", account("the name of a group"), "Group that may read the logs.", None, '"adm"'),
)
"""Name, type, description, default and example of what `logging` says for every service."""

LOG_LIMITS = {"svlogd_size": 10_000_000, "svlogd_num": 3}
"""Of a log in which each request is a line, as no NGINX is in front: else a client without credentials fills 6 GB."""


def logging_options(
    section: str, service: str, limits: Mapping[str, int] | None = None
) -> tuple[Option, ...]:
    """The settings by which one service has other logs than all.

    Args:
        section: where the options are.
        service: the service's name.
        limits: its own defaults where `logging` is not given either, and NGINX is not in front of it.
    """
    return tuple(
        Option(
            f"{section}.{name}",
            kind,
            f"For {service} alone: {description[0].lower()}{description[1:]}",
            rule=prefix_of(service)
            if name == "svlogd_prefix"
            else logging_of_all(name, (limits or {}).get(name)),
            example=example,
            reaches=(f"log service of {service}",),
        )
        for name, kind, description, _, example in LOGGING
    )


def _limit() -> Type:
    return OneOf(Text("[1-9][0-9]*[kMG]?", 'a size as logrotate has it ("100M")', label="size"), Integer(1))


ROTATION: tuple[tuple[str, Type, str, str], ...] = (
    (
        "frequency",
        Enum("hourly", "daily", "weekly", "monthly", "yearly"),
        "How often they are rotated",
        '"daily"',
    ),
    ("size", _limit(), "Size at which they are rotated, whatever the time", '"100M"'),
    ("maxsize", _limit(), "Size at which they are rotated before their time", '"100M"'),
    ("rotate", Integer(), "How many rotated ones are kept", "30"),
    ("compress", Enum("compress", "nocompress"), "Whether rotated ones are compressed", '"compress"'),
    (
        "delaycompress",
        Enum("delaycompress", "nodelaycompress"),
        "Whether the last is not yet",
        '"delaycompress"',
    ),
    (
        "dateformat",
        Text(r"[A-Za-z0-9_.-]*(?:%[YmdHMSVs][A-Za-z0-9_.-]*)+", 'a format of logrotate ("-%Y-%m-%d")'),
        "Dates instead of numbers in their names",
        '"-%Y-%m-%d"',
    ),
)
"""Last part of the name, type, description and example of what logrotate(8) is given."""


def rotation_options(section: str, *, falls_back: bool) -> tuple[Option, ...]:
    """How logrotate rotates the logs that NGINX writes itself.

    Args:
        section: where the options are.
        falls_back: whether those of `logging` hold where one is not given.
    """
    return tuple(
        Option(
            f"{section}.logrotate_{name}",
            kind,
            f"{description}: NGINX's access and error logs.",
            rule=rotation(f"logrotate_{name}") if falls_back else None,
            default="daily" if name == "frequency" and not falls_back else None,
            example=example,
            reaches=("logrotate.conf",),
        )
        for name, kind, description, example in ROTATION
    )
