"""Asks the registry itself whether it accepts a config.yml: by running it, on a port of its own."""

from __future__ import annotations

import os
import select
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ctl.errors import ValidationError
from ctl.registry.config import RegistryConfig
from ctl.registry.launch import account_of, clean_environment, end, start
from ctl.registry.programs import RegistryProgram
from ctl.registry.reason import reason

TIME_LIMIT = 3.0
"""Seconds after which a program that has refused nothing counts as content; it listens after 0.02 s."""
_LISTENS = "listening on "
_QUIET_LEVELS = ("warn", "warning", "error")
"""Levels of `log.level` at which the registry does not say that it listens."""
_PRIVATE = {
    "REGISTRY_HTTP_NET": "tcp",
    "REGISTRY_HTTP_ADDR": "127.0.0.1:0",
    "REGISTRY_HTTP_DEBUG_ADDR": "",
    "OTEL_TRACES_EXPORTER": "none",
}
"""So that it takes no port that the running registry has, and reports to nobody that it runs."""


def registry_accepts(
    config: Path,
    *,
    program: RegistryProgram,
    user: str | None,
    environment: Mapping[str, str],
    migrates: bool = False,
) -> None:
    """Run the registry with a configuration until it listens, and end it. It leaves nothing behind.

    `garbage-collect --dry-run` would not do: it ignores auth, health, middleware and http.

    Args:
        config: readable by the user; a folder is made beside it for the time of the check.
        program: the registry program.
        user: account to run it as, or None for the caller; an account that does not exist yet is replaced
            by nobody.
        environment: the registry's own environment.
        migrates: whether the run applies pending migrations of the database before the registry starts.

    Raises:
        ValidationError: it refused; with its own reason, in one line and without secrets.
        PreflightError: it cannot be started.
    """
    account, document = account_of(user), _read(config)
    planned = RegistryConfig(config, document if isinstance(document, Mapping) else {}, environment)
    trial = {**_PRIVATE, **_audible(document, environment), **program.trial_environment(planned)}
    with tempfile.TemporaryDirectory(prefix="ctl-check-", dir=config.parent) as folder:
        # it runs there: a relative path in the configuration must not touch anything of the caller's
        if account is not None:
            os.chown(folder, account.uid, account.gid)
        process = start(
            [program.path, "serve", config],
            account=account,
            environment=clean_environment({**environment, **trial}),
            cwd=Path(folder),
        )
        try:
            printed = _until_it_listens(process)
        finally:
            end(process)
    if printed is not None:
        text = reason(printed, secrets=planned.secrets).replace(str(config), config.name)
        if not program.pardons(planned, text):
            raise ValidationError(f"the registry refuses {config.name}: {text}")
    program.check_database(planned, user=user, migrates=migrates)


def _read(config: Path) -> Any:  # noqa: ANN401 - YAML
    """The document, as far as it can be read: what is wrong with it, the registry should say."""
    import yaml

    try:
        return yaml.safe_load(config.read_bytes())
    except yaml.YAMLError:
        return None


def _audible(document: object, environment: Mapping[str, str]) -> dict[str, str]:
    """Make it say that it listens, without hiding a log level that it would refuse."""
    log = document.get("log") if isinstance(document, dict) else None
    level = environment.get("REGISTRY_LOG_LEVEL", log.get("level") if isinstance(log, dict) else None)
    return {"REGISTRY_LOG_LEVEL": "info"} if level in _QUIET_LEVELS else {}


def _until_it_listens(process: subprocess.Popen[str]) -> list[str] | None:
    """What it printed, if it ended by itself; None once it listens, or has not ended within the time limit."""
    assert process.stdout is not None  # noqa: S101 - `start` makes the pipe
    descriptor, deadline = process.stdout.fileno(), time.monotonic() + TIME_LIMIT
    printed = b""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([descriptor], [], [], left)[0]:
            break
        part = os.read(descriptor, 65536)
        printed += part
        if _LISTENS.encode() in printed:
            return None
        if not part:
            return printed.decode("utf-8", "replace").splitlines()
    return None
