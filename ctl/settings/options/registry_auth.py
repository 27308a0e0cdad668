"""`registry_auth[…]`: the token issuer of a registry that has no GitLab."""

from __future__ import annotations

from dataclasses import replace

from ctl.settings.option import Option
from ctl.settings.options.common import LOG_LIMITS, account_options, logging_options
from ctl.settings.rules import token_issuer
from ctl.settings.types import AbsolutePath, Address, Bool, Integer, Lifetime

_MANAGED = AbsolutePath(managed=True)
_SERVICE, _CONFIG = "service registry-auth", "registry-auth: config.json"
MINUTE, DAY = 60, 24 * 60 * 60

SERVICE = (
    Option(
        "registry_auth.enable",
        Bool(),
        "Runs the token issuer: accounts of this machine (`ctl user`) sign in to the registry. False stops and "
        "removes the service; accounts and keys stay.",
        rule=token_issuer.issuer_enable,
        finish=token_issuer.issuer_of_registry,
        example="False",
        reaches=(_SERVICE, "vhost: /jwt/auth", "config.yml: auth.token.realm"),
    ),
    *account_options("registry_auth", "the token issuer", "registry-auth", login_shell="/usr/sbin/nologin"),
    Option(
        "registry_auth.dir",
        _MANAGED,
        "Its configuration and its copy of the key are in it.",
        default="/var/opt/gitlab/registry-auth",
        reaches=(_SERVICE,),
    ),
    Option(
        "registry_auth.log_directory",
        _MANAGED,
        "Where svlogd writes its log, every decision a line; the newest lines are in the file `current`.",
        default="/var/log/gitlab/registry-auth",
        reaches=("log service",),
    ),
    Option(
        "registry_auth.listen_addr",
        Address(),
        "Host and port on which it listens where NGINX is off; else it is behind a Unix socket. Passwords arrive here "
        "without TLS: loopback only.",
        default="127.0.0.1:5002",
        reaches=(_CONFIG,),
    ),
    Option(
        "registry_auth.socket_directory",
        _MANAGED,
        "Folder of the Unix sockets through which NGINX, and nobody else, reaches the token issuer.",
        default="/var/opt/gitlab/run/registry-auth",
        reaches=("vhost: upstream", _SERVICE),
    ),
    Option(
        "registry_auth.accounts_file",
        _MANAGED,
        "Users, groups, rights and deploy tokens, as `ctl user` and `ctl token` keep them; mode 0640.",
        default="/etc/gitlab/registry-accounts.json",
        reaches=(_CONFIG,),
    ),
    *logging_options("registry_auth", "registry-auth", LOG_LIMITS),
)

TOKENS = (
    Option(
        "registry_auth.token_expire_delay",
        Lifetime(unit=MINUTE, minimum=MINUTE, maximum=365 * DAY),
        'How long a token holds: minutes, as in GitLab\'s admin area, or "90s", "5m", "1h". Longer for pushes '
        "that take longer; a right that is taken away holds until then.",
        default="5m",
        example="15",
        reaches=(_CONFIG,),
    ),
)

LIMITS = (
    Option(
        "registry_auth.failed_attempts_per_account",
        Integer(),
        "Failed attempts at one account from one address, within the period, after which further ones are "
        "refused (429). 0 for no limit.",
        default=10,
        example="5",
        reaches=(_CONFIG,),
    ),
    Option(
        "registry_auth.failed_attempts_per_address",
        Integer(),
        "Failed attempts at any accounts from one address, within the period, after which further ones are "
        "refused; accounts that signed in from there before are not concerned. 0 for no limit.",
        default=30,
        example="100",
        reaches=(_CONFIG,),
    ),
    Option(
        "registry_auth.failed_attempts_period",
        Lifetime(unit=1, minimum=1, maximum=DAY),
        'The period in which failed attempts count: seconds, or "90s", "5m", "1h".',
        default="5m",
        example='"15m"',
        reaches=(_CONFIG,),
    ),
    Option(
        "registry_auth.requests_per_second",
        Integer(0, 10_000),
        "Requests for tokens that NGINX passes on from one address, or network of 64 bits of IPv6 (limit_req). 0 for "
        "no limit.",
        default=30,
        example="100",
        reaches=("vhost: limit_req",),
    ),
    Option(
        "registry_auth.requests_burst",
        Integer(0, 100_000),
        "Requests above that rate that are passed on at once.",
        default=150,
        example="500",
        reaches=("vhost: limit_req",),
    ),
)

OPTIONS = tuple(replace(option, added=True) for option in (*SERVICE, *TOKENS, *LIMITS))
