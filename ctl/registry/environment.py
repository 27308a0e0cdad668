"""The environment of the registry's process."""

from __future__ import annotations

from ctl.distribution import distribution
from ctl.node.node import Node
from ctl.registry.programs import program_at


def service_environment(node: Node) -> dict[str, str]:
    """Environment of the process: registry["env"] over the system's certificate folder.

    Variables that the program needs by itself give way to any of their kind: a collector of traces is named by
    variables of OpenTelemetry (OTEL_).
    """
    given = {name: _text(value) for name, value in node.attributes.registry.env.items()}
    kinds = {name.partition("_")[0] for name in given}
    needed = program_at(node.programs.registry).service_environment
    own = {name: value for name, value in needed.items() if name.partition("_")[0] not in kinds}
    return {"SSL_CERT_DIR": str(distribution(node.layout.root).ca_folder)} | own | given


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
