"""Every option, declared once: its check, default, manual entry and template line come from here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from ctl.language.setting_names import Names
from ctl.settings.option import Option
from ctl.settings.options import (
    gitlab_rails,
    letsencrypt,
    machine,
    metrics,
    nginx,
    registry,
    registry_auth,
    registry_backup,
    registry_cleanup,
    registry_garbage_collect,
    registry_nginx,
)
from ctl.settings.options.foreign import FOLLOWED, belongs_to_gitlab, is_foreign

GROUPS: Mapping[str, tuple[Option, ...]] = {
    "Addresses": machine.URLS,
    "The registry": registry.OPTIONS,
    "The registry's vhost": registry_nginx.OPTIONS,
    "The token issuer": registry_auth.OPTIONS,
    "Garbage collection": registry_garbage_collect.OPTIONS,
    "Clean-up of tags": registry_cleanup.OPTIONS,
    "Backups": registry_backup.OPTIONS,
    "What GitLab knows of the registry": gitlab_rails.OPTIONS,
    "NGINX": nginx.OPTIONS,
    "Let's Encrypt": letsencrypt.OPTIONS,
    "Numbers for Prometheus": metrics.OPTIONS,
    "Accounts": machine.ACCOUNTS,
    "Logs of every service": machine.LOGS,
    "The machine": machine.SWITCHES,
}
"""All options under the headings of the manual, in its order."""

OPTIONS: Mapping[str, Option] = {option.name: option for group in GROUPS.values() for option in group}
"""All options by dotted name."""

OLD_VHOST = "registry_nginx"
"""The other spelling of registry["nginx"], that of GitLab's guide."""

SECTIONS = frozenset(name.partition(".")[0] for name in OPTIONS if "." in name)
"""Names at the top that are subscripted."""

SETTINGS = frozenset(name for name in OPTIONS if "." not in name)
"""Names at the top that have one value."""


def is_others_key(section: str, key: str) -> bool:
    """Whether a key of one of our sections is another component's.

    Args:
        section: the section's dotted name ("gitlab_rails", "registry.nginx").
        key: the key ("ldap_servers").
    """
    section = "registry.nginx" if section == OLD_VHOST else section
    known = _keys(section)
    return key not in known and belongs_to_gitlab(section, key, known)


@cache
def _keys(section: str) -> frozenset[str]:
    prefix = f"{section}."
    names = (name.removeprefix(prefix) for name in OPTIONS if name.startswith(prefix))
    return frozenset(name.partition(".")[0] for name in names)


NAMES = Names(SECTIONS | {OLD_VHOST}, SETTINGS, is_foreign, is_others_key, FOLLOWED)
"""What the settings language must know."""
