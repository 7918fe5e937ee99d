"""A small network that several tests read traffic for."""

import pytest

from scenarios.catalogue import Scenario, find


@pytest.fixture(scope="session")
def single() -> Scenario:
    return find("single")
