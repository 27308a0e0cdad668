"""The entry point: runs the command line, turns errors into one clear message and an exit code."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

from ctl.cli.plain import plain_status
from ctl.errors import EXIT_FAILED, CtlError, Interrupted, of_system
from ctl.output import Console, Style, silence
from ctl.text.visible import visible


def main() -> None:
    """Run `ctl` with the process's arguments and exit with its code; no traceback reaches the user."""
    open_standard_streams()
    # What must be closed is made so: a caller's umask must neither open folders nor shut services' accounts out.
    os.umask(0o022)
    leave(run(sys.argv[1:]))


def open_standard_streams() -> None:
    """Give each standard stream that the caller closed (`>&-`) the null device.

    Left closed, its number would go to the next file opened, and messages of programs into that file.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, number)
            os.set_inheritable(number, True)
            if null != number:
                os.close(null)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def leave(code: int) -> NoReturn:
    """End the process with this exit code.

    A thread that still makes an RSA pair, which nobody needs any more, is in a library that cannot be stopped:
    an ordinary exit would wait for it or abort in it.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # the reader went away, or a disk is full; what could be reported has been reported
            silence(stream)
            code = code or EXIT_FAILED
    threading = sys.modules.get("threading")
    if threading is not None and threading.active_count() > 1:
        os._exit(code)
    gc.freeze()  # the interpreter would look for cycles in all objects first: 0.15 s after 100,000 tags
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command line.

    Returns:
        The exit code: 0 done, 1 failed, 2 usage or settings, 75 the lock is held, 130 interrupted.
    """
    console = Console()
    try:
        code = plain_status(arguments)
        return _parse_and_run(arguments) if code is None else code
    except (CtlError, Interrupted) as error:
        return _report(console, error)
    except KeyboardInterrupt:
        console.error("interrupted")
        return 130
    except BrokenPipeError:
        return EXIT_FAILED  # the reader went away (`ctl tail | head`): nobody reads it
    except OSError as error:
        return _report(console, of_system(error))
    except Exception as error:
        return _defect(console, error)


def _parse_and_run(arguments: list[str]) -> int:
    """Any command. The parser is imported here, since `ctl status` does without."""
    import click

    from ctl.cli.framework import cli

    try:
        result = cli.main(arguments, prog_name="ctl", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort as error:
        raise KeyboardInterrupt from error
    return result if isinstance(result, int) else 0


def _report(console: Console, error: CtlError | Interrupted) -> int:
    message = visible(error.message)
    console.error(message if hasattr(error, "diagnostics") else _label(console, "error") + message)
    if error.hint:
        console.error(f"    {visible(error.hint)}")
    return error.exit_code


def _defect(console: Console, error: Exception) -> int:
    """A mistake of this program, not of the user: one line, and where in the program it happened."""
    import traceback

    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{place.filename}:{place.lineno}"
    console.error(f"{_label(console, 'error')}{type(error).__name__} in ctl itself ({where})")
    console.error("    please report it with the command that you ran")
    return EXIT_FAILED


def _label(console: Console, word: str) -> str:
    return console.paint(f"{word}: ", Style.BAD, err=True)


if __name__ == "__main__":
    main()
