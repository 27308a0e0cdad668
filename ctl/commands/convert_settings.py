"""`ctl convert-settings`: a gitlab.rb or a registry's config.yml as a settings file in Python's syntax."""

from __future__ import annotations

from pathlib import Path

import click

from ctl.cli.framework import Context, command


@command(name="convert-settings")
@click.argument("file", required=False, type=click.Path(path_type=Path, readable=False))
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="config.yml of a Distribution registry, whatever its name.",
)
@click.option(
    "--from-env",
    "environment",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="REGISTRY_* variables of a Distribution registry, one a line; they win over its config.yml.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="Write FILE, unless it is there already, with mode 0600.",
)
def convert_settings(
    ctx: Context, *, file: Path | None, source: Path | None, environment: Path | None, output: Path | None
) -> None:
    """Convert a gitlab.rb or config.yml to settings. The suffix decides which of the two a file is.

    The result says the same: it holds every setting, and of a gitlab.rb also every comment, in its place. What
    has no setting, or is not understood, is listed and is in the result as a comment; if it is one of our
    settings, the command exits with status 2. FILE is only read; nothing in it is run.
    """
    from ctl.errors import UsageFault
    from ctl.language.source import SettingsError
    from ctl.settings.conversion.convert import convert_file

    given = source or file
    if (given is None and environment is None) or (source is not None and file is not None):
        raise UsageFault(
            "convert-settings takes one file", hint="Write: ctl convert-settings /etc/gitlab/gitlab.rb"
        )
    _refuse_existing(output)
    converted = convert_file(given, distribution=source is not None, environment=environment)
    for remark in converted.remarks:
        ctx.console.note(f"{given or environment}: {remark}")
    if output is None:
        ctx.console.result(converted.text.removesuffix("\n"))
    else:
        _write(output, converted.text)
        ctx.console.say(f"{output} written; next: ctl --settings {output} check-config")
    if converted.problems:
        raise SettingsError(converted.problems, hint="Each is a comment in the result: ## NOT CONVERTED")


def _refuse_existing(path: Path | None) -> None:
    from ctl.errors import UsageFault

    if path is not None and (path.exists() or path.is_symlink()):
        raise UsageFault(f"{path}: is there already, and is not written over", hint="Give another --output.")


def _write(path: Path, text: str) -> None:
    from ctl.converge.atomic import write_atomic

    path.parent.mkdir(parents=True, exist_ok=True)
    # It may hold passwords: for its owner alone, as the Linux package's gitlab.rb.
    write_atomic(path, text.encode(), mode=0o600)
