"""What the tests of the control core share."""

from types import ModuleType

import pytest

import signals.safety


@pytest.fixture
def safety() -> ModuleType:
    """The interlock under test; `test_mutants.py` puts broken ones in its place."""
    return signals.safety
