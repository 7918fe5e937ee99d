"""Misbehaviour by name: it begins, ends, and leaves the unit whole."""

from types import SimpleNamespace
from typing import cast

import pytest

from field.virtual.answers import Answers
from field.virtual.checker import check
from field.virtual.machine import FlashStatus
from field.virtual.misbehave import LASTS_S, MISBEHAVIOURS, BadAnswers, Misbehaviour, Peer
from field.virtual.objects import Objects
from field.virtual.wire import Wire
from signals.errors import ConfigError
from tests.field.virtual.built import crossroads, run, unit


def peer() -> Peer:
    line = SimpleNamespace(silent=False, deaf=False, delay_s=0.0, twice=False, most_varbinds=0)
    machine = unit()
    return Peer(machine, BadAnswers(Answers(Objects(machine))), cast(Wire, line))


def test_all_of_it_at_once_breaks_no_rule_and_passes():
    there = peer()
    spoilt = Misbehaviour(list(MISBEHAVIOURS), there, seed=1, every_s=20.0)
    events, said = run(there.machine, 1), []
    for second in range(2, 500):
        said += spoilt.tick(second)
        events += run(there.machine, second)
    for name in MISBEHAVIOURS:
        assert f"{name} begins" in said
        assert f"{name} ends" in said
        spoilt.act(name, False)
    assert check(crossroads(), events) == []
    run(there.machine, there.machine.time_s + 60)
    assert there.machine.flash == FlashStatus.NOT_FLASH
    assert not there.machine.stopped
    assert LASTS_S > 0


def test_an_unknown_name_is_refused():
    with pytest.raises(ConfigError, match="misbehave = sing, must be one of silent, "):
        Misbehaviour(["sing"], peer(), seed=0)
