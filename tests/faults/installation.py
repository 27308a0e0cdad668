"""An installation with two states of its settings: what its files and processes are in each, and what differs now."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.harness import distribution3, images, processes, seeds, tokens, tree
from tests.harness.https import Client
from tests.harness.root import Root
from tests.harness.waiting import listening, wait_for

IMAGE = images.image("kept throughout", size=50_000)
_OWN = re.compile(
    r"^var/opt/gitlab/ctl(/|$)|^etc/gitlab/gitlab\.py$|^var/opt/gitlab/gitlab-rails/shared/registry/docker/"
    r"|^var/opt/gitlab/logrotate/status\.tmp$|^var/opt/gitlab/timer/tasks\.json$"
)
"""What is no part of a state: what ctl notes for itself, the settings, images, and the file with the time at which a
former key pair ends, which follows the clock."""
_PASSING = ("logrotate", "sleep", "setpriv", "sh")
"""What log rotation is, one after the other, every minute."""
_LEFT = re.compile(r"(^|/)\.ctl-|(^|/)ctl-check-|^var/opt/gitlab/ctl/journal")
_READ_AT_START = "var/opt/gitlab/registry/"
"""Files that the registry reads when it starts. Of a key pair nothing else shows: both are accepted for a while."""
Facts = Mapping[str, object]


@dataclass
class Installation:
    """A private root whose settings are changed to and fro.

    Args:
        root: the root.
        lines: settings of state 0 and of state 1.

    Attributes:
        spare: ports for settings that change the ports.
        temporary: TMPDIR of the commands, empty when nothing is left over.
    """

    root: Root
    lines: Callable[[Installation, int], list[str]]
    spare: tuple[int, int] = field(init=False)
    temporary: Path = field(init=False)
    _files: list[tree.Tree] = field(init=False, default_factory=list)
    _facts: list[Facts] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.spare = (self.root.ports.take(), self.root.ports.take())
        self.temporary = self.root.folder / "tmp"
        self.temporary.mkdir(mode=0o1777)

    def choose(self, state: int) -> None:
        """Write the settings of a state."""
        self.root.settings(*self.lines(self, state))

    def settle(self) -> None:
        """Bring about both states, the first last, and note what each is like.

        Raises:
            AssertionError: no process shows in which state it is: then nothing could be proven.
        """
        found: dict[int, tuple[tree.Tree, Facts]] = {}
        for state in (0, 1, 0):
            self.choose(state)
            self.root.reconfigure()
            if state == 0 and not found:
                self.root.client.push("grp/kept", IMAGE, "v1")
                self.root.reconfigure()
            found[state] = (_files_of(self.root), self.facts())
        self._files = [found[state][0] for state in (0, 1)]
        self._facts = [found[state][1] for state in (0, 1)]
        differ = {
            name for name in set().union(*self._files) if self._files[0].get(name) != self._files[1].get(name)
        }
        assert differ
        assert self._facts[0] != self._facts[1] or any(name.startswith(_READ_AT_START) for name in differ)

    def is_in(self, state: int) -> None:
        """Files and processes are those of a state, and nothing else is there.

        Raises:
            AssertionError: with what differs.
        """
        with suppress(AssertionError):  # processes that are on their way out
            wait_for(lambda: self.facts() == self._facts[state], seconds=8, pause=0.1)
        problems = [
            *_different("file", self._files[state], _files_of(self.root)),
            *_different("process", self._facts[state], self.facts()),
            *(f"left over: {name}" for name in self.leftovers()),
        ]
        assert not problems, "\n".join(problems)

    def leftovers(self) -> list[str]:
        """What an ended run should not leave behind."""
        inside = [name for name in tree.snapshot(self.root.path) if _LEFT.search(name)]
        return inside + [str(path) for path in self.temporary.iterdir()]

    # --- what the processes show

    def facts(self) -> Facts:
        """What the running processes show of their settings; asked of themselves, not of ctl."""
        running = [one for one in self.root.processes() if one.program not in _PASSING]
        registry = [one for one in running if one.program in ("docker-registry", "registry")]
        return {
            "processes": sorted(f"{_named(one)} uid={one.uid}" for one in running),
            "programs": sorted(_program(one.pid) for one in registry),
            "older than their files": self._older(registry),
            "environment": sorted(_environment(one.pid) for one in registry),
            "ports": [number for number, port in enumerate(self._all_ports()) if listening(port)],
            "answers": [self._answers(port) for port in (self.root.port, self.spare[0])],
        }

    def _older(self, registry: Iterable[processes.Process]) -> list[str]:
        """Files that the registry reads at its start, and that have changed since."""
        began = max((processes.started(one.pid) for one in registry), default=0.0)
        files = [path for path in (self.root.path / _READ_AT_START).iterdir() if path.is_file()]
        return sorted(path.name for path in files if began and path.stat().st_mtime > began)

    def _all_ports(self) -> tuple[int, ...]:
        return (self.root.port, self.root.registry_port, *self.spare)

    def _answers(self, port: int) -> str:
        """Which header NGINX adds, whose tokens the registry takes, whether it deletes, and what it serves."""
        try:
            header = Client(port, self.root.ca).get("/v2/").header("X-State")
            keys = [
                number
                for number in (0, 1)
                if self._client(port, number).manifest("grp/kept", "v1").status == 200
            ]
            client = self._client(port, keys[0] if keys else 0)
            path = f"/v2/grp/kept/manifests/sha256:{'0' * 64}"
            deletes = client.authorised("DELETE", path, repository="grp/kept", actions="delete").status
            pulls = client.pulls("grp/kept", IMAGE, "v1")
        except OSError as error:
            return type(error).__name__
        return f"X-State {header}, keys {keys}, DELETE {deletes}, pulls {pulls}"

    def _client(self, port: int, key: int) -> Client:
        pem = seeds.pair(key)[0]
        return Client(
            port,
            self.root.ca,
            lambda name, actions: tokens.sign(pem, tokens.repository_access(name, actions)),
        )


def _files_of(root: Root) -> tree.Tree:
    return {name: one for name, one in tree.timeless(root.snapshot()).items() if not _OWN.search(name)}


def _different(what: str, wanted: Mapping[str, object], found: Mapping[str, object]) -> list[str]:
    names = sorted(wanted.keys() | found.keys())
    return [
        f"{what} {name}: {found.get(name)} instead of {wanted.get(name)}"
        for name in names
        if found.get(name) != wanted.get(name)
    ]


def _named(one: processes.Process) -> str:
    return " ".join(one.arguments[:3])[:60] if one.program.startswith("python") else one.program


def _program(pid: int) -> str:
    return str(Path(f"/proc/{pid}/exe").readlink())


def _environment(pid: int) -> str:
    found = processes.environment(pid)
    return f"CTL_WAIT={found.get('CTL_WAIT')}"


# --- the changes


def _config(_: Installation, state: int) -> list[str]:
    return [f'registry["storage_delete_enabled"] = {bool(state)}']


def _key_pair(_: Installation, state: int) -> list[str]:
    key, certificate = seeds.pair(state)
    return [
        f'registry["internal_key"] = """{key}"""',
        f'registry["internal_certificate"] = """{certificate}"""',
    ]


def _vhost(_: Installation, state: int) -> list[str]:
    return [f'registry["nginx"]["custom_gitlab_server_config"] = "add_header X-State {state} always;"']


def _ports(one: Installation, state: int) -> list[str]:
    if state == 0:
        return []
    return [
        f'registry_external_url = "https://localhost:{one.spare[0]}"',
        f'registry["registry_http_addr"] = "127.0.0.1:{one.spare[1]}"',
    ]


def _run_script(_: Installation, state: int) -> list[str]:
    return [f'registry["http_draintimeout"] = "{2 + state}s"', f'logging["svlogd_num"] = {20 + state}']


def _accounts(one: Installation, state: int) -> list[str]:
    return (
        ['web_server["username"] = web_server["group"] = "irc"'] if state and one.root.person.is_root else []
    )


def _program_of(_: Installation, state: int) -> list[str]:
    other = distribution3.path()
    return [f'registry["executable"] = "{other}"'] if state and other else []


def _everything(one: Installation, state: int) -> list[str]:
    parts = (_config, _key_pair, _vhost, _ports, _run_script, _accounts, _program_of)
    return [line for part in parts for line in part(one, state)]


CHANGES: Mapping[str, Callable[[Installation, int], list[str]]] = {
    "config.yml": _config,
    "key pair": _key_pair,
    "vhost": _vhost,
    "ports": _ports,
    "run script": _run_script,
    "accounts": _accounts,
    "program": _program_of,
    "everything": _everything,
}
"""Settings of both states, by what differs between them."""
