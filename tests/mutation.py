"""Breaks Python source on purpose, one small way at a time.

A mutant is the source with one of these done: an item of a table in capitals left out, a comparison turned or shifted,
a number one more or one less, a condition or truth value negated, `and` for `or`, `&` for `|`, plus for minus, the
smaller for the larger, a statement left out. Annotations and docstrings are left alone.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType
from typing import NamedTuple, TypeVar

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
SWAPPED = {"min": "max", "max": "min", "any": "all", "all": "any"}
Node = TypeVar("Node", bound=ast.AST)
Change = Callable[[], ast.AST]


class Mutant(NamedTuple):
    """What was done, told with the line it was done to; `code` makes the broken program."""

    name: str
    code: Callable[[], CodeType]


class Site(NamedTuple):
    """A node, and where it hangs: a field of its parent, or a place in a list there."""

    node: ast.AST
    parent: ast.AST
    field: str
    place: int | None

    def put(self, node: ast.AST) -> None:
        """Hang another node there."""
        if self.place is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.place] = node


def mutants(source: str, module: str) -> Iterator[Mutant]:
    """All mutants of a source, in order."""
    tree, lines = ast.parse(source), source.splitlines()
    for site in _sites(tree):
        for said, change in _changes(site.node):
            line = lines[site.node.lineno - 1].strip()  # type: ignore[attr-defined]
            yield Mutant(f"{module}: {line}: {said}", partial(_broken, tree, site, change, module))


def _broken(tree: ast.Module, site: Site, change: Change, module: str) -> CodeType:
    site.put(change())
    try:
        return compile(ast.fix_missing_locations(tree), module, "exec")
    finally:
        site.put(site.node)


def _sites(parent: ast.AST) -> Iterator[Site]:
    for field, value in ast.iter_fields(parent):
        if field in ("annotation", "returns"):
            continue
        for place, node in enumerate(value) if isinstance(value, list) else ((None, value),):
            if isinstance(node, ast.AST):
                yield from _sites(node)
                yield Site(node, parent, field, place)


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    """What can be done to one node: words for it, and the node to put in its place."""
    if isinstance(node, ast.Compare):
        for k, operator in enumerate(node.ops):
            for other in COMPARISONS[type(operator)]:
                ops = [*node.ops[:k], other(), *node.ops[k + 1 :]]
                yield _instead(node, ast.Compare(node.left, ops, node.comparators))
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in OPERATORS:
        yield _instead(node, _with(node, op=OPERATORS[type(node.op)]()))
    elif isinstance(node, ast.BoolOp):
        yield _instead(node, _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And()))
    elif isinstance(node, ast.UnaryOp):
        yield _instead(node, node.operand)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield _instead(node, ast.Constant(not node.value))
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield _instead(node, ast.Constant(node.value + 1))
        yield _instead(node, ast.Constant(node.value - 1))
    elif isinstance(node, ast.Name) and node.id in SWAPPED:
        yield _instead(node, ast.Name(SWAPPED[node.id], node.ctx))
    elif isinstance(node, ast.If | ast.IfExp):
        yield f"not ({ast.unparse(node.test)})", lambda: _with(node, test=_negated(node.test))
    yield from _table_changes(node)
    yield from _statement_changes(node)


def _table_changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Tuple):
        return
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    if isinstance(target, ast.Name) and target.id.isupper():
        for k, item in enumerate(node.value.elts):
            fewer = ast.Tuple([*node.value.elts[:k], *node.value.elts[k + 1 :]], ast.Load())
            yield f"without {ast.unparse(item)}", partial(_with, node, value=fewer)


def _statement_changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    documents = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr | ast.Raise) and not documents:
        yield "left out", lambda: ast.copy_location(ast.Pass(), node)


def _instead(node: ast.AST, other: ast.AST) -> tuple[str, Change]:
    return f"{ast.unparse(node)} -> {ast.unparse(other)}", lambda: ast.copy_location(other, node)


def _with(node: Node, **changed: object) -> Node:
    twin = copy.copy(node)
    for name, value in changed.items():
        setattr(twin, name, value)
    return twin


def _negated(test: ast.expr) -> ast.expr:
    return ast.copy_location(ast.UnaryOp(ast.Not(), test), test)
