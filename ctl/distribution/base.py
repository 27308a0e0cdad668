"""What ctl must know of a distribution; this class is one that it does not know."""

from __future__ import annotations

import pwd
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar


class Distribution:
    """A Linux distribution with the shadow utilities.

    Attributes:
        ids: values of ID or ID_LIKE in os-release(5).
        install: the command that installs packages, before their names; "" where it is not known.
        packages: the package of each program, where it is not called as the program.
        folders: where programs are that are not in /usr/bin.
        path: PATH of programs that must not depend on the caller's.
        trees: folders of its package manager, which obeys whatever is put there.
        log_accounts: accounts for svlogd that its package makes, the newest name first.
        ca_bundle: the file with every certificate authority that the machine trusts.
        ca_folder: the same as one file each, by hash (SSL_CERT_DIR).
        ca_own: the file of a further authority; `ca_command` adds it to both.
        ca_command: takes changes of `ca_own` over.
        ca_link: the link in `ca_folder` that it makes for `ca_own`.
        ca_renew: its options where `ca_link` is there already and has other content.
    """

    ids: ClassVar[tuple[str, ...]] = ()
    install: ClassVar[str] = ""
    packages: ClassVar[Mapping[str, str]] = {}
    folders: ClassVar[Mapping[str, str]] = {}
    path: ClassVar[str] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    trees: ClassVar[tuple[str, ...]] = ()
    log_accounts: ClassVar[tuple[str, ...]] = ()
    ca_bundle: ClassVar[Path] = Path("/etc/ssl/certs/ca-certificates.crt")
    ca_folder: ClassVar[Path] = Path("/etc/ssl/certs")
    ca_own: ClassVar[Path] = Path("/usr/local/share/ca-certificates/registry-ctl.crt")
    ca_command: ClassVar[str] = "update-ca-certificates"
    ca_link: ClassVar[Path] = Path("/etc/ssl/certs/registry-ctl.pem")
    ca_renew: ClassVar[tuple[str, ...]] = ()

    def package(self, program: str) -> str:
        """The package that has a program."""
        return self.packages.get(program, program)

    def install_hint(self, *programs: str) -> str:
        """What to type to get programs, as "apt-get install nginx runit"."""
        names = " ".join(sorted({self.package(program) for program in programs}))
        return f"{self.install} {names}" if self.install else f"install {names}"

    def usual_path(self, program: str) -> Path:
        """Where the package puts a program: for rendering on a machine that lacks it."""
        return Path(self.folders.get(program, "/usr/bin")) / program

    def log_account(self) -> str | None:
        """The account for svlogd, or None on a machine that has none."""
        return next((name for name in self.log_accounts if account_exists(name)), None)

    def add_group(self, name: str, *, gid: int | None = None, system: bool = False) -> tuple[str, ...]:
        """The command that makes a group (groupadd(8))."""
        number = () if gid is None else ("--gid", str(gid))
        return ("groupadd", *(["--system"] if system else []), *number, name)

    def add_user(
        self, name: str, values: Mapping[str, str] | None = None, *, system: bool = False
    ) -> tuple[str, ...]:
        """The command that makes a user without making its home (useradd(8)).

        Args:
            name: the user.
            values: of "uid", "gid" (also the name of a group), "home-dir" and "shell", those that are wanted.
            system: whether its number is taken from the system's range.
        """
        words = [word for key, value in (values or {}).items() for word in (f"--{key}", value)]
        return ("useradd", *(["--system"] if system else []), *words, "--no-create-home", name)

    def change_user(self, name: str, values: Mapping[str, str]) -> tuple[str, ...]:
        """The command that changes a user (usermod(8)).

        Args:
            name: the user.
            values: of "uid", "gid", "home" and "shell", those that change.
        """
        return ("usermod", *(word for key, value in values.items() for word in (f"--{key}", value)), name)

    def change_group(self, name: str, gid: int) -> tuple[str, ...]:
        """The command that gives a group another number (groupmod(8))."""
        return ("groupmod", "--gid", str(gid), name)

    def remove_user(self, name: str) -> tuple[str, ...]:
        """The command that removes a user (userdel(8))."""
        return ("userdel", name)

    def remove_group(self, name: str) -> tuple[str, ...]:
        """The command that removes a group (groupdel(8))."""
        return ("groupdel", name)


def account_exists(account: str) -> bool:
    """Whether there is a user of that name."""
    try:
        pwd.getpwnam(account)
    except KeyError:
        return False
    return True
