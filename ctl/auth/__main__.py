"""`python -P -m ctl.auth CONFIG`: the token issuer, as its supervisor runs it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ctl.errors import EXIT_FAILED, EXIT_USAGE, CtlError


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM. Returns the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -P -m ctl.auth CONFIG\n")
        return EXIT_USAGE
    os.umask(0o077)
    from ctl.auth.config import read_config
    from ctl.auth.server import serve

    try:
        return serve(read_config(Path(arguments[0])))
    except CtlError as error:
        sys.stderr.write(f"error: {error.message}\n")
        return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
