"""A new key pair where GitLab and the registry are on two nodes: the one accepts both before the other changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ctl.cli.framework import Context
from ctl.errors import EXIT_FAILED, EXIT_OK, UsageFault

if TYPE_CHECKING:
    from ctl.settings.attributes import Attributes
    from ctl.settings.load import Loaded

GRACE = 7 * 86_400.0
"""Seconds: people carry a key from one node to another."""
NEXT = ("next_internal_key", "next_internal_certificate")
"""Where the secrets file has the pair that the registry's node does not know yet."""
KEY, CERTIFICATE = "registry.internal_key", "registry.internal_certificate"
TO_GITLAB = """\
GitLab is on another node, and signs with the former key until it has the new one:
  here:                ctl secrets export --for gitlab -o FILE
  on GitLab's node:    ctl secrets import --replace FILE && ctl reconfigure
  then, here:          ctl secrets rotate --finish"""
TO_REGISTRY = """\
The registry is on another node, which must accept the new certificate first:
  here:                      ctl secrets export --for registry -o FILE
  on the registry's node:    ctl secrets import --replace FILE && ctl reconfigure
  then, here:                ctl secrets rotate"""
FINISHED = "next, on the registry's node, or it ends by itself: ctl secrets rotate --finish"


def rotate_for_registry(ctx: Context, *, as_json: bool) -> int:
    """The rotation on GitLab's node: make a pair, and sign with it once the registry accepts that.

    Returns:
        The exit code.

    Raises:
        UsageFault: the key is another node's.
    """
    from ctl.cli.loading import changing, machine
    from ctl.commands.reconfigure import run
    from ctl.registry.acceptance import refusal, token_of
    from ctl.settings.load import load
    from ctl.settings.secrets.token_pair import make_pair

    with changing(ctx, machine(ctx)):
        loaded = load(ctx.settings_file, ctx.layout)
        if not _is_pending(loaded.attributes):
            key, certificate = (loaded.secrets.stored(name) for name in NEXT)
            if not key or not certificate:
                pair = make_pair()
                _write(ctx, loaded, dict(zip(NEXT, (pair.key, pair.certificate), strict=True)))
                ctx.console.say(f"a new pair is made.\n{TO_REGISTRY}")
                return EXIT_OK
            problem = refusal(loaded.attributes, token_of(loaded.attributes, key))
            if problem:
                ctx.console.error(f"a token of the new key is of no use yet: {problem}\n{TO_REGISTRY}")
                return EXIT_FAILED
            _write(ctx, loaded, {KEY: key, CERTIFICATE: certificate, **dict.fromkeys(NEXT)})
    code = run(ctx, dry_run=False, diff=False, as_json=as_json)
    if code == EXIT_OK:
        ctx.console.note(FINISHED)
    return code


def refuse_others_key(loaded: Loaded) -> None:
    """A node whose key was imported cannot make another.

    Raises:
        UsageFault: it has not both halves.
    """
    halves = [name for name in ("internal_key", "internal_certificate") if loaded.secrets.stored(name)]
    if len(halves) == 1:
        what = {"internal_key": "key", "internal_certificate": "certificate"}[halves[0]]
        raise UsageFault(
            f"this node has only the {what} of the pair, which another node has made",
            hint="Run the command there: `ctl secrets rotate` says what to do next.",
        )


def _write(ctx: Context, loaded: Loaded, changes: dict[str, str | None]) -> None:
    from ctl.converge.atomic import write_atomic

    write_atomic(ctx.layout.secrets_file, loaded.secrets.with_registry(changes), mode=0o600)


def _is_pending(attributes: Attributes) -> bool:
    """Whether a run that was cut off has left GitLab with a former key."""
    from ctl.node.overlap import text_of
    from ctl.settings.rules.token_issuer import signers

    deployed = [text_of(Path(one.key)) for one in signers(attributes)]
    return any(key and key != attributes.registry.internal_key for key in deployed)
