"""The node that checks ask: its settings, its files, and the ways to its registry."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ctl.doctor.web import Server
from ctl.errors import CtlError
from ctl.language.source import Diagnostic
from ctl.machine.health import HttpCheck
from ctl.node.node import Node
from ctl.paths import Layout
from ctl.registry.config import RegistryConfig, read_config, read_environment
from ctl.registry.programs import RegistryProgram, identify
from ctl.registry.token import issue
from ctl.services.runit import Runit
from ctl.services.status import Status
from ctl.settings.attributes import Attributes, OriginKind
from ctl.settings.components.registry_health import registry_checks
from ctl.settings.rules.urls import same_url

SUBJECT = "ctl-doctor"
"""The account in tokens of checks: registries log it, and notifications name it."""
SCRATCH_PREFIX = f"{SUBJECT}/"
SCRATCH = f"{SCRATCH_PREFIX}scratch"
"""The repository that checks push to, where they are asked to."""
TOKEN_LIFE = timedelta(minutes=2)


@dataclass(frozen=True, repr=False)
class Wishes:
    """What the command line adds.

    Args:
        user, password: with whom to ask GitLab, or whoever issues tokens; "" for nobody.
        front: the URL by which clients reach the registry, where something is in front of NGINX.
        push: whether to push and pull a small image.
    """

    user: str = ""
    password: str = ""
    front: str = ""
    push: bool = False


@dataclass(frozen=True)
class Site:
    """The node.

    Args:
        layout: its root.
        settings_file: where its settings are.
        given: the node as the settings want it; None where they are wrong.
        problem: why there is none.
        diagnostics: warnings of the settings.
        wishes: what the command line adds.
    """

    layout: Layout
    settings_file: Path
    given: Node | None
    problem: CtlError | None = None
    diagnostics: Sequence[Diagnostic] = ()
    wishes: Wishes = field(default_factory=Wishes)

    @property
    def node(self) -> Node:
        """The node as the settings want it. Raises CtlError where they are wrong."""
        if self.given is None:
            raise self.problem or CtlError("the settings are not known")
        return self.given

    @property
    def attributes(self) -> Attributes:
        """The settings, resolved. Raises CtlError where they are wrong."""
        return self.node.attributes

    @cached_property
    def runit(self) -> Runit:
        """The services."""
        return Runit(self.layout)

    @cached_property
    def statuses(self) -> list[Status]:
        """How the enabled services run, as sv sees them."""
        return self.runit.statuses(self.runit.names())

    @cached_property
    def config(self) -> RegistryConfig:
        """The registry's configuration as it is in force.

        Raises:
            CtlError: it cannot be read.
        """
        registry = self.attributes.registry
        return read_config(Path(registry.dir) / "config.yml", read_environment(Path(registry.env_directory)))

    @cached_property
    def program(self) -> RegistryProgram:
        """The registry program. Raises PreflightError where it cannot be run."""
        return identify(self.node.programs.registry)

    @cached_property
    def secrets(self) -> frozenset[str]:
        """Values that are never shown."""
        return frozenset(self._secrets())

    def _secrets(self) -> Iterator[str]:
        if self.wishes.password:
            yield self.wishes.password
        if self.given is None:
            return
        with suppress(CtlError):  # without a configuration the registry has none
            yield from self.config.secrets
        for name in self.attributes.secret_names:
            if self.attributes.origin(name).kind is not OriginKind.GENERATED:
                yield from texts_of(self.attributes.lookup(name.split(".")))

    # --- ways to the registry

    @property
    def trust(self) -> Path:
        """The local CA, which clients must trust where it signed the certificate."""
        return self.layout.ssl / "ca.crt"

    @cached_property
    def _checks(self) -> list[HttpCheck]:
        return [one for one in registry_checks(self.attributes) if isinstance(one, HttpCheck)]

    @property
    def prefix(self) -> str:
        """What is before "/v2/" in the registry's paths."""
        path = self._checks[0].path if self._checks else "/v2/"
        return path.removesuffix("/v2/")

    @cached_property
    def direct(self) -> Server | None:
        """The registry past NGINX; None where it speaks TLS of its own."""
        found = next((one for one in self._checks if not one.via), None)
        return Server(f"http://{found.host}", found.address) if found else None

    @cached_property
    def vhost(self) -> Server | None:
        """The registry through NGINX of this machine; None without a vhost."""
        node = self.node
        if not node.serves_registry:
            return None
        found = next(one for one in reversed(self._checks) if one.via)
        url = str(node.attributes.registry_external_url)
        return Server(url, found.address, self.trust, found.proxy_protocol)

    @cached_property
    def public(self) -> Server | None:
        """The registry as clients reach it: `--from`, else NGINX of this machine."""
        return Server(self.wishes.front, roots=self.trust) if self.wishes.front else self.vhost

    @cached_property
    def realm(self) -> Server | None:
        """Who issues tokens; None without a realm. NGINX of this machine where the issuer is ctl's own."""
        url = self.realm_url
        if not url:
            return None
        own, parts = self.vhost, urlsplit(url)
        if own is not None and same_url(f"{parts.scheme}://{parts.netloc}", own.url):
            return own
        return Server(url, roots=self.trust)

    @property
    def realm_url(self) -> str:
        """The URL at which clients ask for tokens, as the registry's configuration has it."""
        given = self.config.environment.get("REGISTRY_AUTH_TOKEN_REALM")
        return str(given or self.config.section("auth", "token").get("realm") or "")

    def setting(self, name: str) -> str:
        """A value of the registry's section `auth.token`."""
        given = self.config.environment.get(f"REGISTRY_AUTH_TOKEN_{name.upper()}")
        return str(given or self.config.section("auth", "token").get(name) or "")

    # --- tokens

    @property
    def key(self) -> str | None:
        """The key that signs tokens; None where another machine has it, or there is none yet.

        Raises:
            PermissionError: this user may not read it.
        """
        attributes = self.attributes
        if attributes.origin("registry.internal_key").kind is OriginKind.GENERATED:
            secrets = self.layout.secrets_file
            if secrets.exists() and not os.access(secrets, os.R_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(secrets))
            return None
        found = attributes.registry.internal_key or attributes.gitlab_rails.internal_key
        return str(found) if found else None

    def token(self, access: Sequence[Mapping[str, Any]]) -> str | None:
        """A token of the node's own key; None where it has none.

        Args:
            access: as `ctl.registry.token.repository_access` gives it.

        Raises:
            UnusableKey: the key cannot sign.
        """
        key = self.key
        if key is None:
            return None
        return issue(
            key,
            issuer=self.attributes.gitlab_rails.registry_issuer,
            subject=SUBJECT,
            access=access,
            lifetime=TOKEN_LIFE,
            name_key=self.program.name_key,
        )


def texts_of(value: object) -> Iterator[str]:
    """Every text in a value of a setting."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from texts_of(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts_of(one)
