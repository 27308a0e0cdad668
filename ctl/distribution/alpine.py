"""Alpine Linux, by its packages' build files (aports: community/runit, community/docker-registry, main/nginx,
main/logrotate, main/ca-certificates, community/shadow).

Not tried as a whole: its paths are rendered and its packages named, no Alpine machine was at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from ctl.distribution.base import Distribution


class Alpine(Distribution):
    """Alpine Linux with the community repository."""

    ids = ("alpine",)
    install = "apk add"
    packages: ClassVar[Mapping[str, str]] = {
        "setpriv": "setpriv",
        **dict.fromkeys(("chpst", "runsv", "runsvdir", "sv", "svlogd"), "runit"),
        "gpg": "gnupg",
        "update-ca-certificates": "ca-certificates",
        "useradd": "shadow",
    }
    folders: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("nginx", "logrotate", "chpst", "runsv", "runsvdir", "sv", "svlogd"), "/usr/sbin"
    )
    trees = ("/etc/apk/", "/lib/apk/")
    # its update-ca-certificates is a program of its own, which takes no options (update-ca.c)
    ca_link = Path("/etc/ssl/certs/ca-cert-registry-ctl.pem")
