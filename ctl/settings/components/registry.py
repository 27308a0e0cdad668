"""The registry."""

from __future__ import annotations

from ctl.settings.component import Component, account_settings, listens_at

REGISTRY = Component(
    "registry",
    what="the registry",
    switch="registry.enable",
    account=account_settings("registry", home="registry.dir"),
    listeners=listens_at(
        {
            "registry.registry_http_addr": "the registry",
            "registry.debug_addr": "the registry's debug server",
        }
    ),
    log="registry.log_directory",
    logging="registry",
    programs=("registry",),
    signals={"INT": "ends, as with TERM", "TERM": "finishes its requests and ends"},
    starter={
        "What the registry does": (
            "registry.enable",
            "registry.log_level",
            "registry.log_formatter",
            "registry.env",
            "registry.http_draintimeout",
            "registry.validation_enabled",
            "registry.compatibility_schema1_enabled",
            "registry.health_storagedriver_enabled",
            "registry.debug_addr",
            "registry.notifications",
        ),
    },
)
