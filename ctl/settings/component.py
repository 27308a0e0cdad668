"""What a component is: the one declaration from which ctl knows what it needs, where it listens and when it starts.

A component of ctl's own is declared in ctl/settings/components, a site's own in its recipe, as COMPONENT.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ctl.machine.health import Check, FolderCheck
from ctl.paths import Layout
from ctl.settings.listener import Listener
from ctl.settings.values import Values

NO_SHELL = "/usr/sbin/nologin"


@dataclass(frozen=True)
class Account:
    """The account that a component runs under.

    Args:
        username, group: their names; the group is by default called as the user.
        home, shell: of the user.
        uid, gid: None for the system's choice.
        setting: the setting that names the user, for errors; "" for none.
    """

    username: str
    group: str = ""
    home: str = "/nonexistent"
    shell: str = NO_SHELL
    uid: int | None = None
    gid: int | None = None
    setting: str = ""

    def __post_init__(self) -> None:
        if not self.group:
            object.__setattr__(self, "group", self.username)


@dataclass(frozen=True)
class ScheduledTask:
    """A command that the timer runs.

    Args:
        name: by which `ctl status` and logs know it.
        cron: when: five fields of crontab(5), or a nickname ("@daily"); in the machine's own time.
        command: words of ctl ("renew-le-certs"), or of the program; a path is moved below the root.
        program: one of those that ctl finds on the machine ("logrotate"); "" for ctl itself.
        account: what it runs under; None for root, or for the caller without root.
        timeout: seconds after which it is ended.
        retry: whether a failure is tried again before its next time: after an hour, then twice as long each time,
            every 12 hours at last.
        on_write: folders: once something is written in them, it runs too, at most once a minute.
        log: whether its output goes into the log folder of its component, not into that of the timer.
    """

    name: str
    cron: str
    command: tuple[str | Path, ...]
    program: str = ""
    account: Callable[[Values], Account] | None = None
    timeout: int = 3600
    retry: bool = False
    on_write: tuple[str, ...] = ()
    log: bool = False


@dataclass(frozen=True)
class Component:
    """A service of the supervisor, or another part of the node that has an account of its own.

    Args:
        name: of the service, as `ctl status` shows it.
        what: in words, for messages ("the token issuer"); by default its name.
        switch: the setting that enables it; "" for one that is always there.
        when: whether the node has it, where that takes more than its switch.
        account: what it runs under; None for root, or for the caller without root.
        listeners: the addresses that it takes; it is healthy when they accept connections and `health` holds.
        health: what else must be true of it, as an answer over HTTP.
        health_seconds: within which that must be so after a start, or the name of the setting with that number; else
            the run is undone.
        log: its log folder, as the name of a setting or an absolute path; "" for one of its name.
        logging: the section with its svlogd_* settings; by default those of all services.
        programs: the programs that it needs, by name.
        packages: what must be installed for them.
        after: the components that must be up before it starts. Few are needed: NGINX answers for a registry that
            is not there yet.
        before: the components that must not start before it is up.
        signals: the signals that mean something to it, as "HUP", and what it does then.
        hands_over: whether new workers take the place of the old ones when it reloads; without them it has refused.
        wait: seconds that it may take to answer or, once it has finished its requests, to end.
        recipe: the file that yields its resources, without its suffix; "" for its name.
        starter: headings of the settings file to begin with, and which of its settings most nodes need.
        writes_logs: whether its program opens logs in its log folder by name, as root: svlogd, which writes as
            another account, then has a folder of its own beside it.
        secondary: whether the others are as good without it: a run in which it does not come up is then kept.
        supervised: whether it is a service; else only its account and its tasks count.
        tasks: what the timer runs for it; a status of 75 (another run holds the lock) is tried again in a minute.
    """

    name: str
    what: str = ""
    switch: str = ""
    when: Callable[[Values], bool] | None = None
    account: Callable[[Values], Account] | None = None
    listeners: Callable[[Values], Iterable[Listener]] = lambda _: ()
    health: Callable[[Values], Iterable[Check]] = lambda _: ()
    health_seconds: int | str = 0
    log: str = ""
    logging: str = "logging"
    programs: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    signals: Mapping[str, str] = field(default_factory=dict)
    hands_over: bool = False
    wait: int = 30
    recipe: str = ""
    starter: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    writes_logs: bool = False
    secondary: bool = False
    supervised: bool = True
    tasks: Callable[[Values], Iterable[ScheduledTask]] = lambda _: ()

    def __str__(self) -> str:
        return self.what or self.name

    def runs(self, values: Values) -> bool:
        """Whether the node has it."""
        if self.when is not None:
            return self.when(values)
        return bool(values[self.switch]) if self.switch else True

    def log_folder(self, values: Values, layout: Layout) -> str:
        """Where its log is written."""
        if not self.log:
            return str(layout.logs / self.name)
        return str(layout.path(self.log)) if self.log.startswith("/") else str(values[self.log])

    def checks(self, values: Values, *, privileged: bool) -> tuple[Check, ...]:
        """What must be true of it beyond that it listens; without root under the caller's account."""
        found = self.health(values)
        if privileged:
            return tuple(found)
        return tuple(
            one._replace(user="", group="") if isinstance(one, FolderCheck) else one for one in found
        )

    def seconds_to_health(self, values: Values) -> int:
        """Within which its checks must hold."""
        given = self.health_seconds
        return int(values[given]) if isinstance(given, str) else given

    @property
    def log_setting(self) -> str:
        """The setting that names its log folder, or ""."""
        return "" if self.log.startswith("/") else self.log


def account_settings(section: str, home: str) -> Callable[[Values], Account]:
    """The account that a section of the settings names.

    Args:
        section: where username, group, uid, gid and shell are ("registry").
        home: the setting with its home ("registry.dir").
    """

    def account(values: Values) -> Account:
        given = {name: values[f"{section}.{name}"] for name in ("username", "group", "shell", "uid", "gid")}
        return Account(**given, home=values[home], setting=f"{section}.username")

    return account


def own_account(username: str, *, home: str = "/nonexistent") -> Callable[[Values], Account]:
    """An account that no setting names."""
    return lambda _: Account(username, home=home)


def listens_at(addresses: Mapping[str, str]) -> Callable[[Values], Iterator[Listener]]:
    """Listeners at fixed places.

    Args:
        addresses: "host:port", "unix:/path" or the name of the setting that holds one (None: there is none), and
            what listens there.
    """

    def listeners(values: Values) -> Iterator[Listener]:
        for place, what in addresses.items():
            setting = "" if ":" in place else place
            address = values[setting] if setting else place
            if address:
                yield Listener.at(address, what, setting)

    return listeners


def running(components: Iterable[Component], values: Values) -> list[Component]:
    """Those that the node has."""
    return [one for one in components if one.runs(values)]


def needs(components: Iterable[Component], component: Component) -> tuple[str, ...]:
    """The components that must be up before one starts, by its own words or by theirs."""
    others = (one.name for one in components if component.name in one.before)
    return tuple(dict.fromkeys([*component.after, *others]))
