"""A history learns what is usual, outlives the process, and is believed only on the street that it was learned on."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

from signals.errors import ConfigError
from signals.flow import FlowEstimator
from signals.history import BIN_S, BINS, MOST_DAYS, WHOLE_S, History, load
from signals.layout import layout
from signals.plans import DAY_S
from signals.saturation import Saturation
from signals.values import Known
from tests.signals.fakes import crossing, protected_left
from tests.signals.streets import ROW, SECOND_MAIN, advance_loop, read, stop_loop

CROSSING = layout([crossing()])
TOLD = np.ones(CROSSING.shape, bool)
EIGHT_S = 8 * 3600.0
MONDAY, TUESDAY, SATURDAY, SUNDAY, NEXT_MONDAY = (day * DAY_S for day in (0, 1, 5, 6, 7))
STEP_S = 30.0


def see(history: History, begin_s: float, flow_veh_per_h: float, lasts_s: float = BIN_S, told: bool = True) -> None:
    """The main street has a flow for a time, and the next quarter hour begins."""
    flows = np.array([[flow_veh_per_h, 10.0]])
    for now_s in np.arange(begin_s, begin_s + lasts_s + STEP_S, STEP_S):
        history.take(float(now_s), flows, TOLD & told)


def usual(history: History, now_s: float) -> float:
    return float(history.usual_veh_per_h(now_s)[0, 0])


def test_what_one_day_showed_is_usual_at_that_time_of_the_next():
    history = History(CROSSING)
    see(history, MONDAY + EIGHT_S, 600.0)
    assert usual(history, TUESDAY + EIGHT_S + 300.0) == pytest.approx(600.0)
    assert np.isnan(usual(history, TUESDAY + EIGHT_S + BIN_S))
    assert np.isnan(usual(history, TUESDAY + EIGHT_S - 1.0))


def test_days_are_averaged_and_old_ones_fade():
    """The mean of the first days; after many, a new one moves it by a twentieth."""
    history = History(CROSSING)
    for week in range(2):
        see(history, MONDAY + week * 7 * DAY_S + EIGHT_S, 600.0 - week * 300.0)
    assert usual(history, MONDAY + EIGHT_S) == pytest.approx(450.0)
    for week in range(2, 60):
        see(history, MONDAY + week * 7 * DAY_S + EIGHT_S, 300.0)
    before = usual(history, MONDAY + EIGHT_S)
    see(history, MONDAY + 60 * 7 * DAY_S + EIGHT_S, 500.0)
    assert usual(history, MONDAY + EIGHT_S) - before == pytest.approx((500.0 - before) / MOST_DAYS)


def test_working_days_saturdays_and_sundays_are_kept_apart():
    history = History(CROSSING)
    for day, flow_veh_per_h in ((MONDAY, 600.0), (SATURDAY, 300.0), (SUNDAY, 100.0)):
        see(history, day + EIGHT_S, flow_veh_per_h)
    assert [usual(history, d + EIGHT_S) for d in (TUESDAY, SATURDAY, SUNDAY, NEXT_MONDAY)] == [600, 300, 100, 600]


def test_the_first_day_may_be_any_weekday():
    """Seconds since 1970 began on a Thursday: two days on is a Saturday."""
    history = History(CROSSING, first_weekday=3)
    see(history, 2 * DAY_S + EIGHT_S, 300.0)
    assert usual(history, 9 * DAY_S + EIGHT_S) == pytest.approx(300.0)
    assert np.isnan(usual(history, 1 * DAY_S + EIGHT_S))


@pytest.mark.parametrize(("lasts_s", "told"), [(WHOLE_S - 120.0, True), (BIN_S, False)])
def test_a_part_of_a_quarter_hour_is_not_learned_from(lasts_s: float, told: bool):
    """A process that started in the middle of it, and loops that were not believed."""
    history = History(CROSSING)
    see(history, MONDAY + EIGHT_S, 600.0, lasts_s, told)
    see(history, MONDAY + EIGHT_S + BIN_S, 600.0)
    assert np.isnan(usual(history, TUESDAY + EIGHT_S))
    assert usual(history, TUESDAY + EIGHT_S + BIN_S) == pytest.approx(600.0)


def test_a_clock_that_steps_does_not_teach():
    """Ten minutes seen, then the clock leaps over an hour, or back: neither quarter hour is whole."""
    for leap_s in (3600.0, -3600.0):
        history = History(CROSSING)
        see(history, MONDAY + EIGHT_S, 600.0, lasts_s=660.0)
        see(history, MONDAY + EIGHT_S + leap_s + 600.0, 600.0, lasts_s=240.0)
        assert np.isnan(history.usual_veh_per_h(MONDAY + EIGHT_S)).all()
        assert history.days.sum() == 0.0


def test_memory_is_constant():
    history = History(CROSSING)
    assert history.flow_veh_per_h.shape == (3, BINS, *CROSSING.shape)
    for day in range(30):
        see(history, day * DAY_S + EIGHT_S, 600.0)
    assert history.flow_veh_per_h.shape == (3, BINS, *CROSSING.shape)


def written(tmp_path: Path) -> Path:
    history = History(CROSSING, first_weekday=3)
    see(history, MONDAY + EIGHT_S, 600.0)
    history.headway_count[:], history.headway_s[:] = 25.0, 2.4
    path = tmp_path / "street.history"
    history.save(path)
    return path


def test_what_is_saved_is_loaded(tmp_path: Path):
    """Flows, saturation headways and the weekday of the first day; and nothing is left beside the file."""
    path = written(tmp_path)
    history = load(path, CROSSING)
    assert usual(history, NEXT_MONDAY + EIGHT_S) == pytest.approx(600.0)
    assert history.bin_at(2 * DAY_S)[0] == 1
    saturation = Saturation(CROSSING)
    saturation.adopt(history)
    assert saturation.flow.value[0, 0] == pytest.approx(1500.0, rel=0.05)
    assert saturation.flow.known[0, 0] == Known.MEASURED
    assert [file.name for file in tmp_path.iterdir()] == ["street.history"]


def test_what_is_learned_after_loading_is_saved_too(tmp_path: Path):
    """The estimator keeps its history up to date; nobody has to tell it."""
    history = load(written(tmp_path), CROSSING)
    estimator = FlowEstimator(CROSSING, history)
    estimator.saturation.headway_s.take(0, 3.0)
    assert history.headway_count[0] == 26.0


def test_another_street_refuses_it_by_name(tmp_path: Path):
    path = written(tmp_path)
    with pytest.raises(ConfigError, match=r"street.history: is of other intersections \(crossing\), must be of left"):
        load(path, layout([protected_left()]))
    intersection = crossing()
    lane_group = intersection.lane_groups[0].model_copy(update={"length_m": 55.0})
    other = intersection.model_copy(update={"lane_groups": (lane_group, *intersection.lane_groups[1:])})
    with pytest.raises(ConfigError, match="intersection crossing: has other lanes or loops"):
        load(path, layout([other]))


def test_other_times_on_the_same_street_are_no_other_street(tmp_path: Path):
    intersection = crossing()
    phases = tuple(phase.model_copy(update={"yellow_change_s": 5.0}) for phase in intersection.phases)
    load(written(tmp_path), layout([intersection.model_copy(update={"phases": phases})]))


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"none\.history: cannot be read"):
        load(tmp_path / "none.history", CROSSING)
    with pytest.raises(ConfigError, match="cannot be written"):
        History(CROSSING).save(tmp_path / "no-folder" / "street.history")


def parts(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def rewrite(path: Path, **changed: np.ndarray) -> None:
    content = io.BytesIO()
    np.savez(content, **(parts(path) | changed))  # type: ignore[arg-type]
    path.write_bytes(content.getvalue())


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("days", np.zeros((3, BINS, 1, 3)), r"days: (is float64 \(3, 96, 1, 3\), must be|is larger than)"),
        ("days", np.zeros((3, BINS, 1, 2), np.float32), "days: is float32"),
        ("flow_veh_per_h", np.full((3, BINS, 1, 2), np.nan), "flow_veh_per_h: has values that are not 0 to 20000"),
        ("flow_veh_per_h", np.full((3, BINS, 1, 2), -1.0), "flow_veh_per_h: has values"),
        ("headway_s", np.zeros(4), "headway_s: has values that are not 1 to 10"),
        ("lost_s", np.full(4, np.inf), "lost_s: has values"),
        ("days", np.zeros((3, BINS, 1, 2000)), "days: is larger than"),
        ("days", np.array([{}]), "days: .*pickle|days: Object arrays"),
    ],
)
def test_a_value_that_cannot_be_is_named(tmp_path: Path, name: str, value: np.ndarray, said: str):
    """Shapes, types, ranges; nothing is unpacked that is too large, and nothing unpickled."""
    path = written(tmp_path)
    rewrite(path, **{name: value})
    with pytest.raises(ConfigError, match=said):
        load(path, CROSSING)


def test_every_damage_is_one_clear_error(tmp_path: Path):
    """Cut short, or a byte changed: an error of ours, or, where that byte said nothing, the same history."""
    path = written(tmp_path)
    content = path.read_bytes()
    for cut in range(0, len(content), max(1, len(content) // 60)):
        path.write_bytes(content[:cut])
        with pytest.raises(ConfigError, match=r"street\.history: "):
            load(path, CROSSING)
    for at in range(0, len(content), max(1, len(content) // 200)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :])
        try:
            assert usual(load(path, CROSSING), EIGHT_S) == pytest.approx(600.0)
        except ConfigError as error:
            assert "street.history: " in str(error)


def test_another_version_is_refused(tmp_path: Path):
    path = written(tmp_path)
    about = json.loads(parts(path)["about"].tobytes()) | {"version": 2}
    rewrite(path, about=np.frombuffer(json.dumps(about).encode(), np.uint8))
    with pytest.raises(ConfigError, match="version"):
        load(path, CROSSING)


def blind(history: History | None, other_junction_too: bool = True) -> float:
    """What is believed of the second junction's main street with all its loops out of order, after a quarter hour."""
    estimator = FlowEstimator(ROW, history)
    healthy = np.ones(len(ROW.loops), bool)
    dead = [k for k, (row, _) in enumerate(ROW.loops) if row == SECOND_MAIN[0]]
    if not other_junction_too:
        dead = [advance_loop(ROW, SECOND_MAIN), stop_loop(ROW, SECOND_MAIN)]
    healthy[dead] = False
    side = stop_loop(ROW, (1, 1))
    for second in range(1, 900):
        passing = (side,) if second % 12 == 0 else ()
        state = estimator.update(read(ROW, EIGHT_S + second, passing, passing)._replace(healthy=healthy))
    return float(state.arrival_flow_veh_per_h[SECOND_MAIN])


def remembered() -> History:
    history = History(ROW)
    for now_s in np.arange(EIGHT_S, EIGHT_S + BIN_S + STEP_S, STEP_S):
        history.take(float(now_s), np.full(ROW.shape, 432.0), np.ones(ROW.shape, bool))
    return history


def test_a_junction_without_a_loop_has_its_usual_flow():
    """No loop is left: what is usual at this time; without a history, what the loops told last."""
    assert blind(remembered()) == pytest.approx(432.0)
    assert blind(None) == pytest.approx(180.0)


def test_the_lanes_beside_come_before_the_history():
    """The side street's loop is left: 300 veh/h a lane there, whatever was usual."""
    assert blind(remembered(), other_junction_too=False) == pytest.approx(300.0, rel=0.15)


def test_the_estimator_teaches_its_history():
    """A quarter hour of one vehicle every five seconds, as in the half hour before, and the next has begun."""
    history = History(ROW)
    estimator, loops = FlowEstimator(ROW, history), (advance_loop(ROW, SECOND_MAIN), stop_loop(ROW, SECOND_MAIN))
    for second in range(-2 * BIN_S, BIN_S + 60):
        passing = loops if second % 5 == 0 else ()
        estimator.update(read(ROW, EIGHT_S - 30.0 + second, passing, passing))
    assert history.usual_veh_per_h(TUESDAY + EIGHT_S)[SECOND_MAIN] == pytest.approx(720.0, rel=0.1)
