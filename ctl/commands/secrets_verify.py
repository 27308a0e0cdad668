"""`ctl secrets verify`: whether what is signed here is accepted, asked of the programs that run."""

from __future__ import annotations

import click

from ctl.cli.framework import Context, command
from ctl.errors import EXIT_FAILED, EXIT_OK, UsageFault
from ctl.output import Style


@command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(ctx: Context, *, as_json: bool) -> int:
    """Ask the running registry whether it accepts tokens. Those of GitLab's key file and of the token issuer.

    Each is tried with a token that opens nothing. Exit status 1 when one is refused.
    """
    from ctl.cli.loading import load_for_command
    from ctl.registry.acceptance import verdicts

    found = list(verdicts(load_for_command(ctx).attributes))
    if not found:
        raise UsageFault("nobody on this node signs tokens", hint="Run the command where GitLab is.")
    if as_json:
        ctx.console.result_json({"verdicts": [vars(one) for one in found]})
    else:
        for one in found:
            word = (
                ctx.console.paint("FAIL", Style.BAD) if one.problem else ctx.console.paint("ok", Style.GOOD)
            )
            ctx.console.result(f"{word}: {one.what}: {one.problem or 'accepted'}")
    return EXIT_FAILED if any(one.problem for one in found) else EXIT_OK
