"""docs/field-faults.md names a test for each fault, and each of them is there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    line for line in (ROOT / "docs/field-faults.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")
]
FAULTS = [row for row in ROWS if not row.startswith("| fault |")]


def names_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_fault_names_tests_that_exist():
    """Nobody can rename a test away from under its fault."""
    named = [(row, re.findall(r"`([\w/]+\.py)::(\w+)`", row)) for row in FAULTS]
    assert len(named) > 50
    assert [row for row, found in named if not found] == []
    assert [(file, name) for _, found in named for file, name in found if name not in names_in(file)] == []
