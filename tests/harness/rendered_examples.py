"""An example as `ctl render` writes it, and the check of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.harness import nginx_text, seeds

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
STORAGE = "/var/opt/gitlab/gitlab-rails/shared/registry"


@dataclass(frozen=True)
class Rendered:
    """What `render` wrote for one example.

    Args:
        folder: as given to --output.
        root: the root whose paths the files name.
        notes: what `render` printed to standard error.
    """

    folder: Path
    root: Path
    notes: str

    def path(self, absolute: str) -> Path:
        """Where a file of the machine was rendered."""
        return self.folder / str(self.root).lstrip("/") / absolute.lstrip("/")

    def moved(self, absolute: str) -> str:
        """How rendered text names a path of the machine."""
        return f"{self.root}{absolute}"

    def _yaml(self, absolute: str) -> Any:  # noqa: ANN401 - YAML
        return yaml.safe_load(self.path(absolute).read_text(encoding="utf-8"))

    @property
    def config(self) -> Any:  # noqa: ANN401 - YAML
        """config.yml of the registry."""
        return self._yaml("/var/opt/gitlab/registry/config.yml")

    @property
    def gitlab(self) -> Any:  # noqa: ANN401 - YAML
        """`production` of gitlab.yml."""
        return self._yaml("/var/opt/gitlab/gitlab-rails/etc/gitlab.yml")["production"]

    @property
    def storage(self) -> Any:  # noqa: ANN401 - YAML
        """`storage` of config.yml without what every example has."""
        found = dict(self.config["storage"])
        assert found.pop("cache") == {"blobdescriptor": "inmemory"}
        assert found.pop("delete") == {"enabled": True}
        return found

    @property
    def servers(self) -> list[nginx_text.Block]:
        """The server blocks of the registry's vhost file."""
        text = self.path("/var/opt/gitlab/nginx/conf/gitlab-registry.conf").read_text(encoding="utf-8")
        found = nginx_text.parse(text).named("server")
        return [one for one in found if one.all("server_name") != [("registry",)]]

    @property
    def has_registry(self) -> bool:
        """Whether this node runs a registry with a vhost."""
        found = [
            self.path(name).exists()
            for name in ("/var/opt/gitlab/nginx/conf/gitlab-registry.conf", "/opt/gitlab/sv/registry/run")
        ]
        assert len(set(found)) == 1, "the service and the vhost go together"
        return found[0]


Check = Callable[[Rendered], None]
CHECKS: dict[str, Check] = {}


def example(name: str) -> Callable[[Check], Check]:
    """Declare the check of an example by its file name."""

    def declare(check: Check) -> Check:
        CHECKS[name] = check
        return check

    return declare


def put_certificate(folder: Path, host: str) -> None:
    """Where examples expect it, as on a machine on which Let's Encrypt has nothing to do."""
    folder.mkdir(exist_ok=True)
    for ending, text in zip((".key", ".crt"), seeds.server_certificate(host), strict=True):
        (folder / f"{host}{ending}").write_text(text, encoding="ascii")


def own_files() -> Mapping[str, str]:
    """What examples read from the environment, by the name of the variable."""
    key, certificate = seeds.pair(1)
    return {"REGISTRY_KEY": key, "REGISTRY_CERTIFICATE": certificate, "REGISTRY_HTTP_SECRET": "0123456\n"}
