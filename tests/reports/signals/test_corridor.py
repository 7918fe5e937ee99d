"""A corridor from paths: which junctions it takes, and where along it a vehicle is."""

import numpy as np
import pandas as pd
import pytest

from reports.signals.corridor import Recorded, bands, corridor, traces
from reports.signals.through_band import through_band, widest
from reports.signals.time_space import BEND_M, bends
from signals.errors import ConfigError

EDGE_M, OVER_M, SPEED = 100.0, 20.0, 10.0
TURNS = [
    ("J1", "a", "b", "through"), ("J1", "a", "x", "left"), ("J2", "b", "c", "through"), ("J3", "c", "d", "through"),
    ("K1", "p", "q", "through"), ("K2", "q", "r", "through"), ("J1", "s", "b", "right"),
]  # fmt: skip


def made_up(routes: dict[str, tuple[str, ...]]) -> Recorded:
    """Vehicles that drive 10 m/s along edges of 100 m with 20 m inside junctions between them, a look a second."""
    rows = []
    for k, (vehicle, edges) in enumerate(routes.items()):
        lanes = [part for a, b in zip(edges, [*edges[1:], ""], strict=True) for part in ([a, f":{a}{b}"] if b else [a])]
        begin_m = 0.0
        for lane in lanes:
            length_m = OVER_M if lane.startswith(":") else EDGE_M
            for time_s in np.arange(begin_m / SPEED, (begin_m + length_m) / SPEED):
                rows.append((vehicle, 100.0 + k + time_s, f"{lane}_0", time_s * SPEED - begin_m, length_m))
            begin_m += length_m
    paths = pd.DataFrame(rows, columns=["vehicle", "time_s", "lane", "position_m", "lane_length_m"])
    paths["edge"], paths["inside"] = paths["lane"].str[:-2], paths["lane"].str.startswith(":")
    lamps = [(*turn, time_s, shown) for turn in TURNS for time_s, shown in ((99.0, 2), (110.0, 1), (113.0, 0))]
    columns = ["junction", "approach", "exit", "turn", "time_s", "shown"]
    return Recorded(paths, pd.DataFrame(lamps, columns=columns))


DRIVEN: list[tuple[str, tuple[str, ...], int]] = [
    ("long", ("a", "b", "c", "d"), 6),
    ("short", ("p", "q", "r"), 20),
    ("turns", ("a", "x"), 9),
    ("joins", ("s", "b", "c"), 2),
]
ROUTES = {f"{name}{k}": edges for name, edges, times in DRIVEN for k in range(times)}


def test_the_longest_chain_is_taken_before_the_busiest():
    """Three junctions with six vehicles before two with twenty; who joins on the way does not count for the first."""
    along = corridor(made_up(ROUTES))
    assert along and along.junctions == ("J1", "J2", "J3") and along.edges == ("a", "b", "c", "d")
    assert along.vehicles == 6
    assert [along.line_m(k) for k in range(3)] == [100.0, 220.0, 340.0] and along.end_m == 460.0


def test_named_junctions_are_followed_also_around_a_turn():
    recorded = made_up(ROUTES)
    along = corridor(recorded, ("K1", "K2"))
    assert along and along.junctions == ("K1", "K2") and along.edges == ("p", "q", "r")
    with pytest.raises(ConfigError, match="corridor: nobody drove from J1 straight to K2"):
        corridor(recorded, ("J1", "K2"))
    with pytest.raises(ConfigError, match="corridor: J9 is not there, must be one of J1, J2, J3, K1, K2"):
        corridor(recorded, ("J1", "J9"))


def test_without_two_junctions_there_is_none():
    assert corridor(made_up({"alone": ("a", "x")})) is None


def test_a_vehicle_is_where_its_speed_takes_it():
    """At 10 m/s the place is the time, over junctions too; who turns off ends at the stop line, who joins begins."""
    recorded = made_up(ROUTES)
    along = corridor(recorded)
    assert along
    found = {vehicle: (time_s, place_m) for vehicle, time_s, place_m in traces(recorded, along)}
    assert set(found) == {name for name in ROUTES if not name.startswith("short")}
    time_s, place_m = found["long0"]
    assert np.allclose(place_m, (time_s - 100.0) * SPEED) and len(time_s) == 46
    assert found["turns0"][1].max() == 90.0
    assert found["joins0"][1].min() == 120.0


def test_bands_follow_each_other_to_the_end():
    recorded = made_up(ROUTES)
    along = corridor(recorded)
    assert along
    last = float(recorded.paths["time_s"].max())
    assert bands(recorded, along, 1) == [(99.0, 110.0, 2), (110.0, 113.0, 1), (113.0, last, 0)]


def test_a_thinned_path_is_the_path():
    """Within the tolerance everywhere, and with both looks beside the stop line."""
    time_s = np.arange(60.0)
    place_m = np.cumsum(np.where((time_s > 20) & (time_s < 40), 0.0, 8.0 + np.sin(time_s)))
    kept = bends(time_s, place_m, [place_m[30] + 10.0])
    assert len(kept) < 20
    assert np.abs(np.interp(time_s, time_s[kept], place_m[kept]) - place_m).max() <= BEND_M
    crossed = int(np.flatnonzero(place_m > place_m[30] + 10.0)[0])
    assert {crossed - 1, crossed} <= set(kept.tolist())


def with_plan(offsets_s: dict[str, float], greens_s: dict[str, float], cycle_s: float = 40.0) -> Recorded:
    """The same vehicles over some minutes, and a plan of one cycle at each junction of the chain."""
    recorded = made_up(ROUTES)
    lamps = [
        (*turn, k * cycle_s + offsets_s[turn[0]] + later_s, shown)
        for turn in TURNS
        if turn[0] in offsets_s and turn[3] == "through"
        for k in range(-1, 8)
        for later_s, shown in ((0.0, 2), (greens_s[turn[0]], 0))
    ]
    paths = pd.concat([recorded.paths, recorded.paths.assign(time_s=recorded.paths["time_s"] + 200.0)])
    return Recorded(paths, pd.DataFrame(lamps, columns=recorded.lamps.columns))


def test_offsets_as_the_drive_takes_leave_the_shortest_green():
    """At 10 m/s it is 12 s from each stop line to the next; an offset 5 s too late takes 5 s off the band."""
    greens_s = {"J1": 20.0, "J2": 14.0, "J3": 20.0}
    recorded = with_plan({"J1": 0.0, "J2": 12.0, "J3": 24.0}, greens_s)
    along = corridor(recorded)
    assert along
    band = through_band(recorded, along)
    assert band and [band.cycle_s, band.width_s] == pytest.approx([40.0, 14.0])
    assert band.speed_m_per_s == pytest.approx(10.0) and band.efficiency == pytest.approx(14 / 40)
    assert band.attainability == pytest.approx(1.0) and np.diff(band.begin_s).tolist() == pytest.approx([12.0, 12.0])
    late = through_band(with_plan({"J1": 0.0, "J2": 12.0, "J3": 29.0}, greens_s), along)
    assert late and late.width_s == pytest.approx(9.0) and late.attainability == pytest.approx(9 / 14)
    none = through_band(with_plan({"J1": 0.0, "J2": 35.0, "J3": 24.0}, greens_s | {"J2": 10.0}), along)
    assert none and none.width_s == 0.0


def test_without_one_cycle_there_is_no_band():
    recorded = with_plan({"J1": 0.0, "J2": 12.0, "J3": 24.0}, {"J1": 20.0, "J2": 14.0, "J3": 20.0})
    late = recorded.lamps["junction"].eq("J2") & recorded.lamps["time_s"].gt(150.0)
    moved = recorded.lamps.assign(time_s=recorded.lamps["time_s"] + 3.0 * late)
    along = corridor(recorded)
    assert along and through_band(recorded, along) and through_band(Recorded(recorded.paths, moved), along) is None


def test_the_widest_band_goes_over_the_cycles_end():
    assert list(widest([(35.0, 10.0), (38.0, 10.0)], 40.0)) == pytest.approx([38.0, 7.0])
    assert widest([(0.0, 10.0), (20.0, 10.0)], 40.0)[1] == 0.0
