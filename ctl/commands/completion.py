"""`ctl completion`: the script that lets a shell complete ctl's words."""

from __future__ import annotations

import click

from ctl.cli.framework import Context, cli, command

SHELLS = ("bash", "zsh", "fish")
_FIRST_CALL = "[[ $zsh_eval_context[-1] == loadautofunc ]]"
_ANY_CALL = "[[ $funcstack[1] == _ctl ]]"
"""How click's script for zsh finds out that it was loaded from fpath holds for its first call only: at the second, the
key does nothing. That the function is called by the name of its file holds for each.
"""


@command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(ctx: Context, *, shell: str) -> None:
    """Print a shell's completion script.

    \b
    bash:  ctl completion bash > /etc/bash_completion.d/ctl
    zsh:   ctl completion zsh > /usr/local/share/zsh/site-functions/_ctl
    fish:  ctl completion fish > /etc/fish/completions/ctl.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click knows every shell of SHELLS
    script = kind(cli, {}, "ctl", "_CTL_COMPLETE").source()
    ctx.console.result(script.replace(_FIRST_CALL, _ANY_CALL) if shell == "zsh" else script)
