"""What a policy's manifest says of the rule that it was trained beside, and when that is a reason to warn."""

import ast
from pathlib import Path

import pytest

from experiments.grid import grid
from signals.controllers import doubts, rule
from signals.controllers.rule import MODULES, code_of, rule_digest
from tests.signals.states import write_policy

SOURCE = '''"""Says what."""
GREEN_S = 6.0  # why
"""Says what."""
class Settings(Frozen):
    """Says what."""
    passage_s: Annotated[float, Field(ge=1, description="Says what.")] = 3.0
'''


@pytest.mark.parametrize(
    "of, becomes", [("Says what.", "Says it better."), ("  # why", "  # because"), ("= 3", "=  3")]
)
def test_words_and_layout_are_not_the_rule(of: str, becomes: str):
    """Who rewrites a sentence need not train anew."""
    assert of in SOURCE
    assert code_of(SOURCE.replace(of, becomes)) == code_of(SOURCE)


@pytest.mark.parametrize("of, becomes", [("6.0", "7.0"), ("= 3.0", "= 3.5"), ("ge=1", "ge=2"), ("passage_s", "gap_s")])
def test_numbers_and_names_are(of: str, becomes: str):
    assert of in SOURCE
    assert code_of(SOURCE.replace(of, becomes)) != code_of(SOURCE)


def test_all_that_the_rule_is_made_of_is_in_the_digest():
    """A module of ours that `adaptive` comes to import from beside it would have to be named."""
    folder = Path(rule.__file__).parent
    imported = set(MODULES[:1])
    for name in MODULES:
        for node in ast.walk(ast.parse((folder / f"{name}.py").read_text())):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("signals.controllers."):
                imported.add(str(node.module).rsplit(".", 1)[1])
    assert imported == set(MODULES)


def test_a_policy_of_another_rule_is_warned_of(tmp_path: Path):
    """Before the first case, in one line; it is run all the same."""
    other = write_policy(tmp_path / "other", ("exists", "rule"), rule_sha256="0" * 64)
    silent = write_policy(tmp_path / "silent", ("exists", "rule"))
    assert doubts(f"learned:{other}") == [
        f"{other}: trained beside another adaptive (000000000000, now {rule_digest():.12}): what it is worth is unknown"
    ]
    assert "of which nothing is said" in doubts(f"learned:{silent}")[0]
    assert grid(["single"], [f"learned:{other}"], [1.0], 1).warnings() == doubts(f"learned:{other}")


def test_a_policy_that_does_not_see_the_rule_or_saw_this_one_is_not(tmp_path: Path):
    same = write_policy(tmp_path / "same", ("exists", "rule"), rule_sha256=rule_digest())
    blind = write_policy(tmp_path / "blind", ("exists", "queue"))
    assert [doubts(controller) for controller in (f"learned:{same}", f"learned:{blind}", "adaptive")] == [[], [], []]
