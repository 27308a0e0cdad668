"""Lets NGINX itself judge its files, in a copy, before they replace the running ones."""

from __future__ import annotations

import grp
import pwd
import re
from collections.abc import Callable
from pathlib import Path

from ctl.converge.inspect import group_id, user_id
from ctl.errors import ValidationError, naming
from ctl.machine.child import ChildHangs, run_child
from ctl.nginx.build import ENVIRONMENT

PATIENCE = 60
"""Seconds: names of upstreams are looked up, and a dead name server answers late."""
_LABEL = re.compile(r"^(nginx:|\d{4}/\d\d/\d\d [\d:]+) \[\w+\] (\d+#\d+: )?", re.MULTILINE)
"""Before NGINX has read where errors go it labels them otherwise than after."""
_USER = re.compile(r"^user (\S+) (\S+);$", re.MULTILINE)
_NOISE = re.compile(r"^nginx: configuration file .* test failed$\n?|^Enter PEM pass phrase:\s*", re.MULTILINE)


def nginx_accepts(
    config: Path, *, program: Path, prefix: Path, real_names: Callable[[str], str] | None = None
) -> None:
    """Run `nginx -t` on a staged configuration.

    Everything that NGINX makes while it checks (temporary folders, logs, pid file) must be named inside the
    copy by the staged text; run it as the user that the service will have, root where that is root.

    Args:
        config: the staged nginx.conf; a `user` that is still to be made is replaced in it.
        program: the NGINX program.
        prefix: folder against which relative paths count, inside the copy.
        real_names: puts the real paths back into a message; by default `prefix` is cut off every path.

    Raises:
        ValidationError: NGINX refuses, with its own words; or it does not come to an end.
    """
    _stand_in_for_accounts(config)
    names = real_names or (lambda text: text.replace(str(prefix), ""))
    command = [str(program), "-t", "-q", "-e", "stderr", "-c", str(config), "-p", f"{prefix}/"]
    try:
        done = run_child(command, seconds=PATIENCE, environment=ENVIRONMENT)
    except ChildHangs as error:
        raise ValidationError(
            f"nginx -t did not end within {PATIENCE} s",
            hint="Does it look up a host name, in custom configuration, that no name server answers for?",
        ) from error
    if done.returncode != 0:
        raise ValidationError(f"NGINX refuses its configuration: {_reason(names(done.stderr))}", hint=_HINT)


def _stand_in_for_accounts(config: Path) -> None:
    """On a first run the account of the workers is only planned, and NGINX would refuse its name."""
    text = config.read_text(encoding="utf-8")
    checked = _USER.sub(_existing_account, text)
    if checked != text:
        with naming(config):
            config.write_text(checked, encoding="utf-8")


def _existing_account(directive: re.Match[str]) -> str:
    user, group = directive.groups()
    if user_id(user) is None or group_id(group) is None:
        return f"user {pwd.getpwuid(0).pw_name} {grp.getgrgid(0).gr_name};"
    return directive[0]


_HINT = "Nothing was changed. `ctl render --output DIR` writes the refused files below DIR."


def _reason(stderr: str) -> str:
    text = _LABEL.sub("", _NOISE.sub("", stderr)).strip()
    return text or "it says nothing"
