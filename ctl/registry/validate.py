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
from ctl.registry.launch import account_of, clean_environment, end, start
from ctl.registry.reason import reason, secrets_in

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
"""So that it takes no port that the running registry has, and tells nobody that it runs."""


def registry_accepts(
    config: Path, *, program: Path, user: str | None, environment: Mapping[str, str], pardoned: str = ""
) -> None:
    """Run the registry with a configuration until it listens, and end it. It writes nothing.

    `garbage-collect --dry-run` would not do: it passes over auth, health, middleware and http.

    Args:
        config: readable by the user; a folder is made beside it for the time of the check.
        program: the registry program.
        user: account to run it as, or None for the caller; an account that does not exist yet is stood in
            for by nobody.
        environment: the registry's own environment.
        pardoned: a reason to refuse that the run does away with before the registry starts, or "".

    Raises:
        ValidationError: it refused; with its own reason, in one line and without secrets.
        PreflightError: it cannot be started.
    """
    account, document = account_of(user), _read(config)
    with tempfile.TemporaryDirectory(prefix="ctl-check-", dir=config.parent) as folder:
        # it runs there: a relative path in the configuration must not touch anything of the caller's
        if account is not None:
            os.chown(folder, account.uid, account.gid)
        process = start(
            [program, "serve", config],
            account=account,
            environment=clean_environment({**environment, **_PRIVATE, **_audible(document, environment)}),
            cwd=Path(folder),
        )
        try:
            said = _until_it_listens(process)
        finally:
            end(process)
    if said is not None:
        secrets = [*secrets_in(document), *secrets_in(dict(environment))]
        text = reason(said, secrets=secrets).replace(str(config), config.name)
        if pardoned and pardoned in text:
            return
        raise ValidationError(f"the registry refuses {config.name}: {text}")


def _read(config: Path) -> Any:  # noqa: ANN401 - YAML
    """The document, as far as it can be read: what is wrong with it, the registry shall say."""
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
    """What it said, if it ended by itself; None once it listens, or has not ended within the time limit."""
    assert process.stdout is not None  # noqa: S101 - `start` makes the pipe
    descriptor, deadline = process.stdout.fileno(), time.monotonic() + TIME_LIMIT
    said = b""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([descriptor], [], [], left)[0]:
            break
        part = os.read(descriptor, 65536)
        said += part
        if _LISTENS.encode() in said:
            return None
        if not part:
            return said.decode("utf-8", "replace").splitlines()
    return None
