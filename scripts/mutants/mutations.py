"""Makes the mutants of a file: mutmut's operators, and three that it lacks.

Mutmut's own runner leaves out whatever has a decorator, here nearly all of the mailbox; and it has no operator that
takes a statement away, which is what the tests of an actor runtime must notice above all.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import libcst as cst
import libcst.matchers as m
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators, operator_assignment, operator_string

Operator = Callable[[Any], Iterable[cst.CSTNode]]

UNTOUCHED = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom, cst.Assert)
"""Types say nothing at run time; an assert states what the lines around it make true."""

FALSE = m.Name("False")
FALSY = m.Name("None") | FALSE

NAMES_UNTOUCHED = {"__slots__", "__all__"}
CALLS_UNTOUCHED = {"TypeVar", "cast", "super", "isinstance", "len", "hasattr", "getattr"}


@attrs.frozen(eq=False)
class Mutant:
    """One defect. name: the place and the change, stable as long as that line stays as it is; lines: first and last"""

    name: str
    path: Path
    module: str
    lines: tuple[int, int]
    tree: cst.Module
    original: cst.CSTNode
    replacement: cst.CSTNode

    def source(self) -> str:
        return replaced(self.tree, self.original, self.replacement)


def replaced(tree: cst.Module, original: cst.CSTNode, replacement: cst.CSTNode) -> str:
    changed = tree.deep_replace(original, replacement)
    assert isinstance(changed, cst.Module)
    return changed.code


def first_string_mutation(node: cst.BaseString) -> Iterable[cst.CSTNode]:
    """One is enough: what notices that a text has changed notices its case, too."""
    return list(operator_string(node))[:1]


def without_statement(node: cst.SimpleStatementLine) -> Iterable[cst.CSTNode]:
    """A call whose value nobody takes, a raise, a del: gone."""
    taken = m.Expr(value=m.Call() | m.Await() | m.Yield()) | m.Raise() | m.Del()
    if len(node.body) == 1 and m.matches(node.body[0], taken):
        yield node.with_changes(body=[cst.Pass()])


def negated(node: cst.If | cst.While) -> Iterable[cst.CSTNode]:
    """The other branch."""
    if not m.matches(node.test, m.UnaryOperation(operator=m.Not())):  # mutmut takes the not away
        test = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        yield node.with_changes(test=cst.UnaryOperation(cst.Not(), test))


def without_value(node: cst.Return) -> Iterable[cst.CSTNode]:
    if node.value is not None and not m.matches(node.value, FALSY):
        yield node.with_changes(value=cst.Name("None"))


def other_value(node: cst.Assign | cst.AnnAssign) -> Iterable[cst.CSTNode]:
    """None in its place, but for False, which None would only imitate."""
    return [] if node.value is not None and m.matches(node.value, FALSE) else operator_assignment(node)


REPLACED: dict[Operator, Operator] = {operator_string: first_string_mutation, operator_assignment: other_value}
OPERATORS: Sequence[tuple[type, Operator]] = [
    *((kind, REPLACED.get(operator, operator)) for kind, operator in mutation_operators),
    (cst.SimpleStatementLine, without_statement),
    (cst.If, negated),
    (cst.While, negated),
    (cst.Return, without_value),
]


class _Collector(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        self.found: list[tuple[str, cst.CSTNode, cst.CSTNode, cst.CSTNode, tuple[int, int]]] = []
        self._scope: list[str] = []
        self._statements: list[cst.CSTNode] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if self._is_untouched(node):
            return False
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._scope.append(node.name.value)
        if isinstance(node, cst.BaseStatement | cst.SimpleStatementLine):
            self._statements.append(node)
        for kind, operator in OPERATORS:
            if isinstance(node, kind):
                for replacement in operator(node):
                    self._add(node, replacement)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if self._statements and self._statements[-1] is original_node:
            self._statements.pop()
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef) and not self._is_untouched(original_node):
            self._scope.pop()

    def _add(self, node: cst.CSTNode, replacement: cst.CSTNode) -> None:
        statement = self._statements[-1]
        first, last = self._span(node)
        if isinstance(statement, cst.SimpleStatementLine):
            first, last = self._span(statement)
        elif isinstance(node, cst.BaseCompoundStatement):
            last = first
        scope = ".".join(self._scope) or "module"
        self.found.append((scope, statement, node, replacement, (first, last)))

    def _span(self, node: cst.CSTNode) -> tuple[int, int]:
        span = self.get_metadata(PositionProvider, node)
        assert isinstance(span, CodeRange)
        return span.start.line, span.end.line

    @staticmethod
    def _is_untouched(node: cst.CSTNode) -> bool:
        match node:
            case cst.Expr(value=cst.SimpleString() | cst.ConcatenatedString()):
                return True  # a docstring
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(name))]):
                return name in NAMES_UNTOUCHED or m.matches(node.value, m.Call(func=m.Name("TypeVar")))
            case cst.Call(func=cst.Name(name)):
                return name in CALLS_UNTOUCHED
            case cst.If(test=cst.Name("TYPE_CHECKING")):
                return True
        return isinstance(node, UNTOUCHED)


def mutants_of(path: Path, module: str, label: str) -> Iterator[Mutant]:
    """All mutants of one file that can be compiled and that change anything."""
    wrapper = MetadataWrapper(cst.parse_module(path.read_text()), unsafe_skip_copy=True)
    collector = _Collector()
    wrapper.visit(collector)
    tree = wrapper.module
    seen: dict[str, int] = {}
    for scope, statement, node, replacement, lines in collector.found:
        before = headline(tree, statement)
        changed = statement.deep_replace(node, replacement) if statement is not node else replacement
        after = headline(tree, changed)
        if before == after:
            continue
        name = f"{label} {scope}: {before} → {after}"
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            name += f" ({seen[name]})"
        yield Mutant(name, path, module, lines, tree, node, replacement)


def headline(tree: cst.Module, statement: object) -> str:
    """A statement on one line, without what is inside it."""
    assert isinstance(statement, cst.CSTNode)
    if isinstance(statement, cst.BaseCompoundStatement) and not isinstance(statement, cst.Match):
        statement = statement.with_changes(body=cst.SimpleStatementSuite([cst.Pass()]))
        if isinstance(statement, cst.If | cst.For | cst.While):
            statement = statement.with_changes(orelse=None)
    text = tree.code_for_node(statement) if not isinstance(statement, cst.Module) else statement.code
    lines = (line.split("  # ")[0].strip() for line in text.splitlines())
    return " ".join(line for line in lines if line and not line.startswith("#")).removesuffix(": pass")
