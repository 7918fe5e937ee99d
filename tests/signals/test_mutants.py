"""Breaks the interlock in every small way, and demands that a test of it notices."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, ModuleType

import pytest

import signals
from tests.mutation import Mutant, mutants
from tests.signals import test_safety, test_safety_reading, test_safety_trips, test_safety_waits

MODULES = ("signals.limits", "signals.watch", "signals.safety")
"""What is broken, in the order of their imports."""
PARTS = 8
SOURCE = {module: Path(signals.__path__[0], f"{module.split('.')[1]}.py").read_text() for module in MODULES}
CODE = {module: compile(source, module, "exec") for module, source in SOURCE.items()}
EQUIVALENT: dict[str, str] = {
    "signals.limits: @lru_cache(maxsize=4096): 4096 -> 4097": "how much is remembered is a matter of speed",
    "signals.limits: @lru_cache(maxsize=4096): 4096 -> 4095": "how much is remembered is a matter of speed",
    "signals.watch: self.least_ms = self.most_ms = self.most_before_ms = 0: 0 -> 1": "only differences are used",
    "signals.watch: self.least_ms = self.most_ms = self.most_before_ms = 0: 0 -> -1": "only differences are used",
    "signals.watch: self._awaited = 0: 0 -> 1": "whoever is awaited although no head is red begins no wait",
    "signals.watch: self._awaited = 0: 0 -> -1": "whoever is awaited although no head is red begins no wait",
    "signals.watch: self._awaited ^= arrived: left out": "whoever came and is awaited still begins no second wait",
    "signals.watch: self._awaited ^= arrived: self._awaited ^= arrived -> self._awaited |= arrived": (
        "whoever came and is awaited still begins no second wait"
    ),
    "signals.watch: self._first_due_ms = min(self._due_ms.values(), default=inf): left out": (
        "to look at waits of which none is over is a matter of speed"
    ),
    "signals.safety: self._settled[k] = wish if answers[k].stands else None: left out": (
        "what was granted and is asked again would be granted again: a matter of speed"
    ),
    "signals.safety: return [*zip(decision.mode.tolist(), decision.stage.tolist(), strict=True)]: True -> False": (
        "both have one a junction"
    ),
}
"""Mutants that do just what the source does, and why."""


def promises() -> Iterator[Callable[[ModuleType], None]]:
    """The tests that take the interlock to be tested."""
    for tests in (test_safety, test_safety_reading, test_safety_trips, test_safety_waits):
        for name, test in inspect.getmembers(tests, inspect.isfunction):
            if name.startswith("test_"):
                assert list(inspect.signature(test).parameters) == ["safety"]
                yield test


def load(broken: str | None = None, code: CodeType | None = None) -> ModuleType:
    """The interlock with one of its modules broken, beside the true one."""
    true = {module: sys.modules[module] for module in MODULES}
    try:
        for module in MODULES:
            sys.modules[module] = made = ModuleType(module)
            exec(code if code and module == broken else CODE[module], made.__dict__)
        return sys.modules["signals.safety"]
    finally:
        sys.modules.update(true)


def noticed(module: str, mutant: Mutant) -> bool:
    """Whether a test fails, or the broken source cannot even be loaded."""
    try:
        safety = load(module, mutant.code())
        for test in promises():
            test(safety)
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 - whatever goes wrong is noticed
        return True
    return False


def all_mutants() -> Iterator[tuple[str, Mutant]]:
    return ((module, mutant) for module in MODULES for mutant in mutants(SOURCE[module], module))


def test_the_tests_hold_for_the_interlock_as_it_is() -> None:
    """Loaded as the mutants are, it passes: a failure is a mutant's own."""
    tests, safety = list(promises()), load()
    assert len(tests) > 50
    for test in tests:
        test(safety)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_every_mutant_is_noticed(part: int) -> None:
    """A rule removed, a comparison flipped, a timer off by one: some promise is not kept."""
    mine = [pair for k, pair in enumerate(all_mutants()) if k % PARTS == part]
    survivors = {mutant.name for module, mutant in mine if not noticed(module, mutant)}
    print(
        f"\n{len(mine)} mutants, {len(mine) - len(survivors)} noticed, {len(survivors & EQUIVALENT.keys())} equivalent"
    )
    assert survivors - EQUIVALENT.keys() == set()


def test_equivalent_mutants_are_mutants() -> None:
    """The list keeps nothing that is no longer made."""
    assert EQUIVALENT.keys() <= {mutant.name for _, mutant in all_mutants()}
