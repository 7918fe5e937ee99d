"""The state machine's promises, whatever it is shown."""

from hypothesis import given
from hypothesis import strategies as st

from field.cabinet import CabinetStatus, Commander, Level
from field.states import ENGAGED, TABLE, Event, Limits, Machine, Seen, State, heartbeat_s

words = st.sampled_from(["", "", "", "something"])
statuses = st.builds(
    CabinetStatus,
    time_s=st.just(0.0),
    command=st.sampled_from(Commander),
    hands_off=words,
    lockout=st.sampled_from(["", "", "", "", "MMU flash"]),
    rebooted=st.sampled_from([False, False, False, True]),
    backup_time_s=st.sampled_from([0.0, 3.0, 15.0]),
    written=st.just(""),
    clock_offset_s=st.none(),
)
moments = st.builds(
    Seen,
    time_s=st.sampled_from([0.5, 1.0, 40.0, 2000.0]),  # since the last one
    status=st.one_of(st.none(), statuses, statuses),
    silent_s=st.sampled_from([0.0, 0.0, 3.0, 70.0]),
    away_s=st.sampled_from([1.0, 1.0, 30.0]),
    unrenewed_s=st.sampled_from([0.0, 0.0, 30.0]),
    looked_over=st.sampled_from([None, "", "", "refuses"]),
    open=st.sampled_from([True, True, True, False]),
    blind=st.sampled_from([0.0, 0.0, 0.4, 0.6]),
    doubted=st.booleans(),
    fault=words,
    trip=st.sampled_from(["", "", "", "tripped"]),
    asked=st.sampled_from(["", "", "", "", "Ines"]),
    acknowledged=st.sampled_from(["", "", "Ines"]),
    released=st.booleans(),
)


def walk(machine: Machine, seen: list[Seen]) -> list[tuple[Seen, State, Event, State]]:
    now_s, found = 0.0, []
    for moment in seen:
        now_s += moment.time_s
        moment = Seen(**{**moment.__dict__, "time_s": now_s})
        transition = machine.update(moment)
        if transition:
            found.append((moment, transition.before, transition.event, transition.after))
    return found


@given(st.lists(moments, max_size=60), st.sampled_from(Level), st.sampled_from(["", "MMU flash"]))
def test_only_the_tables_steps_are_taken(seen: list[Seen], level: Level, locked: str):
    """And: shadow stays shadow, a cabinet is left by way of its release alone, a lockout by an operator alone."""
    for moment, before, event, after in walk(Machine(level, Limits(cycle_s=60.0), locked), seen):
        assert TABLE[before, event] == after
        assert level != Level.SHADOW or after not in ENGAGED
        assert before not in ENGAGED or after in ENGAGED or after == State.RELEASING
        assert before != State.LOCKOUT or moment.acknowledged
        assert after != State.ENGAGING or (
            moment.status
            and not moment.status.hands_off
            and not moment.status.lockout
            and moment.open
            and moment.blind <= 0.5
            and not moment.fault
        )


@given(st.lists(moments, max_size=60), moments)
def test_whatever_should_end_it_does_at_once(seen: list[Seen], last: Seen):
    """No reason to let go waits for a second look."""
    machine = Machine(Level.HOLD, Limits(cycle_s=60.0))
    walk(machine, seen)
    machine.state = State.ACTIVE
    bad = last.trip or last.asked or last.fault or not last.open or last.blind > 0.5 or last.silent_s > 2.0
    status = last.status
    bad = bad or (status and (status.lockout or status.hands_off or status.rebooted or status.command != "ours"))
    bad = bad or (status and 0 < status.backup_time_s < max(last.away_s, last.unrenewed_s))
    transition = machine.update(Seen(**{**last.__dict__, "time_s": 1e6}))
    if bad:
        assert transition and transition.event == Event.LET_GO
    else:
        assert transition is None or transition.event in (Event.DOUBTED, Event.TRUSTED)


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
