"""`python -m ctl.graceful --folder DIR … -- ./serve`: the master, as a run script starts it."""

from __future__ import annotations

import argparse
import grp
from pathlib import Path

from ctl.graceful.master import Master, Options


def main() -> int:
    """Read the arguments and serve. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ctl.graceful", description=__doc__)
    parser.add_argument("command", type=Path, help="the script that becomes the program")
    parser.add_argument("--run", type=Path, default=Path("run"), help="the script that starts this master")
    parser.add_argument("--folder", type=Path, required=True, help="of the link and the sockets")
    parser.add_argument(
        "--directory", type=Path, default=Path(), help="in which the program binds its socket"
    )
    parser.add_argument("--group", help="the group that may connect")
    parser.add_argument(
        "--drain", type=float, required=True, help="seconds until a replaced process must end"
    )
    parser.add_argument("--wait", type=float, required=True, help="seconds from TERM to KILL")
    parser.add_argument("--debug", help="address of the debug server")
    parser.add_argument("--key", default="", help="of the requests that a process alone can answer")
    parser.add_argument("--keep", type=float, default=3600.0, help="seconds for which they are accepted")
    parser.add_argument(
        "--pause", type=float, default=0.0, help="seconds for which the next one waits for the last answers"
    )
    parser.add_argument("--deletions", type=Path, help="NGINX's log of them")
    parser.add_argument("--root", type=Path, default=Path("/"), help="of the installation")
    given = parser.parse_args()
    group = grp.getgrnam(given.group).gr_gid if given.group else None
    options = Options(
        command=given.command.absolute(),
        directory=given.directory.absolute(),
        folder=given.folder,
        group=group,
        drain=given.drain,
        wait=given.wait,
        debug=given.debug,
        key=given.key,
        keep=given.keep,
        pause=given.pause,
        deletions=given.deletions,
        root=given.root,
    )
    return Master(options, given.run.absolute()).run()


if __name__ == "__main__":
    raise SystemExit(main())
