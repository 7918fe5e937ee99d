"""A crossroads with protected/permissive left turns and a crossing, and a unit for it."""

from collections.abc import Sequence

from field.virtual.machine import Machine, Settings
from field.virtual.tables import tables_of
from signals.intersection import Conflict, Detector, Intersection, LaneGroup, Movement, Phase, SignalGroup, Stage
from signals.plans import Split, TimingPlan

WALK, VEHICLES = "9", tuple(str(n) for n in range(1, 9))
FIRST, LEFTS, SIDE = frozenset({1, 5, 9}), frozenset({2, 6}), frozenset({3, 7})
CROSS = [("1", "6", "A"), ("2", "5", "A"), ("3", "8", "C"), ("4", "7", "C")]
NEVER = [(a, b) for a in ("1", "2", "5", "6") for b in ("3", "4", "7", "8")]
PLAN = TimingPlan(
    intersection="X",
    splits=(Split(stage="A", split_s=40), Split(stage="B", split_s=12), Split(stage="C", split_s=28)),
    offset_s=10,
)


def crossroads(**changes) -> Intersection:
    """A: throughs 1 and 5, crossing 9, lefts 2 and 6 yielding; B: those lefts; C: side street, 4 and 8 yielding."""
    values = {
        "id": "X",
        "lane_groups": [_lanes(n) for n in VEHICLES] + [LaneGroup(**_lanes(WALK).model_dump() | {"button": True})],
        "movements": [
            Movement(id=n, approach=f"a{n}", exit="out", turn="through", lane_group=f"g{n}", signal_group=n)
            for n in (*VEHICLES, WALK)
        ],
        "signal_groups": [
            *(SignalGroup(id=n) for n in VEHICLES),
            SignalGroup(id=WALK, kind="pedestrian"),
        ],
        "phases": [
            *(_phase(n, 5, 3, 1) for n in range(1, 9)),
            _phase(9, 8, 0, 9),
        ],
        "stages": [
            Stage(name="A", phases=(1, 2, 5, 6, 9), minimum_green_s=5, permissive=("2", "6")),
            Stage(name="B", phases=(2, 6), minimum_green_s=5),
            Stage(name="C", phases=(3, 4, 7, 8), minimum_green_s=5, permissive=("4", "8")),
        ],
        "conflicts": [
            *(Conflict(first=a, second=b, yielding_in=(stage,)) for a, b, stage in CROSS),
            *(Conflict(first=a, second=b) for a, b in NEVER),
            *(Conflict(first=WALK, second=n) for n in ("3", "4", "7", "8")),
            Conflict(first=WALK, second="2", yielding_in=("A",)),
        ],
        "detectors": [_loop(n) for n in VEHICLES],
    }
    return Intersection(**values | changes)


def unit(backup_time_s: int = 15, planned: bool = True, **settings) -> Machine:
    """A machine for it, at midnight."""
    plans = (PLAN,) if planned else ()
    return Machine(tables_of(crossroads(), plans), Settings(backup_time_s, **settings), 0.0)


def run(machine: Machine, until_s: float, calling: Sequence[int] = (), pressed: Sequence[int] = ()) -> list[tuple]:
    """Tick by tenths of a second, with the loops before those phases' heads covered; the events."""
    events = []
    active = [int(d.table.name) in calling for d in machine.detectors]
    while machine.time_s < until_s - 0.01:
        machine.tick(round(machine.time_s + 0.1, 1), active, pressed)
        events += machine.take_events()
    return [tuple(event) for event in events]


def greens(machine: Machine) -> set[int]:
    return {n for n, p in machine.phases.items() if p.green}


def _lanes(n: str) -> LaneGroup:
    return LaneGroup(
        id=f"g{n}",
        approach=f"a{n}",
        lanes=(f"a{n}_0",),
        signal_groups=(n,),
        exits=("out",),
        length_m=100,
        speed_m_per_s=13.9,
        saturation_flow_veh_per_h=1800,
    )


def _phase(n: int, green_s: float, yellow_s: float, red_s: float) -> Phase:
    return Phase(
        number=n, signal_groups=(str(n),), minimum_green_s=green_s, yellow_change_s=yellow_s, red_clearance_s=red_s
    )


def _loop(n: str) -> Detector:
    return Detector(
        id=n, kind="stop_line", lane=f"a{n}_0", lane_groups=(f"g{n}",), setback_m=0.5, position_m=90, length_m=6
    )
