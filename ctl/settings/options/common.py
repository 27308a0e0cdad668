"""Options that several sections have alike: accounts and logging."""

from __future__ import annotations

from typing import Any

from ctl.settings.option import Option
from ctl.settings.rules.logs import logging_of_all
from ctl.settings.types import AbsolutePath, Integer, Printable, Size, Type, account

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


LOGGING: tuple[tuple[str, Type, str, Any, str], ...] = (
    ("svlogd_size", Size(), "Size in bytes at which a log is rotated.", 209715200, "209715200"),
    ("svlogd_num", Integer(), "How many rotated logs are kept.", 30, "30"),
    ("svlogd_timeout", Integer(), "Seconds after which a log is rotated whatever its size.", 86400, "86400"),
    ("svlogd_filter", Printable(), "Program through which rotated logs go.", "gzip", '"gzip"'),
    (
        "svlogd_udp",
        Printable(),
        "Address to which lines are sent too, by UDP (HOST:PORT).",
        None,
        '"192.0.2.1:514"',
    ),
    ("svlogd_prefix", Printable(), "Text before each line.", None, '"registry "'),
    ("log_group", account("the name of a group"), "Group that may read the logs.", None, '"adm"'),
)
"""Name, type, description, default and example of what `logging` says for every service."""


def logging_options(section: str, service: str) -> tuple[Option, ...]:
    """The settings by which one service has other logs than all.

    Args:
        section: where the options are.
        service: the service's name.
    """
    return tuple(
        Option(
            f"{section}.{name}",
            kind,
            f"For {service} alone: {description[0].lower()}{description[1:]}",
            rule=logging_of_all(name),
            example=example,
            reaches=(f"log service of {service}",),
        )
        for name, kind, description, _, example in LOGGING
    )
