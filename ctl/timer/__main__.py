"""`python -m ctl.timer ROOT`: the timer, as its run script starts it."""

from __future__ import annotations

import sys
from pathlib import Path

from ctl.errors import EXIT_FAILED, CtlError, os_error
from ctl.paths import Layout
from ctl.timer.service import Timer


def main(root: str) -> int:
    """Run until TERM. Returns the exit code."""
    try:
        return Timer(Layout(Path(root))).run()
    except CtlError as error:
        print(f"error: {error.message}", file=sys.stderr)
    except OSError as error:
        print(f"error: {os_error(error)}", file=sys.stderr)
    return EXIT_FAILED


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
