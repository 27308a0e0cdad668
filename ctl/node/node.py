"""What a recipe sees: attributes, layout, and the programs of this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ctl.nginx.build import NginxBuild
from ctl.nginx.modules import serves_status
from ctl.node.overlap import Overlap
from ctl.paths import Layout
from ctl.settings.attributes import Attributes
from ctl.settings.component import Component, running
from ctl.settings.components import COMPONENTS
from ctl.settings.rules.letsencrypt import obtains_certificate
from ctl.settings.rules.vhost import serves_registry


@dataclass(frozen=True)
class Programs:
    """Where the programs are that services run; absolute paths.

    Args:
        registry: the registry program, of any kind.
        nginx, runsvdir, chpst, setpriv, svlogd, logrotate: as in the distribution.
        nginx_build: what that NGINX is: it decides which directives are written, and how.
    """

    registry: Path
    nginx: Path
    runsvdir: Path
    chpst: Path
    setpriv: Path
    svlogd: Path
    logrotate: Path
    nginx_build: NginxBuild


@dataclass(frozen=True)
class Node:
    """One machine (or private root) with everything a recipe may depend on.

    Args:
        attributes: what the settings say.
        layout: where things are.
        programs: where programs are.
        privileged: whether services run under accounts of their own (running as root).
        log_account: the account that writes logs, or None to write as the caller.
        secrets: the wanted content of the secrets file, or None where it is not to be written; waits for
            the RSA pair if that is still being made.
        settings_file: where the settings were read, if that is not the root's usual place.
        components: every component, those of a site's own recipes included.
        overlap: certificates that the registry accepts for some more time.
    """

    attributes: Attributes
    layout: Layout
    programs: Programs
    privileged: bool
    log_account: str | None
    secrets: Callable[[], bytes | None]
    settings_file: Path | None = None
    components: tuple[Component, ...] = COMPONENTS
    overlap: Overlap = Overlap()  # noqa: RUF009 - frozen

    def component(self, name: str) -> Component:
        """The declaration of a component. Raises KeyError where there is none."""
        return next(one for one in self.components if one.name == name)

    def running(self) -> list[Component]:
        """The components that this node has."""
        return running(self.components, self.attributes)

    def listens(self) -> dict[str, list[str]]:
        """Every enabled service with the addresses on which it listens, as "host:port"."""
        return {one.name: self.addresses(one) for one in self.running() if one.supervised}

    def addresses(self, component: Component) -> list[str]:
        """Where one component listens, as far as NGINX's build knows how."""
        has = self.programs.nginx_build.has
        return [str(one) for one in component.listeners(self.attributes) if all(map(has, one.modules))]

    @property
    def serves_registry(self) -> bool:
        """Whether NGINX has a vhost for the registry here."""
        return serves_registry(self.attributes)

    @property
    def obtains_certificate(self) -> bool:
        """Whether the vhost's certificate comes from Let's Encrypt, whose challenges NGINX then answers."""
        return obtains_certificate(self.attributes)

    @property
    def serves_status(self) -> bool:
        """Whether NGINX has a status page here."""
        return serves_status(self.attributes, self.programs.nginx_build)
