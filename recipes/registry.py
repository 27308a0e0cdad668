"""The registry: its account, storage, configuration and service."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from pathlib import Path

from ctl.converge import (
    Absent,
    Command,
    Directory,
    EnvDirectory,
    Item,
    Template,
    Validation,
    restart,
)
from ctl.machine.search import SYSTEM_PATH
from ctl.nginx.vhost import MARK, deletions_log
from ctl.node.graceful_service import master, sockets
from ctl.node.node import Node
from ctl.node.runit_service import REFUSED as REFUSED_LOG
from ctl.node.runit_service import as_user, component_account, runit_service, script
from ctl.registry.config import go_seconds
from ctl.registry.drivers import LOCAL_DRIVERS, driver_of
from ctl.registry.environment import service_environment
from ctl.registry.gate import gate_file
from ctl.registry.programs import GitlabRegistry, program_at
from ctl.registry.read_only import read_only_file
from ctl.registry.ready import refuse_unready
from ctl.registry.validate import registry_accepts
from ctl.settings.component import needs
from ctl.settings.components.registry import REGISTRY as COMPONENT
from ctl.settings.masking import mask_yaml
from ctl.settings.rules.uploads import HEADER, PROCESS_HEADER, upload_key
from ctl.settings.rules.vhost import serves_registry, through_socket

NOTIFICATION_HEADERS = "*(*), timeout=*, headers=map[*"
"""svlogd's pattern of the line in which the registry, when it starts, logs an endpoint's headers, Authorization
among them: "configuring endpoint NAME (URL), timeout=T, headers=map[...]", in whichever format of the log."""
REFUSED = (
    '@ - - [*] "*" 401 *',
    '@ - - [*] "*" 404 19 *',
    '@ - - [*] "* / HTTP*',
    '@ - - [*] "* /?*',
)
"""Lines on requests without credentials, on paths that are none of a registry, and on its root: NGINX has a log of
them, which cannot grow beyond its bound, while whoever sends them could fill this one. It lets no quotes through."""
_UNAUTHORIZED = (
    'time="*" level=warning msg="error authorizing context: ',
    '{"* authorizing context: ',
    '{"* X:* authorizing context: ',
)
"""How a line on a refused request begins in each format. In JSON, keys are in alphabetical order, so that what the
client says of itself comes before; NGINX leaves no blank in it, and so the first one is in the message (the second
where the Go that it was built with has an experiment: "go1.21.1 X:boringcrypto")."""
_INFO = (
    'time="*" level=info msg="',
    '{"level":"info","msg":"',
    '{"@timestamp":"*","@version":"1","level":"info","message":"',
)
"""How a line begins in each format of the log."""
_FORGED = (
    "error while unmarshalling raw token: ",
    "failed to verify token: ",
    "token from untrusted issuer: ",
    "token has no signature",
    "token intended for another audience: ",
    "token not to be used ",
    "token signed by untrusted key ",
    "unable to get token signing key",
    "unable to verify token signature: ",
)
"""What the registry says of tokens that it refuses (its registry/auth/token/token.go): anybody can send such ones,
as often and as long as they like."""
_TOKENS = tuple(f"{begin}{message}*" for message in _FORGED for begin in _INFO)
_REPORTED = (*_TOKENS, *(f"{begin}*" for begin in _UNAUTHORIZED))
_USUAL = tuple(f"{begin}authorization token required*" for begin in _UNAUTHORIZED)
"""Each client asks first without credentials, to be sent for some."""
OF_NOBODY = f"*{MARK}*"
"""Every line on a request without credentials: the registry writes its referrer, which NGINX has set."""
UNLOGGED = (*REFUSED, *_REPORTED, OF_NOBODY)
APART = {
    REFUSED_LOG: (*(f"+{one}" for one in _REPORTED), *(f"-{one}" for one in _USUAL)),
    "anonymous": (f"+{OF_NOBODY}", *(f"-{one}" for one in (*REFUSED, *_REPORTED))),
}
"""What clients without credentials can make the registry log. What it reports of tokens is the first thing to look for
when clients are refused: no flood of pulls by nobody pushes it out."""
PAST_NGINX = {REFUSED_LOG: tuple(f"+{one}" for one in _TOKENS)}
"""Where clients reach the registry itself: what they say of themselves may look like any other line."""
PAUSE = 0.3
"""Seconds at most for which requests wait at a switch. A deletion takes milliseconds on a disk, a tenth of a second in
object storage. Were another process asked for a blob while the former one is still deleting it, it would remember it,
and clients that trust it would not push the blob again: until the master has noticed (ctl.graceful.deletions)."""


def preflight(node: Node) -> None:
    """Its program supports the settings, and its account gets to the storage."""
    refuse_unready(node)


def recipe(node: Node) -> Iterator[Item]:
    """Its account, storage, configuration, database and service; without it, its data stay."""
    yield from component_account(node, COMPONENT)
    yield from storage(node)
    yield from configuration(node)
    yield from migration(node)
    yield from service(node)


def storage(node: Node) -> Iterator[Item]:
    """The folder of the images, where they are on this machine's disk."""
    attributes = node.attributes
    filesystem = attributes.registry.storage.get("filesystem")
    if filesystem is None or not attributes.manage_storage_directories.enable:
        return
    shared, images = Path(attributes.gitlab_rails.shared_path), Path(filesystem["rootdirectory"])
    if images.is_relative_to(shared):
        yield Directory(Path(attributes.gitlab_rails.dir))
        yield Directory(shared, mode=0o751)
    group = attributes.user.group if attributes.gitlab_rails.enable else attributes.registry.group
    yield Directory(images, owner=attributes.registry.username, group=group, mode=0o770)


def configuration(node: Node) -> Iterator[Item]:
    """config.yml and the environment."""
    registry, program = node.attributes.registry, program_at(node.programs.registry)
    config, keys = Path(registry.dir) / "config.yml", program.key_set(registry.dir)
    notifies = (restart("registry"),)
    yield Directory(Path(registry.dir), owner=registry.username, group=registry.group, mode=0o2770)
    yield Template(
        config,
        source="registry/config.yml.j2",
        variables={
            "registry": registry,
            "issuer": node.attributes.gitlab_rails.registry_issuer,
            "sections": program.sections(registry),
            "notifications": program.notifications(node.attributes),
            "key_set": keys,
            "upload_key": {HEADER: upload_key(registry.http_secret)}
            if through_socket(node.attributes)
            else {},
            "schema1": program.takes_schema1,
            "validation": program.validation(enabled=registry.validation_enabled),
        },
        owner="root",
        group=registry.group,
        mode=0o640,
        mask=mask_yaml,
        notifies=notifies,
    )
    yield Directory(Path(registry.env_directory).parent)
    yield EnvDirectory(
        Path(registry.env_directory),
        variables=service_environment(node),
        owner="root",
        group=registry.group,
        notifies=notifies,
    )
    yield Validation(
        "the registry accepts config.yml",
        watches=(
            config,
            Path(registry.rootcertbundle),
            Path(registry.env_directory),
            *([keys] if keys else []),
        ),
        check=lambda staging: registry_accepts(
            staging.path(config),
            program=program,
            user=registry.username if node.privileged else None,
            environment=service_environment(node),
            migrates=program.migrates(registry),
        ),
        user=registry.username if node.privileged else None,
    )
    if registry.storage_probe_enabled and driver_of(registry.storage) not in LOCAL_DRIVERS:
        yield Validation(
            "storage answers the registry",
            watches=(config, Path(registry.env_directory)),
            check=lambda staging: probe(node, config, staging.path(config)),
            user=registry.username if node.privileged else None,
        )


def probe(node: Node, config: Path, planned: Path) -> None:
    """Where images should be in another object storage than now: ask it first."""
    from ctl.registry.probe import new_storage_answers  # loads what speaks HTTP

    new_storage_answers(node, config, planned)


def migration(node: Node) -> Iterator[Item]:
    """The schema of the metadata database of GitLab's registry, before a program that needs it serves."""
    registry, program = node.attributes.registry, program_at(node.programs.registry)
    if not isinstance(program, GitlabRegistry) or not program.migrates(registry):
        return
    config = Path(registry.dir) / "config.yml"
    user = registry.username if node.privileged else None
    rights = ["-u", f"{user}:{registry.group}"] if user else []
    chpst = [str(node.programs.chpst), *rights, "-e", registry.env_directory]
    yield Command(
        "migrate the registry's database",
        argv=["env", "-i", f"PATH={SYSTEM_PATH}", *chpst, *program.migration(config)],
        guard=lambda: program.is_pending(config, user=user, environment=service_environment(node)),
        notifies=(restart("registry"),),
        after=needs(node.components, COMPONENT),
        before=(COMPONENT.name,),
    )


def service(node: Node) -> Iterator[Item]:
    """The supervised process, under its own account: a master with the registry, or the registry itself."""
    registry = node.attributes.registry
    graceful = Path(registry.socket_directory) if through_socket(node.attributes) else None
    serve = node.layout.sv / COMPONENT.name / "serve"
    variables = {
        "registry": registry,
        "config": Path(registry.dir) / "config.yml",
        "gate": gate_file(node.layout),
        "read_only": read_only_file(node.layout),
        "graceful": graceful,
        "process_header": PROCESS_HEADER,
        "programs": node.programs,
        "as_user": as_user(node, COMPONENT),
    }
    wait = COMPONENT.wait + ceil(go_seconds(str(registry.http_draintimeout)))
    if graceful:
        variables |= master(
            node,
            serve,
            graceful,
            directory=registry.dir,
            drain=ceil(go_seconds(str(registry.drain_timeout))),
            debug=registry.debug_addr,
            key=upload_key(registry.http_secret),
            pause=PAUSE,
            deletions=deletions_log(node.attributes),
        )
        yield from sockets(graceful, registry.username, registry.group)
        yield script(serve, "registry/serve.j2", variables, restart(COMPONENT.name))
    else:
        yield Absent(serve)
    yield from runit_service(
        node,
        COMPONENT,
        "graceful/run.j2" if graceful else "registry/serve.j2",
        variables=variables,
        wait=wait,
        timestamps=registry.log_formatter == "text",
        unlogged=[NOTIFICATION_HEADERS, *(UNLOGGED if graceful else _TOKENS)],
        apart=APART if graceful else PAST_NGINX,
        graceful=graceful,
        # what its environment says may be the address at which NGINX has answered until now
        after=() if graceful or not serves_registry(node.attributes) else ("nginx",),
    )
