"""Asks object storage, through the registry program itself, whether it can be used, before it is relied on."""

from __future__ import annotations

import http.client
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ctl.errors import CtlError, RunFailed, ValidationError
from ctl.node.node import Node
from ctl.registry.collect.collector import Setup
from ctl.registry.collect.instance import UnixConnection, furnish, private_document, serving
from ctl.registry.config import RegistryConfig, read_config, read_environment
from ctl.registry.drivers import LOCAL_DRIVERS, NO_DRIVERS
from ctl.registry.environment import service_environment
from ctl.registry.launch import account_of
from ctl.registry.reason import mask

SECONDS = 8.0
"""How long storage may take to answer; the libraries of the drivers try some times within it."""
_REPOSITORY = "ctl/probe"
"""Looked for, and never made: the registry asks its storage whether it is there."""
_DETAIL = re.compile(r'\berr\.detail="(?P<text>(?:[^"\\]|\\.)*)"')
_AZURE = re.compile(r"RESPONSE \d+: (?P<text>\d+ [^\n]*)\nERROR CODE: (?P<code>\w+)")
_OF_AMAZON = re.compile(r"\s*status code: \d+, request id: .*", re.DOTALL)
"""The end of an error of S3, which differs each time and helps only Amazon."""
_LONGEST = 300


def new_storage_answers(node: Node, config: Path, planned: Path) -> None:
    """Where images should be in another object storage than now, ask that.

    Args:
        node: the machine.
        config: the configuration that is in force.
        planned: a copy of the one that follows.

    Raises:
        ValidationError, PreflightError: as storage_answers.
    """
    registry, place = node.attributes.registry, node.attributes.origin("registry.storage").location
    future = read_config(planned, service_environment(node))
    if storage_differs(future, config, Path(registry.env_directory)):
        account = account_of(registry.username if node.privileged else None)
        setup = Setup(node.layout, future, node.programs.registry, account)
        storage_answers(setup, f"{place}: " if place else "")


def storage_differs(planned: RegistryConfig, real: Path, real_environment: Path) -> bool:
    """Whether storage that is not on this machine is now another, or reached in another way.

    Args:
        planned: the configuration of the new settings.
        real: the file that is in force, if any.
        real_environment: the folder with the environment that is in force.
    """
    if planned.driver in LOCAL_DRIVERS:
        return False
    try:
        current = read_config(real, read_environment(real_environment))
    except CtlError:  # there is none yet, or none that can be read
        return True
    return _driver(current) != _driver(planned) or current.environment != planned.environment


def _driver(config: RegistryConfig) -> Mapping[str, Any]:
    return {name: value for name, value in config.section("storage").items() if name not in NO_DRIVERS}


def storage_answers(setup: Setup, place: str) -> None:
    """Let the registry look for a repository in its storage. Nothing is written there.

    Args:
        setup: a registry whose configuration may be in a staging copy; a folder is made beside it meanwhile.
        place: where the settings give the storage, as "file:1:1: ", or "".

    Raises:
        ValidationError: storage refuses or does not answer in time; with the bucket and its own words.
        PreflightError: the program cannot be started.
    """
    config = setup.config
    with tempfile.TemporaryDirectory(prefix="ctl-probe-", dir=config.path.parent) as name:
        folder = Path(name)
        furnish(folder, private_document(config, writable=False), setup.account)
        try:
            with serving(setup, folder) as (address, output):
                problem = _problem(address, output)
        except RunFailed as error:
            problem = error.message
    if problem:
        raise ValidationError(
            f"{place}{_named(config)} cannot be used: {mask(problem, config.secrets)}",
            hint='Correct it, or go on without asking: registry["storage_probe_enabled"] = False',
        )


def _problem(address: str, output: Any) -> str:  # noqa: ANN401
    connection = UnixConnection(address, SECONDS)
    try:
        connection.request("GET", f"/v2/{_REPOSITORY}/tags/list")
        status = connection.getresponse().status
    except TimeoutError:
        return f"it did not answer within {SECONDS:.0f} s{last_detail(output(), before='; ')}"
    except (OSError, http.client.HTTPException) as error:
        return f"the registry ended: {error}"
    finally:
        connection.close()
    if status in (http.HTTPStatus.OK, http.HTTPStatus.NOT_FOUND):
        return ""
    return last_detail(output()) or f"the registry answers {status}"


def last_detail(lines: Iterable[str], *, before: str = "") -> str:
    """What the driver reported, in one line."""
    found = [match["text"] for line in lines if (match := _DETAIL.search(line))]
    if not found:
        return ""
    text = found[-1].replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"').replace("\\\\", "\\")
    azure, text = _AZURE.search(text), _OF_AMAZON.sub("", text)
    output = f"{azure['text']} ({azure['code']})" if azure else " ".join(text.split())
    return before + (output if len(output) <= _LONGEST else output[: _LONGEST - 1] + "…")


def _named(config: RegistryConfig) -> str:
    """The setting, and which bucket of which service: `registry["storage"]["s3"]: bucket "b" at http://…`."""
    given = config.section("storage", config.driver)
    setting = f'registry["storage"]["{config.driver}"]'
    bucket = next((f'{name} "{given[name]}"' for name in ("bucket", "container") if given.get(name)), "")
    at = next(
        (str(given[name]) for name in ("regionendpoint", "serviceurl", "endpoint") if given.get(name)), ""
    )
    return f"{setting}: {bucket or 'storage'}{f' at {at}' if at else ''}"
