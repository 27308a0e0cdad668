"""The settings language: a restricted Python that is parsed and walked, never run.

`read_settings` reads a file and what it includes; `Reading.values` holds what was given, and each dictionary
and list in it knows where that was. The modules, from the outside in:

- reading: files, includes, variables against mistyped settings; text_files: safe reading; parsing: syntax
  errors.
- statements, expressions, calls, comprehensions: one method for each kind of syntax node.
- targets, unpacking: giving settings and variables values; ownership: what settings keep is a copy.
- operators, methods, functions, formatting: what there is, each with the size of its result bounded first.
- limits: every bound, and why no input can hang or exhaust the machine.
- advice, refusals, ruby_hints: what to write instead of what there is not.
- scope: the state of a reading; tracked, places, subscripts: values and where they are; faults: why there is
  none.
"""

from __future__ import annotations

from ctl.settings.language.reading import Reading, ReadingError, read_settings
from ctl.settings.language.setting_names import Names
from ctl.settings.language.tracked import TrackedDict, TrackedList

__all__ = ["Names", "Reading", "ReadingError", "TrackedDict", "TrackedList", "read_settings"]
