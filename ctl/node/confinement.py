"""What a service may do beyond its own account: nothing that it does not need (setpriv(1), capabilities(7)).

A process that is taken over must not become root by a set-uid program, nor leave a core file with keys in it.
"""

from __future__ import annotations

import shlex

from ctl.node.node import Node
from ctl.settings.component import Account

NGINX_MASTER = ("chown", "dac_override", "kill", "net_bind_service", "setgid", "setuid")
"""What NGINX's master needs: its ports, workers of another account, their temporary files and logs, and keys that an
account owns (letsencrypt["owner"])."""
_NO_MORE = ("--no-new-privs",)


def as_account(node: Node, account: Account | None) -> list[str]:
    """The command that takes on an account, without its further groups, for good; before the program's own words.

    Without root it only keeps the program from gaining rights; a service of root's is left as it is.
    """
    if account is None:
        return []
    ids = (f"--reuid={account.username}", f"--regid={account.group}", "--clear-groups")
    none = ("--inh-caps=-all", "--bounding-set=-all")
    return [str(node.programs.setpriv), *((*ids, *none) if node.privileged else ()), *_NO_MORE]


def with_capabilities(node: Node, names: tuple[str, ...]) -> list[str]:
    """The command that leaves root these capabilities only; without root nothing is there to be taken."""
    wanted = ",".join(["-all", *(f"+{name}" for name in names)])
    limits = ("--inh-caps=-all", f"--bounding-set={wanted}") if node.privileged else ()
    return [str(node.programs.setpriv), *limits, *_NO_MORE]


def option(words: list[str]) -> str:
    """Words as they follow those of chpst(8) in a run script."""
    return "".join(f" {shlex.quote(word)}" for word in words)
