"""The settings language: a restricted Python that is parsed and walked, never run.

`read_settings` reads a file and what it includes; `Reading.values` holds what was given, and each dictionary
and list in it knows where that was. The modules, from the outside in:

- reading: files, includes, variables against mistyped settings; text_files: safe reading; parsing: syntax
  errors; survey: what is not in the language, before anything runs.
- statements, expressions: one method for each kind of syntax node; operators, methods, functions: what there is of
  Python's own.
- targets: giving settings and variables values; ownership: what settings hold is a copy.
- guard: the one way to Python's own operators, methods, functions; outside: environment, files, names of the
  machine; limits: every bound, and why no input can hang or exhaust the machine.
- failures: what is an error, and what a note, as only other components need it.
- advice, refusals, ruby_hints: what to write instead of what there is not.
- scope: the state of a reading; setting_names, tracked, places: names, values and where they are;
  faults: why there is no value.
"""

from __future__ import annotations

from ctl.language.reading import Reading, ReadingError, read_settings
from ctl.language.setting_names import Names
from ctl.language.tracked import TrackedDict, TrackedList

__all__ = ["Names", "Reading", "ReadingError", "TrackedDict", "TrackedList", "read_settings"]
