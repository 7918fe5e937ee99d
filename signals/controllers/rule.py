"""Which `adaptive` it is: what a policy is worth was measured beside that rule alone, whose wish it sees."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

MODULES = ("adaptive", "worthiest", "common")
"""What `adaptive` decides by; its settings are the defaults that stand there."""
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


@cache
def rule_digest() -> str:
    """sha256 of the code and default settings of `adaptive`, read once a process."""
    sources = [(Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8") for name in MODULES]
    return hashlib.sha256("\0".join(map(code_of, sources)).encode()).hexdigest()


def code_of(source: str) -> str:
    """A module without what decides nothing: comments, layout, bare strings, and the descriptions of fields."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED):
            node.body = [each for each in node.body if not _is_text(each)] or [ast.Pass()]
        if isinstance(node, ast.Call):
            node.keywords = [each for each in node.keywords if each.arg != "description"]
    return ast.unparse(tree)


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
