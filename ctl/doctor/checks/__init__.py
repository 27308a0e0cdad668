"""Every check of `ctl doctor`, in the order of its table: each after those that it needs."""

from __future__ import annotations

from ctl.doctor.check import Check
from ctl.doctor.checks.backup import BACKUP
from ctl.doctor.checks.behind import DEBUG, NOTIFICATIONS, REDIS, STORAGE
from ctl.doctor.checks.disk import LOGS, SPACE
from ctl.doctor.checks.history import CLEANUP, COLLECTION, RENEWAL, TIMERS
from ctl.doctor.checks.logged import CLIENTS, ERRORS
from ctl.doctor.checks.names import CLOCK, DNS, GITLAB_TLS, TLS
from ctl.doctor.checks.node import FILES, PROGRAMS, SETTINGS
from ctl.doctor.checks.services import NGINX, PORTS, PROCESSES, REGISTRY, SERVICES, SUPERVISOR
from ctl.doctor.checks.tokens import CERTIFICATES, REALM, TOKEN, USER
from ctl.doctor.checks.ways import HEADERS, PUSH

CHECKS: tuple[Check, ...] = (
    SETTINGS,
    PROGRAMS,
    FILES,
    SPACE,
    SUPERVISOR,
    PORTS,
    SERVICES,
    PROCESSES,
    REGISTRY,
    NGINX,
    DNS,
    CERTIFICATES,
    TLS,
    GITLAB_TLS,
    CLOCK,
    TOKEN,
    REALM,
    USER,
    HEADERS,
    STORAGE,
    REDIS,
    NOTIFICATIONS,
    DEBUG,
    PUSH,
    TIMERS,
    BACKUP,
    COLLECTION,
    CLEANUP,
    RENEWAL,
    LOGS,
    ERRORS,
    CLIENTS,
)
