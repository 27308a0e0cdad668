"""The account that writes the logs of all services: its own, so that no other service of the machine is in them."""

from __future__ import annotations

from ctl.settings.component import Component, own_account

LOG_ACCOUNT = "registry-log"
LOGS = Component("logs", what="the logs", account=own_account(LOG_ACCOUNT), supervised=False)
