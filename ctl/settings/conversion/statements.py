"""Ruby's statements as Python writes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ctl.settings.conversion import literals
from ctl.settings.conversion.expressions import State, Translator
from ctl.settings.conversion.terms import ANY, LIST, NIL, TEXT, WORD, Term, union
from ctl.settings.language.faults import Fault
from ctl.settings.language.scope import did_you_mean
from ctl.settings.nearest import nearest
from ctl.settings.ruby import advice
from ctl.settings.ruby.calls import INCLUDE
from ctl.settings.ruby.grammar import Span, named
from ctl.settings.ruby.methods import CHANGING
from ctl.settings.ruby.targets import changed, is_append, path_of, sides, walk

if TYPE_CHECKING:
    from tree_sitter import Node

_MODIFIERS: Final = ("if_modifier", "unless_modifier")
_CHOICES: Final = ("if", "unless", *_MODIFIERS)
_INDENT: Final = "    "


class Statements:
    """Writes statements in Python.

    Args:
        state: what is known of the file.
        others: whether a key of one of our sections is another component's.

    Attributes:
        remarks: what a person should know of the result.
    """

    def __init__(self, state: State, others: Callable[[str, str], bool]) -> None:
        self._state = state
        self._others = others
        self._translator = Translator(state)
        self._text = state.reader.text
        self.remarks: list[str] = []
        self._handlers: dict[str, Callable[[Node], str]] = {
            "assignment": self._assignment,
            "operator_assignment": self._operator_assignment,
            "if_modifier": self._modifier,
            "unless_modifier": self._modifier,
            "call": self._call,
            "binary": self._append,
        }

    def write(self, node: Node) -> str:
        """A statement in Python; the lines after the first are those of the source. Raises Fault."""
        handler = self._handlers.get(node.type)
        if handler is None:
            if node.type == "identifier" and self._state.names.foreign(self._text(node)):
                raise Fault("this line has no effect", Span(node))
            self._translator.term(node)
            raise Fault("this line has no effect", Span(node))
        return handler(node)

    @property
    def _pad(self) -> str:
        """What a line that is not of the source begins with: as much as the statement is indented there."""
        return " " * self._state.shift

    def condition(self, node: Node, *, negate: bool) -> str:
        """A condition as Python's `if` takes it, on one line or in parentheses. Raises Fault."""
        test = self._translator.condition(node)
        text = (test.negated() if negate else test).text
        return f"({text})" if "\n" in text else text

    def before(self, node: Node) -> list[str]:
        """Variables that only some branches give a value: Ruby knows them in the others too, with nil."""
        if node.type not in _CHOICES or self._state.conditional:
            return []
        found: dict[str, None] = {}
        for one in walk(node):
            left = one.child_by_field_name("left") if one.type == "assignment" else None
            if left is not None and left.type in ("identifier", "constant"):
                found[self._text(left)] = None
        new = [
            name for name in found if name not in self._state.kinds and not self._in_every_branch(node, name)
        ]
        new = [name for name in new if not self._is_setting(name)]
        self._state.kinds.update(dict.fromkeys(new, NIL))
        return [f"{literals.name(name)} = None" for name in new]

    def foreign(self, node: Node) -> bool:
        """Whether a statement is about another component's setting."""
        while node.type in _MODIFIERS and (body := node.child_by_field_name("body")):
            node = body
        target = changed(node, self._text)
        if target is None and node.type == "call":
            target = node.child_by_field_name("receiver")
        if target is None and node.type == "identifier":
            target = node
        root, keys = path_of(target, self._text) if target is not None else ("", [])
        if not root or root in self._state.kinds:
            return False
        return self._state.names.foreign(root) or bool(keys and self._others(root, keys[0]))

    def _in_every_branch(self, node: Node, name: str) -> bool:
        while True:
            branch, other = node.child_by_field_name("consequence"), node.child_by_field_name("alternative")
            if branch is None or other is None or not self._gives(branch, name):
                return False
            if other.type != "elsif":
                return self._gives(other, name)
            node = other

    def _gives(self, branch: Node, name: str) -> bool:
        lefts = (one.child_by_field_name("left") for one in named(branch) if one.type == "assignment")
        return any(left is not None and self._text(left) == name for left in lefts)

    def _assignment(self, node: Node) -> str:
        left, right = sides(node)
        gap = self._state.reader.data[left.end_byte : right.start_byte].decode()
        sign = gap.rstrip()[:-1] + "= " if gap.strip() == "=" and "\n" not in gap else " = "
        if right.type == "assignment":
            value: Term | None = None
            text = self._assignment(right)
        else:
            value = self._translator.term(right)
            text = value.text
        target = self._target(left)
        self._note(left, value.kind if value else ANY)
        return f"{target}{sign}{text}"

    def _target(self, left: Node) -> str:
        if left.type in ("identifier", "constant"):
            self._check_name(left)
        elif left.type == "element_reference":
            self._check_section(left)
        elif left.type == "call":
            raise Fault("settings are written with square brackets", Span(left))
        else:
            raise self._state.reader.refusal(left)
        return self._translator.target(left)

    def _check_name(self, node: Node) -> None:
        name, names = self._text(node), self._state.names
        if name in names.settings:
            message = f"`{name} = …` makes a local variable in Ruby, and does not set {name}"
            raise Fault(message, Span(node), f"Write {name} 'value', without the sign.")
        if name in names.sections:
            raise Fault(f"{name} is a section", Span(node), f"Write {name}['key'] = value.")

    def _check_section(self, node: Node) -> None:
        root, _ = path_of(node, self._text)
        names = self._state.names
        if root and root not in self._state.kinds and not self._is_setting(root):
            known = sorted(names.sections | names.settings)
            raise Fault(f"unknown section {root}", Span(node), did_you_mean(nearest(root, known)))

    def _is_setting(self, name: str) -> bool:
        names = self._state.names
        return name in names.sections or name in names.settings or names.foreign(name)

    def _note(self, left: Node, kind: str) -> None:
        """Keeps the kind of what was given a value, to know what can be done with it."""
        state = self._state
        if left.type == "element_reference":
            root, keys = path_of(left, self._text)
            state.mentioned.add((root, *keys))
            before = state.paths.get((root, *keys), kind)
            state.paths[(root, *keys)] = union(before, kind) if state.conditional else kind
            if not state.conditional:
                state.given.add((root, *keys))
            return
        name = self._text(left)
        before = state.kinds.get(name, kind)
        state.kinds[name] = union(before, kind) if state.conditional else kind

    def _operator_assignment(self, node: Node) -> str:
        left, right = sides(node)
        sign = node.child_by_field_name("operator")
        operator = (sign.type if sign is not None else "").removesuffix("=")
        target = self._target(left)
        if operator == "<<":
            return self._appended(left, right)
        if operator in ("||", "&&"):
            return self._default(left, right, target, operator)
        if operator not in ("+", "-", "*"):
            raise Fault(f"{operator}= cannot be converted", Span(node), "Write it out: name = name …")
        return f"{target} {operator}= {self._translator.term(right).text}"

    def _default(self, left: Node, right: Node, target: str, operator: str) -> str:
        value = self._translator.term(right)
        new = self._is_new(left)
        if new and operator == "||":
            self._note(left, value.kind)
            return f"{target} = {value.text}"
        current = self._translator.condition(left)
        test = current if operator == "&&" else current.negated()
        self._note_default(left, value.kind, operator)
        return f"if {test.text}:\n{self._pad}{_INDENT}{target} = {value.text}"

    def _note_default(self, left: Node, kind: str, operator: str) -> None:
        """After `||=` the old value holds if that is true, else the new one; after `&&=` the other way round."""
        if left.type == "element_reference":
            root, keys = path_of(left, self._text)
            self._state.mentioned.add((root, *keys))
            self._state.paths[(root, *keys)] = ANY
            return
        name = self._text(left)
        before = Term("", 0, self._state.kinds.get(name, ANY))
        kept = before.when_true if operator == "||" else before.when_false
        # In a branch that may not be taken, the name can also keep what it had.
        untouched = before.kind if self._state.conditional else None
        self._state.kinds[name] = union(untouched, kept, kind)

    def _is_new(self, left: Node) -> bool:
        """Whether nothing above gives it a value."""
        if left.type != "element_reference":
            return self._text(left) not in self._state.kinds
        root, keys = path_of(left, self._text)
        given = self._state.mentioned
        if self._state.included or root in self._state.kinds:
            return False
        return not any((root, *keys[:length]) in given for length in range(len(keys) + 1))

    def _modifier(self, node: Node) -> str:
        body, test = node.child_by_field_name("body"), node.child_by_field_name("condition")
        if body is None or test is None:
            raise Fault("a part of this is missing", Span(node))
        condition = self.condition(test, negate=node.type == "unless_modifier")
        outer, self._state.conditional = self._state.conditional, True
        self._state.block += 1
        try:
            inner = self.write(body)
        finally:
            self._state.conditional = outer
            self._state.block -= 1
        first, *others = inner.split("\n")
        return "\n".join(
            [f"if {condition}:", f"{self._pad}{_INDENT}{first}", *(_INDENT + line for line in others)]
        )

    def _call(self, node: Node) -> str:
        receiver, method = node.child_by_field_name("receiver"), node.child_by_field_name("method")
        if method is None:
            raise Fault("a call without a name is not read in a gitlab.rb", Span(node))
        name, names = self._text(method), self._state.names
        if receiver is not None:
            term = self._translator.term(node)
            if name not in CHANGING:
                raise Fault("this line has no effect", Span(node))
            return term.text
        if name == INCLUDE:
            return self._from_file(node)
        if node.child_by_field_name("block") is None and (name in names.settings or names.foreign(name)):
            given = self._translator.arguments(node)
            return f"{name}({', '.join(one.text for one in given)})"
        hint = advice.of_call(name) or did_you_mean(nearest(name, sorted(names.sections | names.settings)))
        known = bool(advice.of_call(name))
        message = f"`{name}` is not read in a gitlab.rb" if known else f"unknown function or setting {name}"
        raise Fault(message, Span(method), hint)

    def _from_file(self, node: Node) -> str:
        given = self._translator.arguments(node)
        if len(given) != 1:
            raise Fault("from_file takes one path", Span(node), "Write from_file '/path.rb'.")
        self._state.included = True
        path = given[0].text
        if path.endswith('.rb"'):
            self.remarks.append(f'from_file({path[:-4]}.py"): convert {path[:-1]}" too.')
            path = path[:-4] + '.py"'
        return f"from_file({path})"

    def _append(self, node: Node) -> str:
        sign = node.child_by_field_name("operator")
        if sign is None or sign.type != "<<":
            self._translator.term(node)
            hint = (
                "To give a setting its value, write =, not ==."
                if sign is not None and sign.type == "=="
                else ""
            )
            raise Fault("this line has no effect", Span(node), hint)
        left, right = sides(node)
        return self._appended(left, right)

    def _appended(self, left: Node, right: Node) -> str:
        added = [right]
        while is_append(left):
            left, right = sides(left)
            added.append(right)
        return f"\n{self._pad}".join(self._appended_one(left, one) for one in reversed(added))

    def _appended_one(self, left: Node, right: Node) -> str:
        if left.type not in ("identifier", "constant", "element_reference"):
            raise Fault("<< adds to an array or a string that has a name", Span(left))
        target, value = self._translator.target(left), self._translator.term(right)
        root, keys = path_of(left, self._text)
        kind = self._state.kinds.get(root, ANY) if not keys else self._state.paths.get((root, *keys), ANY)
        if kind in (WORD, TEXT):
            return f"{target} += {value.text}"
        if kind not in (LIST, ANY):
            raise Fault("<< adds to an array or a string", Span(left))
        return f"{target}.append({value.text})"
