"""What each rule-based strategy promises, on junctions and traffic written by hand."""

from pathlib import Path

import numpy as np
import pytest

from signals.controllers import CONTROLLERS, build
from signals.controllers.actuated import Actuated, ActuatedSettings
from signals.controllers.fixed_time import FixedTime
from signals.controllers.max_pressure import MaxPressure, MaxPressureSettings
from signals.controllers.worthiest import RECALLED_GREEN_S
from signals.errors import ConfigError
from signals.intersection import Neighbour
from signals.layout import layout
from signals.plans import DAY_S, PlanFile, Split, TimingPlan
from signals.values import TRANSITION, Mode
from tests.signals.fakes import crossing, junction, protected_left
from tests.signals.states import calm, waiting

CROSSING = layout([crossing()])
LEFT = layout([protected_left()])
GONE_S = 60.0


def actuated(**settings: float) -> Actuated:
    return Actuated(CROSSING, ActuatedSettings(**settings))  # type: ignore[arg-type]


def max_pressure(of=CROSSING, **settings: float) -> MaxPressure:
    return MaxPressure(of, MaxPressureSettings(**settings))


def plan(*splits: tuple[str, float], offset_s: float = 0.0, from_s: float = 0.0) -> TimingPlan:
    parts = tuple(Split(stage=stage, split_s=split_s) for stage, split_s in splits)
    return TimingPlan(intersection="crossing", splits=parts, offset_s=offset_s, from_s=from_s)


def test_actuated_extends_while_vehicles_keep_coming():
    """A green is held while the youngest detection is no older than the passage time."""
    state = waiting(CROSSING, [[2.0, 3.0]], gap_s=np.array([[3.0, GONE_S]]), elapsed_green_s=np.array([20.0]))
    decision = actuated(passage_s=3.0).decide(state)
    assert decision.stage[0] == 0
    assert "extension" in decision.reason(0)


def test_actuated_gaps_out_to_who_calls():
    """A gap longer than the passage time ends the green when somebody calls elsewhere."""
    state = waiting(CROSSING, [[2.0, 3.0]], gap_s=np.array([[3.1, GONE_S]]), elapsed_green_s=np.array([20.0]))
    decision = actuated(passage_s=3.0).decide(state)
    assert decision.stage[0] == 1
    assert "gap-out" in decision.reason(0)


@pytest.mark.parametrize(("green_s", "stage"), [(39.9, 0), (40.0, 1)])
def test_actuated_maxes_out(green_s: float, stage: int):
    """Vehicles that never stop coming hold the green until its maximum, not longer."""
    state = waiting(CROSSING, [[9.0, 1.0]], gap_s=np.zeros((1, 2)), elapsed_green_s=np.array([green_s]))
    assert actuated(maximum_green_s=40.0).decide(state).stage[0] == stage


def test_actuated_rests_where_nobody_calls():
    """Without a call elsewhere the green stays, however long it has been."""
    state = waiting(CROSSING, [[1.0, 0.0]], elapsed_green_s=np.array([500.0]))
    assert actuated().decide(state).stage[0] == 0


def test_actuated_skips_stages_without_a_call():
    """From A a call that only C serves is served next: B is left out."""
    queue = [[0.0, 0.0, 2.0, 0.0]]
    decision = Actuated(LEFT, ActuatedSettings()).decide(waiting(LEFT, queue))
    assert decision.stage[0] == 2


def test_max_pressure_goes_where_more_wait():
    """An empty green gives way to a queue."""
    decision = max_pressure().decide(waiting(CROSSING, [[0.0, 6.0]]))
    assert decision.stage[0] == 1
    assert decision.mode[0] == Mode.GO


@pytest.mark.parametrize(("green_s", "stage"), [(12.9, 0), (13.0, 1)])
def test_max_pressure_keeps_its_minimum_green(green_s: float, stage: int):
    """No queue is long enough to cut a green short of its minimum."""
    state = waiting(CROSSING, [[0.0, 30.0]], elapsed_green_s=np.array([green_s]))
    assert max_pressure(minimum_green_s=13.0).decide(state).stage[0] == stage


def test_max_pressure_pays_for_a_change():
    """One vehicle more on the other side is not worth the interstage and the start-up."""
    assert max_pressure().decide(waiting(CROSSING, [[5.0, 6.0]])).stage[0] == 0


@pytest.mark.parametrize(("red_s", "stage"), [(100.0, 0), (100.1, 1)])
def test_max_pressure_rescues_who_waited_for_the_maximum_red(red_s: float, stage: int):
    """A single vehicle goes first once its red is longer than the maximum, whatever queues elsewhere."""
    state = waiting(CROSSING, [[9.0, 1.0]], red_s=np.array([[0.0, red_s]]))
    assert max_pressure(maximum_red_s=100.0, waiting_s=1e6, fullness=0.0).decide(state).stage[0] == stage


@pytest.mark.parametrize(
    ("gap_s", "green_s", "stage"),
    [(50.0, 13.0, 0), (200.0, 13.0, 1), (200.0, RECALLED_GREEN_S - 0.1, 1), (200.0, RECALLED_GREEN_S, 0)],
)
def test_who_is_rescued_unseen_has_time_for_a_queue(gap_s: float, green_s: float, stage: int):
    """In the whole of his red no loop has told of him: what waits there nobody knows. Who was seen has the minimum."""
    controller = max_pressure(minimum_green_s=13.0, waiting_s=1e6, fullness=0.0)
    late = waiting(CROSSING, [[9.0, 0.0]], red_s=np.array([[0.0, 101.0]]), gap_s=np.array([[0.0, gap_s]]))
    assert controller.decide(late).stage[0] == 1
    green = waiting(
        CROSSING, [[9.0, 0.0]], stage=np.array([1]), last_stage=np.array([1]), elapsed_green_s=np.array([green_s])
    )
    assert controller.decide(green).stage[0] == stage


def test_a_rescue_that_was_not_granted_is_forgotten():
    """Once somebody is seen there, and the stage is the better one for him, its green has no time for the unseen."""
    controller = max_pressure(minimum_green_s=13.0, waiting_s=1e6, fullness=0.0)
    unseen = waiting(CROSSING, [[9.0, 0.0]], red_s=np.array([[0.0, 101.0]]), gap_s=np.array([[0.0, 200.0]]))
    seen = waiting(CROSSING, [[0.0, 9.0]])
    assert [controller.decide(state).stage[0] for state in (unseen, seen)] == [1, 1]
    green = waiting(
        CROSSING, [[9.0, 0.0]], stage=np.array([1]), last_stage=np.array([1]), elapsed_green_s=np.array([13.0])
    )
    assert controller.decide(green).stage[0] == 0


def test_max_pressure_rescues_nobody_whom_no_stage_serves():
    """Who may only turn on red waits beside the side street's green, which stays with those who need it."""
    heads = {"main": (5.0, 3.0, 1.0), "side": (5.0, 3.0, 1.0), "free": (5.0, 3.0, 1.0)}
    never = layout([junction("never", heads, {"A": "Grs", "B": "rGs"}, {("main", "side"): ()})])
    red_s = np.array([[0.0, 0.0, 500.0]])
    state = waiting(never, [[0.0, 6.0, 1.0]], red_s=red_s, stage=np.array([1]), last_stage=np.array([1]))
    assert max_pressure(never).decide(state).stage[0] == 1


def test_max_pressure_does_not_feed_a_full_exit():
    """A queue whose exit has no room left is worth no green; the same queue with room is."""
    upstream, downstream = crossing(), crossing("next")
    neighbour = Neighbour(
        exit="crossing.out", intersection="next", approach="next.main", distance_m=100.0, travel_time_s=8.0
    )
    both = layout([upstream.model_copy(update={"neighbours": (neighbour,)}), downstream])
    controller = max_pressure(both, exit_room_veh=3.0)
    stages = [
        int(controller.decide(waiting(both, [[1.0, 9.0], [0.0, 0.0]], exit_room_veh=np.array(room))).stage[0])
        for room in ([[np.inf, 20.0]] * 2, [[np.inf, 3.0]] * 2)
    ]
    assert stages == [1, 0]


def test_max_pressure_clears_who_turns_in_gaps_before_cross_traffic():
    """While somebody has yet to turn in gaps in A, the cross street's green begins only after his protected stage."""
    controller = max_pressure(LEFT)
    assert controller.decide(waiting(LEFT, [[0.0, 0.0, 9.0, 0.0]])).stage[0] == 2
    assert controller.decide(waiting(LEFT, [[0.0, 1.0, 9.0, 0.0]])).stage[0] in (1, 3)


@pytest.mark.parametrize("name", ["actuated", "max-pressure", "adaptive"])
def test_an_interstage_is_waited_out(name: str):
    """While no stage is confirmed a controller asks for nothing."""
    state = waiting(CROSSING, [[0.0, 9.0]], stage=np.array([TRANSITION]))
    plans = PlanFile(plan=(plan(("A", 40.0), ("B", 30.0)),))
    decision = build(name, CROSSING, plans).decide(state)
    assert decision.mode[0] == Mode.HOLD
    assert decision.reason(0) == "interstage"


def at(time_s: float):
    return calm(CROSSING, time_s=time_s)


def test_fixed_time_asks_one_interstage_early():
    """Greens begin where the plan has them: from A to B it takes six seconds, so B is asked for at 34 of 40."""
    controller = FixedTime(CROSSING, PlanFile(plan=(plan(("A", 40.0), ("B", 30.0)),)))
    asked = [int(controller.decide(at(t)).stage[0]) for t in (0.0, 33.9, 34.0, 65.9, 66.0, 70.0)]
    assert asked == [0, 0, 1, 1, 0, 0]


def test_fixed_time_follows_its_offset():
    """An offset moves the whole cycle."""
    controller = FixedTime(CROSSING, PlanFile(plan=(plan(("A", 40.0), ("B", 30.0), offset_s=10.0),)))
    assert [int(controller.decide(at(t)).stage[0]) for t in (43.9, 44.0)] == [0, 1]


def test_fixed_time_changes_plans_by_the_time_of_day():
    """Each plan is in force from its own time until the next one's, and again the next day."""
    night, day = plan(("A", 40.0), ("B", 30.0)), plan(("A", 20.0), ("B", 50.0), from_s=7000.0)
    controller = FixedTime(CROSSING, PlanFile(plan=(night, day)))
    asked = [int(controller.decide(at(t)).stage[0]) for t in (6950.0, 7020.0, DAY_S + 20.0)]
    # 20 s into the cycle A is green by night, while by day it has been left at 14 s
    assert asked == [0, 1, int((DAY_S + 20.0) % 70.0 >= 34.0)]


def test_a_split_too_short_for_its_stage_is_refused():
    """A plan that would cut a minimum green is refused with the value and the bound."""
    with pytest.raises(ConfigError, match=r"stage A: split_s = 8, must be at least"):
        FixedTime(CROSSING, PlanFile(plan=(plan(("A", 8.0), ("B", 30.0)),)))


@pytest.mark.parametrize(
    ("text", "line"),
    [("passage_s = 30", "passage_s"), ("pasage_s = 3", "pasage_s"), ("passage_s =", "is not TOML")],
)
def test_a_wrong_settings_file_is_refused_in_one_line(tmp_path: Path, text: str, line: str):
    """The file and the key are named."""
    file = tmp_path / "set.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=line) as refusal:
        build(f"actuated:{file}", CROSSING, PlanFile(plan=(plan(("A", 40.0), ("B", 30.0)),)))
    assert "\n" not in str(refusal.value)
    assert str(file) in str(refusal.value)


def test_every_controller_says_what_it_is():
    """`evaluate.py list` has a line for each."""
    assert all(line for line, _ in CONTROLLERS.values())
