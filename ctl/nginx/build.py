"""What the NGINX program of this machine is: its version and modules, as `nginx -V` reports them."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from ctl.distribution import distribution
from ctl.errors import PreflightError
from ctl.machine.child import ChildFailed, run_child
from ctl.machine.search import SYSTEM_PATH

HTTP2_DIRECTIVE = (1, 25, 1)
"""The version that brought `http2 on;`; before, `http2` is a flag of `listen` (nginx.org/en/CHANGES)."""
ENVIRONMENT = {"PATH": SYSTEM_PATH, "LC_ALL": "C"}
"""NGINX runs as the supervisor will run it: nothing of the caller's environment reaches its configuration."""
_PATIENCE = 30
_OPTIONAL = frozenset(
    f"http_{name}_module"
    for name in ("addition", "auth_request", "dav", "degradation", "flv", "geoip", "gunzip", "gzip_static",
                 "image_filter", "mp4", "perl", "random_index", "realip", "secure_link", "slice", "ssl",
                 "stub_status", "sub", "v2", "v3", "xslt")
)  # fmt: skip
"""Modules that are built only when asked for (nginx.org/en/docs/configure.html); others unless refused."""


@dataclass(frozen=True)
class NginxBuild:
    """How an NGINX was built.

    Args:
        version: as (1, 22, 1).
        modules: optional modules that are built in, as "http_ssl_module"; dynamic ones are not counted,
            since they work only once they are loaded.
        without: usual modules that it was built without.
    """

    version: tuple[int, ...]
    modules: frozenset[str]
    without: frozenset[str] = frozenset()

    def has(self, module: str) -> bool:
        """Whether directives of a module ("http_realip_module") can be used."""
        return module in self.modules or (module not in _OPTIONAL and module not in self.without)

    @property
    def http2_directive(self) -> bool:
        """Whether HTTP/2 is switched on by `http2 on;` instead of by a flag of `listen`."""
        return self.version >= HTTP2_DIRECTIVE


USUAL = NginxBuild(
    (1, 22, 1),
    frozenset(f"http_{name}_module" for name in ("realip", "ssl", "stub_status", "v2")),
)
"""Debian 12's, where files are rendered on a machine without NGINX."""


ANOTHER = 'name another NGINX in nginx["executable"]'


@functools.cache
def nginx_build(program: Path) -> NginxBuild:
    """Ask a program what it is; asked once in a process.

    Raises:
        PreflightError: the program does not run, or is no NGINX.
    """
    hint = f"Install it ({distribution().install_hint('nginx')}), or {ANOTHER}."
    try:
        done = run_child([str(program), "-V"], seconds=_PATIENCE, environment=ENVIRONMENT)
    except ChildFailed as error:
        raise PreflightError(f"{program} does not run: {error}", hint=hint) from error
    build = parse(done.stderr)
    if build is None:
        printed = (done.stderr or done.stdout).strip().partition("\n")[0]
        raise PreflightError(
            f"{program} -V does not answer as NGINX: {printed or 'nothing'}",
            hint=hint,
        )
    return build


def parse(text: str) -> NginxBuild | None:
    """Read the output of `nginx -V`, also of its kin (openresty/1.25.3.1, tengine); None for others."""
    version = re.search(r"^\w+ version: \S+?/(\d+(?:\.\d+)+)", text, re.MULTILINE)
    if version is None:
        return None
    return NginxBuild(
        tuple(int(part) for part in version.group(1).split(".")),
        frozenset(re.findall(r"--with-(\w+_module)(?=\s|$)", text)),
        frozenset(re.findall(r"--without-(\w+_module)(?=\s|$)", text)),
    )
