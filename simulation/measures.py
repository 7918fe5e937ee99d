"""What really happened, with the accounting of the comparison protocol; never visible to a controller.

Every vehicle scheduled in the window counts, also one that never entered. Delay is SUMO's timeLoss and departDelay
(with what had accrued at the cap for those still inside or outside); throughput follows FHWA-HOP-13-031.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scenarios.rules import OURS, Rules
from signals.errors import PlantError

GRIDLOCK_SHARE = 0.05
MG_PER_KG = 1e6
BICYCLE = "bicycle"


@dataclass(frozen=True)
class Window:
    """The accounted span: vehicles scheduled in [begin_s, end_s); the run ends at `cap_s` at the latest."""

    begin_s: float
    end_s: float
    cap_s: float

    @property
    def hours(self) -> float:
        """Length of the window."""
        return (self.end_s - self.begin_s) / 3600.0


def window_of(begin_s: float, end_s: float, departs_s: Sequence[float] = (), rules: Rules = OURS) -> Window:
    """The window of a scenario that runs from `begin_s` to `end_s`; a short one keeps at least half of it.

    Where all its vehicles depart in the warm-up, as a demonstration's few may, there is none.
    """
    warm_up_s = min(rules.warm_up_s, (end_s - begin_s) / 2)
    if departs_s and max(departs_s) < begin_s + warm_up_s:
        warm_up_s = 0.0
    return Window(begin_s + warm_up_s, end_s, end_s + rules.drain_s)


def read_trips(
    tripinfo: Path, vehicles: pd.DataFrame, window: Window, classes: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """One row a scheduled vehicle: departure, arrival, delay and stops; NaN arrival where it was not out at the cap.

    classes: SUMO's vClass of each vehicle type.
    """
    rows: dict[str, tuple[float, ...] | None] = {}
    types: dict[str, str] = {}
    for trip in elements(tripinfo, "tripinfo"):
        name = str(trip.get("id"))
        rows[name], types[name] = _trip(trip), str(trip.get("vType"))
    records = [
        rows.get(v) or _outside(window.cap_s - depart_s)
        for v, depart_s in zip(vehicles.id, vehicles.depart_s, strict=True)
    ]
    columns = [
        "entered_s",
        "arrival_s",
        "time_loss_s",
        "depart_delay_s",
        "waiting_s",
        "stops",
        "speed_factor",
        "co2_mg",
    ]
    trips = pd.DataFrame(records, columns=columns, index=vehicles.index, dtype=float)
    trips["v_class"] = [(classes or {}).get(types.get(v, ""), "") for v in vehicles.id]
    return pd.concat([vehicles, trips], axis=1)


def _outside(waited_s: float) -> tuple[float, ...]:
    """A vehicle that never entered has waited outside until the cap."""
    return np.nan, np.nan, 0.0, max(0.0, waited_s), 0.0, 0.0, 1.0, 0.0


def _trip(element: ET.Element) -> tuple[float, ...] | None:
    if float(element.get("depart", -1)) < 0:
        return None
    arrival = float(element.get("arrival", -1))
    emissions = element.find("emissions")
    return (
        float(element.get("depart", 0)),
        arrival if arrival >= 0 else np.nan,
        float(element.get("timeLoss", 0)),
        float(element.get("departDelay", 0)),
        float(element.get("waitingTime", 0)),
        float(element.get("waitingCount", 0)),
        float(element.get("speedFactor", 1)),
        float(emissions.get("CO2_abs", 0)) if emissions is not None else 0.0,
    )


def elements(path: Path, tag: str) -> Iterator[ET.Element]:
    """The elements of that name in one of SUMO's output files. Raises `PlantError` where it is cut."""
    try:
        for _, element in ET.iterparse(path):
            if element.tag == tag:
                yield element
                element.clear()
    except (OSError, ET.ParseError) as error:
        raise PlantError(f"{path.name}: SUMO's output is not whole: {error}") from error


def in_window(scheduled: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Who counts, of vehicles or persons."""
    return scheduled[(scheduled.depart_s >= window.begin_s) & (scheduled.depart_s < window.end_s)]


def check_anybody(vehicles: pd.DataFrame, persons: pd.DataFrame, window: Window) -> None:
    """Raise `PlantError` where nobody is scheduled in the window; persons alone have delays too."""
    if in_window(vehicles, window).empty and in_window(persons, window).empty:
        span = f"{window.begin_s:g}-{window.end_s:g} s"
        raise PlantError(f"no vehicle and no person is scheduled in {span}, must be at least 1")


def accounts(trips: pd.DataFrame, window: Window) -> dict[str, float | int | bool]:
    """The measures that need no map: who got through, and what it cost them. Without vehicles nothing has a mean.

    Who is inside when a window ends without a drain may just have come: no gridlock can be told there, and none is.
    """
    counted = in_window(trips, window)
    entered = counted.entered_s < window.end_s
    done = counted.arrival_s < window.end_s
    out = counted.arrival_s.notna()
    delay_s = counted.time_loss_s + counted.depart_delay_s
    last_s = counted.arrival_s.max() if out.all() else window.cap_s
    return {
        "scheduled": len(counted),
        "entered": int(entered.sum()),
        "completed": int(done.sum()),
        "inside": int((entered & ~done).sum()),
        "never_entered": int((~entered).sum()),
        "inside_at_cap": int((counted.entered_s.notna() & ~out).sum()),
        "never_entered_at_cap": int(counted.entered_s.isna().sum()),
        "throughput_veh_per_h": float(done.sum() / window.hours),
        "clear_time_s": float(last_s - window.begin_s),
        "delay_s": float(delay_s.mean()),
        "bicycle_delay_s": float(delay_s[counted.v_class == BICYCLE].mean()),
        "delay_p95_s": float(delay_s.quantile(0.95)),
        "wait_max_s": float((counted.waiting_s + counted.depart_delay_s).max()),
        "stops_per_veh": float(counted.stops.mean()),
        "queue_mean_veh": float(counted.waiting_s.sum() / (window.hours * 3600.0)),
        "co2_kg": float(counted.co2_mg.sum() / MG_PER_KG),
        "gridlock": bool(window.cap_s > window.end_s and (~out).mean() > GRIDLOCK_SHARE),
    }
