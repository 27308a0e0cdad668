"""Debian, Ubuntu and their kin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ctl.distribution.base import Distribution


class Debian(Distribution):
    """Debian from 12, Ubuntu from 24.04."""

    ids = ("debian", "ubuntu")
    install = "apt-get install"
    packages: ClassVar[Mapping[str, str]] = {
        "setpriv": "util-linux",
        **dict.fromkeys(("chpst", "runsv", "runsvdir", "sv", "svlogd"), "runit"),
        "gpg": "gnupg",
        "update-ca-certificates": "ca-certificates",
        "useradd": "passwd",
    }
    folders: ClassVar[Mapping[str, str]] = {"nginx": "/usr/sbin", "logrotate": "/usr/sbin"}
    trees = ("/etc/apt/", "/etc/dpkg/", "/var/lib/dpkg/")
    log_accounts = ("_runit-log", "runit-log")
    # the links by hash are made only for new names, unless the whole folder is made afresh
    ca_renew = ("--fresh",)
