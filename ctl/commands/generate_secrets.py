"""`ctl generate-secrets`: make the secrets that are missing, and nothing else."""

from __future__ import annotations

from ctl.cli.framework import Context, always, command


@command(name="generate-secrets", needs_root=always)
def generate_secrets(ctx: Context) -> None:
    """Make the secrets that are missing. What is in gitlab-secrets.json already stays as it is.

    `ctl reconfigure` does this too. Values are never printed.
    """
    from ctl.cli.loading import changing, load_for_command, machine
    from ctl.converge.atomic import write_atomic
    from ctl.errors import UsageFault

    path = ctx.layout.secrets_file
    with changing(ctx, machine(ctx)):
        secrets = load_for_command(ctx).secrets
        if not secrets.persistent:
            raise UsageFault(
                'package["generate_secrets_json_file"] is False: secrets may not be written',
                hint="Set it to True, or give the secrets in the settings.",
            )
        if not secrets.new and not secrets.taken_up:
            ctx.console.say(f"{path}: nothing is missing")
            return
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        write_atomic(path, secrets.content() or b"", mode=0o600)
    done = [
        f"{word} {', '.join(names)}"
        for word, names in (("made", secrets.new), ("kept", secrets.taken_up))
        if names
    ]
    ctx.console.say(f"{path}: {'; '.join(done)}")
