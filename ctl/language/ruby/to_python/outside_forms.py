"""What a gitlab.rb takes from outside, by constants: ENV, File, JSON, Dir."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ctl.language.faults import Fault
from ctl.language.ruby import ruby_advice
from ctl.language.ruby.grammar import Span, field, inside, parts
from ctl.language.ruby.to_python.state import Writer
from ctl.language.ruby.to_python.terms import ANY, ATOM, BOOL, NIL, TERNARY, TEXT, WORD, Term

if TYPE_CHECKING:
    from tree_sitter import Node

TRUE: Final = Term("True", ATOM, BOOL)
NEWLINE: Final = ' + "\\n"'
"""What is added to read_file() for File.read: the last newline."""

_ENVIRONMENT: Final = "Write ENV['NAME'] or ENV.fetch('NAME', 'default')."
_EXISTS: Final = ("exist?", "exists?", "file?", "readable?")
_HAS_KEY: Final = ("key?", "has_key?", "include?", "member?")


def call(writer: Writer, constant: str, name: str, node: Node) -> Term:
    """`ENV.fetch('A')`, `File.read('/x')` and the like. Raises Fault for what has no Python form."""
    if constant == "JSON" and name in ("parse", "load_file"):
        return _json(writer, name, node)
    given = [] if constant not in ("ENV", "File", "IO") else writer.arguments(node)
    if constant == "ENV":
        return _environment(writer, name, given, node)
    if constant in ("File", "IO") and name == "read" and len(given) == 1:
        # File.read keeps the last newline, read_file() drops it.
        return Term(f"read_file({given[0].text}){NEWLINE}", 8, WORD)
    if constant == "File" and name in _EXISTS and len(given) == 1:
        return Term(f"exists({given[0].text})", ATOM, BOOL)
    if constant == "File" and name == "join" and given:
        return _joined(given)
    hint = (
        "Write File.read('/path')." if constant in ("File", "IO") else ruby_advice.CONSTANTS.get(constant, "")
    )
    raise Fault(f"`{constant}.{name}` is not read in a gitlab.rb", Span(node), hint)


def _joined(given: list[Term]) -> Term:
    """File.join: one path of several parts."""
    if all(one.text[:1] == one.text[-1:] == '"' for one in given):
        return Term('"' + "/".join(one.text[1:-1] for one in given).replace("//", "/") + '"', ATOM, WORD)
    return Term('"/".join([' + ", ".join(one.text for one in given) + "])", ATOM, WORD)


def _json(writer: Writer, name: str, node: Node) -> Term:
    """JSON.parse(File.read(path)) with any options, and JSON.load_file(path)."""
    given = [one for one in inside(node, "arguments") if one.type != "pair"]
    if len(given) != 1:
        raise Fault(f"`JSON.{name}` takes one text", Span(node), "Write JSON.parse(File.read('/path.json')).")
    path = writer.term(given[0]).text
    if name == "parse":
        if not (path.startswith("read_file(") and path.endswith(f"){NEWLINE}")):
            hint = "Write the value itself, or JSON.parse(File.read('/path.json'))."
            raise Fault("`JSON.parse` reads files only in a gitlab.rb", Span(node), hint)
        path = path.removeprefix("read_file(").removesuffix(f"){NEWLINE}")
    return Term(f"read_json({path})", ATOM, ANY)


def _environment(writer: Writer, name: str, given: list[Term], node: Node) -> Term:
    method = node.child_by_field_name("method")
    if not given or len(given) > 2:
        raise Fault(f"`ENV.{name}` is called with the wrong arguments", Span(method or node), _ENVIRONMENT)
    variable, known = given[0].text, writer.state.environment.get(given[0].text.strip("'\""))
    if known is not None and name in (*_HAS_KEY, "fetch", "[]"):
        return TRUE if name in _HAS_KEY else Term(f"env({variable}, {known.text})", ATOM, WORD)
    if name in _HAS_KEY:
        return Term(f"env({variable}, None) is not None", 4, BOOL)
    if name not in ("fetch", "[]"):
        raise Fault(f"`ENV.{name}` is not read in a gitlab.rb", Span(method or node), _ENVIRONMENT)
    if len(given) == 2:
        kind = WORD if given[1].kind == WORD else TEXT if given[1].kind == NIL else ANY
        return Term(f"env({variable}, {given[1].text})", ATOM, kind)
    body = field(node, "block", "body")
    if body is not None:
        default = writer.term(parts(body, 1)[0])
        kind = WORD if default.kind == WORD else ANY
        if writer.is_safe(body):
            return Term(f"env({variable}, {default.text})", ATOM, kind)
        found = f"env({variable}, None)"
        return Term(f"{found} if {found} is not None else {default.at(TERNARY)}", TERNARY, kind)
    return Term(f"env({variable})", ATOM, WORD)
