"""The components of ctl, each declared once."""

from __future__ import annotations

from ctl.settings.component import Component
from ctl.settings.components.gitlab_rails import GITLAB
from ctl.settings.components.letsencrypt import CRON, LETSENCRYPT, RENEWAL
from ctl.settings.components.logrotate import LOGROTATE
from ctl.settings.components.metrics import METRICS
from ctl.settings.components.nginx import NGINX
from ctl.settings.components.registry import REGISTRY
from ctl.settings.components.registry_auth import ISSUER
from ctl.settings.components.timer import timer

_OTHERS = (GITLAB, REGISTRY, ISSUER, NGINX, LETSENCRYPT, RENEWAL, CRON, LOGROTATE, METRICS)
TIMER = timer(_OTHERS)
COMPONENTS: tuple[Component, ...] = (*_OTHERS, TIMER)
"""All of them."""

SERVICES: tuple[str, ...] = tuple(one.name for one in COMPONENTS if one.supervised)
"""The names of those that the supervisor runs."""
