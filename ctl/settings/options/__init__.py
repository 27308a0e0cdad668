"""Every option, declared once: its check, default, manual entry and template line come from here."""

from __future__ import annotations

from collections.abc import Mapping

from ctl.settings.language.setting_names import Names
from ctl.settings.option import Option
from ctl.settings.options import (
    gitlab_rails,
    letsencrypt,
    machine,
    nginx,
    registry,
    registry_auth,
    registry_nginx,
)
from ctl.settings.options.foreign import is_foreign

GROUPS: Mapping[str, tuple[Option, ...]] = {
    "Addresses": machine.URLS,
    "The registry": registry.OPTIONS,
    "The registry's vhost": registry_nginx.OPTIONS,
    "The token issuer": registry_auth.OPTIONS,
    "What GitLab is told": gitlab_rails.OPTIONS,
    "NGINX": nginx.OPTIONS,
    "Let's Encrypt": letsencrypt.OPTIONS,
    "Accounts": machine.ACCOUNTS,
    "Logs of every service": machine.LOGS,
    "The machine": machine.SWITCHES,
}
"""All options under the headings of the manual, in its order."""

OPTIONS: Mapping[str, Option] = {option.name: option for group in GROUPS.values() for option in group}
"""All options by dotted name."""

OLD_VHOST = "registry_nginx"
"""The older spelling of registry["nginx"]."""

SECTIONS = frozenset(name.partition(".")[0] for name in OPTIONS if "." in name)
"""Names at the top that are subscripted."""

SETTINGS = frozenset(name for name in OPTIONS if "." not in name)
"""Names at the top that have one value."""

NAMES = Names(SECTIONS | {OLD_VHOST}, SETTINGS, is_foreign)
"""What the settings language must know."""
