"""What the settings want of the token issuer."""

from __future__ import annotations

from pathlib import Path

from ctl.auth.config import Config
from ctl.node.node import Node
from ctl.registry.token import SERVICE
from ctl.settings.rules.token_issuer import issuer_through_socket
from ctl.settings.types import lifetime_seconds


def wanted_config(node: Node) -> Config:
    """What its configuration must be."""
    auth, attributes = node.attributes.registry_auth, node.attributes
    return Config(
        listen="" if issuer_through_socket(attributes) else auth.listen_addr,
        realm=attributes.registry.token_realm,
        service=SERVICE,
        issuer=attributes.gitlab_rails.registry_issuer,
        key_file=str(Path(auth.dir) / "gitlab-registry.key"),
        accounts_file=auth.accounts_file,
        lifetime=lifetime_seconds(auth.token_expire_delay),
        failed_per_account=auth.failed_attempts_per_account,
        failed_per_address=auth.failed_attempts_per_address,
        failed_period=lifetime_seconds(auth.failed_attempts_period),
    )
