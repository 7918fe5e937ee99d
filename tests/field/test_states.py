"""The state machine's promises, whatever it is shown."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from field.cabinet import CabinetStatus, Commander, Level
from field.causes import Limits, Seen
from field.states import ENGAGED, TABLE, Event, Machine, State, Transition, heartbeat_s

GOOD = CabinetStatus(0.0, Commander.OURS, "", "", False, 15.0, "", None)
STATUS_FAULTS = {
    "command": (Commander.BACKUP, Commander.OTHER, Commander.LOCAL),
    "hands_off": ("preempt 1",),
    "lockout": ("MMU flash",),
    "rebooted": (True,),
}
FAULTS = {
    "status": (None,),
    "silent_s": (3.0, 70.0),
    "away_s": (30.0,),
    "unrenewed_s": (30.0,),
    "open": (False,),
    "blind": (0.6,),
    "fault": ("broken",),
    "trip": ("tripped",),
    "asked": ("Ines",),
}


def moments(chance: random.Random, count: int, fault: float) -> Iterator[Seen]:
    """Mostly a quiet street; each thing that can go wrong does so by its own chance."""
    now_s = 0.0
    for _ in range(count):
        now_s += chance.choice([1.0, 1.0, 1.0, 1.0, 40.0, 1000.0])
        wrong = {name: chance.choice(values) for name, values in STATUS_FAULTS.items() if chance.random() < fault}
        seen = Seen(
            now_s,
            replace(GOOD, **wrong),  # type: ignore[arg-type]
            looked_over=chance.choice([None, "", "", "", "refuses"]),
            doubted=chance.random() < 0.3,
            acknowledged=chance.choice(["", "", "", "Ines"]),
            released=chance.random() < 0.7,
        )
        faults = {name: chance.choice(values) for name, values in FAULTS.items() if chance.random() < fault}
        yield replace(seen, **faults)  # type: ignore[arg-type]


LONGEST_SILENCE_S = {Level.SHADOW: 60.0, Level.PATTERN: 60.0, Level.CALLS: 5.0, Level.HOLD: 2.0}


def wrong(seen: Seen, level: Level) -> bool:
    """Whether a cabinet that we have must be let go, said a second time and in other words."""
    status = seen.status
    if (
        seen.trip
        or seen.asked
        or seen.fault
        or seen.blind > 0.5
        or not seen.open
        or seen.silent_s > LONGEST_SILENCE_S[level]
    ):
        return True
    if status is None:
        return False
    if status.lockout or status.hands_off or status.rebooted or status.command != Commander.OURS:
        return True
    return max(seen.away_s, seen.unrenewed_s) > status.backup_time_s


def check(seen: Seen, level: Level, before: State, step: Transition | None) -> None:
    if before in (State.ACTIVE, State.DEGRADED):
        assert wrong(seen, level) == (step is not None and step.event == Event.LET_GO)
    if step is None:
        return
    assert step.before == before and TABLE[before, step.event] == step.after and step.reason
    assert level != Level.SHADOW or step.after not in ENGAGED
    assert before not in ENGAGED or step.after in ENGAGED or step.after == State.RELEASING
    assert before != State.LOCKOUT or seen.acknowledged
    if step.after == State.ENGAGING:
        assert seen.status is not None and not wrong(replace(seen, status=GOOD, unrenewed_s=0.0), level)
        assert not (seen.status.hands_off or seen.status.lockout or seen.status.rebooted)
        assert seen.status.command != Commander.OTHER


@pytest.mark.parametrize("level", Level)
def test_only_the_tables_steps_are_taken(level: Level):
    """Shadow stays shadow; a cabinet is left at once, and by its release alone; a lockout by an operator alone."""
    reached: Counter[State] = Counter()
    for seed in range(150):
        chance = random.Random(seed)
        machine = Machine(level, Limits(cycle_s=60.0), locked=chance.choice(["", "MMU flash"]))
        for seen in moments(chance, 200, fault=0.01):
            before = machine.state
            step = machine.update(seen)
            check(seen, level, before, step)
            reached[machine.state] += 1
    expected = set(State) - {State.BOOT, *(ENGAGED | {State.RELEASING, State.FALLBACK} if level == "shadow" else ())}
    assert {state for state in expected if reached[state] > 100} == expected


def test_every_state_can_be_left_and_reached():
    """No state is a trap, and none is for show."""
    assert {before for before, _ in TABLE} == set(State)
    assert set(TABLE.values()) == set(State) - {State.BOOT}


def test_heartbeats_leave_room_for_two_losses():
    assert [heartbeat_s(backup_s) for backup_s in (3.0, 15.0, 30.0)] == [1.0, 5.0, 5.0]


def test_retries_wait_longer_each_time_up_to_a_quarter_of_an_hour():
    """30 s, 60 s, … 15 min where the hour's count does not end it before."""
    machine, waits, now_s = Machine(Level.HOLD, Limits(most_releases=99)), [], 0.0
    status = CabinetStatus(0.0, Commander.OURS, "", "", False, 15.0, "", None)
    for _ in range(8):
        machine.state = State.ACTIVE
        assert machine.update(Seen(now_s, status, fault="broken"))
        assert machine.update(Seen(now_s, status, fault="broken", released=True))
        waits.append(machine.retry_s - now_s)
        now_s = machine.retry_s
    assert waits == [30.0, 60.0, 120.0, 240.0, 480.0, 900.0, 900.0, 900.0]
