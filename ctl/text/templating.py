"""Templates: Jinja, with one rule: a value enters a file only through a filter that quotes it.

A bare `{{ value }}` is an error of the template, so that forgetting a filter cannot become an injection.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ctl.errors import CtlError
from ctl.text.content import content_folder
from ctl.text.quoting import FILTERS, Quoted

if TYPE_CHECKING:
    from jinja2 import BytecodeCache, Environment
    from jinja2.bccache import Bucket


def render(source: str, variables: Mapping[str, object]) -> str:
    """Fill in a template.

    Args:
        source: path below the shipped templates ("registry/config.yml.j2"), or an absolute one (a site's).
        variables: names that the template uses.

    Returns:
        The text of the file, ending in a newline.

    Raises:
        CtlError: the template is missing, refers to an unknown name, prints a value without a filter, or a
            value cannot be written in the file's language. Names the template and line.
    """
    import jinja2

    try:
        return _environment().get_template(source).render(variables)
    except jinja2.TemplateNotFound as error:
        raise CtlError(f"template {error.name} not found") from error
    except jinja2.TemplateSyntaxError as error:
        raise CtlError(f"template {error.name or source}:{error.lineno}: {error.message}") from error
    except (jinja2.UndefinedError, ValueError) as error:
        raise CtlError(f"template {source}:{_line(error, source)}: {error}") from error


@functools.cache
def _environment() -> Environment:
    import jinja2

    environment = jinja2.Environment(  # noqa: S701 - not HTML: `_require_quoted` refuses unquoted values
        loader=jinja2.FunctionLoader(_load),
        undefined=jinja2.StrictUndefined,
        finalize=_require_quoted,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=_cache(),
    )
    environment.filters.update(FILTERS)
    return environment


def _cache() -> BytecodeCache:
    """Keeps compiled templates beside the shipped ones, as Python keeps its own; a changed text is compiled anew."""
    import jinja2

    class Cache(jinja2.BytecodeCache):
        folder = content_folder("templates") / "__pycache__"

        def load_bytecode(self, bucket: Bucket) -> None:
            with suppress(OSError), (self.folder / bucket.key).open("rb") as file:
                bucket.load_bytecode(file)

        def dump_bytecode(self, bucket: Bucket) -> None:
            if sys.dont_write_bytecode:
                return
            with suppress(OSError):  # who may not write there does without, as for Python's own
                self.folder.mkdir(exist_ok=True)
                temporary = self.folder / f"{bucket.key}.{os.getpid()}"
                temporary.write_bytes(bucket.bytecode_to_string())
                temporary.replace(self.folder / bucket.key)

    return Cache()


def _load(source: str) -> tuple[str, str, None] | None:
    path = Path(source) if Path(source).is_absolute() else content_folder("templates") / source
    try:
        return path.read_text(encoding="utf-8"), str(path), None
    except FileNotFoundError:
        return None


def _require_quoted(value: object) -> object:
    from jinja2 import Undefined

    if isinstance(value, Quoted | Undefined):
        return value
    raise ValueError(f"a value is printed without a quoting filter ({', '.join(FILTERS)})")


def _line(error: BaseException, source: str) -> int:
    """The template's line at which an exception passed: Jinja puts it into the traceback."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.endswith(source):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
