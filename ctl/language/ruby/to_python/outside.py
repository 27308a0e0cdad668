"""What a gitlab.rb takes from outside, by constants: ENV, File, JSON."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Final

from tree_sitter import Node

from ctl.language.faults import Fault
from ctl.language.ruby import ruby_advice
from ctl.language.ruby.grammar import Span, field, inside, parts
from ctl.language.ruby.to_python.state import Writer
from ctl.language.ruby.to_python.terms import Term, at, union

_ENVIRONMENT: Final = "Write ENV['NAME'] or ENV.fetch('NAME', 'default')."
_EXISTS: Final = ("exist?", "exists?", "file?", "readable?")
_HAS_KEY: Final = ("key?", "has_key?", "include?", "member?")


def call(writer: Writer, constant: str, name: str, node: Node) -> Term:
    """`ENV.fetch('A')`, `File.read('/x')` and the like. Raises Fault for what has no Python form."""
    if constant == "JSON" and name in ("parse", "load_file"):
        return _json(writer, name, node)
    given = [] if constant not in ("ENV", "File", "IO") else writer.arguments(node)
    form, place = writer.state.form, Span(node)
    if constant == "ENV":
        return _environment(writer, name, given, node)
    if constant in ("File", "IO") and name == "read" and len(given) == 1:
        # File.read keeps the last newline, read_file() drops it.
        return replace(form(r'read_file(a) + "\n"', "text", place, given[0]), file=given[0].node)
    if constant == "File" and name in _EXISTS and len(given) == 1:
        return form("exists(a)", "bool", place, given[0])
    if constant == "File" and name == "join" and given:
        return _joined(writer, given, place)
    files = "Write File.read('/path')." if constant in ("File", "IO") else ""
    hint = files or ruby_advice.CONSTANTS.get(constant, "")
    raise Fault(f"`{constant}.{name}` is not read in a gitlab.rb", place, hint)


def _joined(writer: Writer, given: list[Term], place: Span) -> Term:
    texts = [one.literal for one in given]
    if all(isinstance(one, str) for one in texts):
        return writer.state.constant("/".join(map(str, texts)).replace("//", "/"), "text", place)
    each = at(ast.List([one.node for one in given]), place)
    return writer.state.form('"/".join(a)', "text", place, Term(each, "list"))


def _json(writer: Writer, name: str, node: Node) -> Term:
    """JSON.parse(File.read(path)) with any options, and JSON.load_file(path)."""
    given = [one for one in inside(node, "arguments") if one.type != "pair"]
    hint = "Write the value itself, or JSON.parse(File.read('/path.json'))."
    if len(given) != 1:
        raise Fault(f"`JSON.{name}` takes one text", Span(node), hint)
    read = writer.term(given[0])
    path = read.file if name == "parse" else read.node
    if path is None:
        raise Fault("`JSON.parse` reads files only in a gitlab.rb", Span(node), hint)
    return writer.state.form("read_json(a)", "any", Span(node), path)


def _environment(writer: Writer, name: str, given: list[Term], node: Node) -> Term:
    place, form, whole = Span(field(node, "method") or node), writer.state.form, Span(node)
    if not given or len(given) > 2:
        raise Fault(f"`ENV.{name}` is called with the wrong arguments", place, _ENVIRONMENT)
    if given[0].literal in writer.state.environment and name == "fetch":
        return variable(writer, given[0], node)
    if given[0].literal in writer.state.environment and name in _HAS_KEY:
        return writer.state.constant(True, "bool", place)
    if name in _HAS_KEY:
        return form("env(a, None) is not None", "bool", whole, given[0])
    if name != "fetch":
        raise Fault(f"`ENV.{name}` is not read in a gitlab.rb", place, _ENVIRONMENT)
    if len(given) == 2:
        return form("env(a, b)", union("text", given[1].kind), whole, *given)
    body = field(node, "block", "body")
    if body is None:
        return form("env(a)", "text", whole, given[0])
    default = writer.term(parts(body, 1)[0])
    lazy = "env(a, None) if env(a, None) is not None else b"
    pattern = "env(a, b)" if writer.is_safe(default) else lazy
    return form(pattern, "text" if default.kind == "text" else "any", whole, given[0], default)


def variable(writer: Writer, name: Term, node: Node) -> Term:
    """ENV['NAME']."""
    if default := writer.state.environment.get(name.literal):
        return writer.state.form("env(a, b)", "text", Span(node), name, writer.state.copy(default.node))
    return replace(writer.state.form("env(a, None)", "text or None", Span(node), name), env=name.node)
