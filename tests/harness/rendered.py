"""Every file that a node's recipes make, by what makes it, and read by a parser of its language."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import cache
from itertools import chain
from pathlib import Path

import yaml

from ctl.cli.framework import Context
from ctl.cli.loading import node
from ctl.converge import EnvDirectory, File, Template
from ctl.converge.model import Machine
from ctl.node.node import Node
from ctl.node.recipes import items, load_recipes
from ctl.node.runit_service import runit_service
from ctl.output import Console
from ctl.paths import Layout
from ctl.services.runit import Runit
from ctl.settings.load import Loaded
from ctl.settings.resolve import resolve
from ctl.settings.secrets.secrets_file import Secrets
from tests.harness import nginx_text, seeds

ROOT = Layout(Path("/nowhere"))
ENVIRONMENT, PEM = "environment", "PEM"
_SECRET = "gitlab-secrets.json"


@dataclass(frozen=True)
class Made:
    """A file that would be written.

    Args:
        source: its template ("nginx/nginx.conf.j2"), ENVIRONMENT, PEM, or the name of a file without one.
        path: where.
        text: what is in it.
    """

    source: str
    path: Path
    text: str


def made(values: dict[str, object]) -> Iterator[Made]:
    """Every file of a node with these settings. Raises SettingsError where they are refused."""
    key, certificate = seeds.pair()
    stored = {"registry": {"http_secret": "s", "internal_key": key, "internal_certificate": certificate}}
    secrets = Secrets(ROOT.secrets_file, stored, json.dumps(stored).encode())
    attributes = resolve(values, ROOT, secrets)
    this = replace(_node(), attributes=attributes, secrets=secrets.content)
    machine = Machine(services=Runit(ROOT), privileged=True, blank=True)
    command = runit_service(this, "sites-own", ["/bin/echo", attributes.registry.dir])
    for item in chain(items(this, load_recipes(ROOT)), command):
        if isinstance(item, Template):
            yield Made(item.source, item.path, item.desired(machine)[0].content.decode())
        elif isinstance(item, EnvDirectory):
            for file in item.desired(machine):
                yield Made(ENVIRONMENT, file.path, file.content.decode())
        elif isinstance(item, File) and item.path.name != _SECRET:
            text = item.desired(machine)[0].content.decode()
            yield Made(PEM if text.startswith("-----BEGIN") else item.path.name, item.path, text)


@cache
def _node() -> Node:
    """What nodes have alike: the programs of this machine."""
    secrets = Secrets(ROOT.secrets_file)
    loaded = Loaded(resolve({"registry_external_url": "http://a.example"}, ROOT, secrets), secrets)
    return replace(
        node(Context(ROOT, None, Console()), loaded, required=False),
        privileged=True,
        log_account="_runit-log",
    )


def parsed(file: Made) -> object:
    """A file as plain values, as its language has them. Raises KeyError for a kind that nothing here reads."""
    for pattern, parser in _PARSERS.items():
        if fnmatch(file.source, pattern):
            return parser(file.text)
    raise KeyError(f"no parser for {file.source}: say in {__name__} what its language is")


def _block(block: nginx_text.Block) -> object:
    return [
        list(block.name),
        [list(words) for words in block.directives],
        [_block(one) for one in block.blocks],
    ]


def _environment(text: str) -> object:
    line, _, rest = text.partition("\n")
    assert not rest, "chpst reads the first line only"
    return line.replace("\0", "\n")


def _logrotate(text: str) -> object:
    """Line by line: the script between postrotate and endscript is sh's, all else logrotate's.

    Folders are not included: in what way logrotate reads their names is for logrotate itself to show.
    """
    return [_shell(line) for line in text.split("\n") if not re.fullmatch(r'("/.*/[^/"]*\.log" )+\{', line)]


def _shell(text: str) -> list[str]:
    """Words of sh; those of a command in "$(…)" at the end are parsed by themselves, as sh reads them anew."""
    inner = re.fullmatch(r'(?s)(.*)"\$\((.*)\)"', text)
    return [*_shell(inner[1]), "$(", *_shell(inner[2])] if inner else shlex.split(text, comments=True)


def _cron(text: str) -> object:
    """crontab(5): after the times and the account, a command, in which a backslash keeps a percent sign."""
    *head, line, end = text.split("\n")
    assert not end
    *fields, command = line.split(maxsplit=6)
    assert not re.search(r"(?<!\\)%", command), "a percent sign ends the command"
    return [head, fields, _shell(command.replace("\\%", "%"))]


_PARSERS: Mapping[str, Callable[[str], object]] = {
    "*.yml.j2": yaml.safe_load,
    "nginx/*.conf.j2": lambda text: _block(nginx_text.parse(text)),
    "*run.j2": _shell,
    "*/serve.j2": _shell,
    "*finish.j2": _shell,
    "logrotate/logrotate.conf.j2": _logrotate,
    "runit/log-config.j2": lambda text: text.split("\n"),
    "letsencrypt/cron.j2": _cron,
    "*.json": json.loads,
    ENVIRONMENT: _environment,
    PEM: str,
}
"""By template or name."""
