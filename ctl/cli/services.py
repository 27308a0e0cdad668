"""The argument that names services."""

from __future__ import annotations

import click

SERVICES = click.argument("services", nargs=-1, metavar="[SERVICE]...")
