"""How clients come to trust the local CA."""

from __future__ import annotations

from pathlib import Path

from ctl.distribution import Distribution
from ctl.tls.certificates import normal_host

HTTPS = 443


def registry_name(host: str, port: int) -> str:
    """The registry as image names and tools' folders write it: HOST:PORT, without the default port."""
    name = normal_host(host)
    bracketed = f"[{name}]" if ":" in name else name
    return bracketed if port == HTTPS else f"{bracketed}:{port}"


def trust_note(host: str, port: int, ca: Path) -> str:
    """What to do on a client; several lines, without a final newline.

    Args:
        host, port: where clients find the registry.
        ca: the CA's certificate on this machine.
    """
    name = registry_name(host, port)
    return "\n".join(
        [
            f"The certificate of {name} is signed by a local CA, which clients do not know yet: {ca}",
            "Trust it on this machine by `ctl trust` (for every program: --system); copy it to each other client as",
            f"  /etc/docker/certs.d/{name}/ca.crt for Docker, podman, skopeo and buildah; or",
            f"  {Distribution.ca_own}, and run {Distribution.ca_command}: for every program",
        ]
    )
