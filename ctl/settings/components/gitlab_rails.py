"""GitLab's side: an account, and what GitLab reads of the registry. ctl runs no process of it."""

from __future__ import annotations

from ctl.settings.component import Component, account_settings

GITLAB = Component(
    "gitlab_rails",
    what="GitLab",
    switch="gitlab_rails.enable",
    account=account_settings("user", home="user.home"),
    supervised=False,
)
