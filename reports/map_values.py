"""What a map may be coloured by: of each link and controlled junction a value, mean over an arm's draws."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from reports.comparison import Arm
from reports.junctions import junction_delays
from reports.links import busy_links, link_delays
from reports.movements import gaps_counted, with_ratios
from reports.parts import of_arm

Values = Mapping[str, float]
OF_LINKS = {
    "flow": "flow_veh_per_h",
    "density": "density_veh_per_km",
    "speed": "speed_km_per_h",
    "queue": "standing_veh",
    "co2": "co2_kg_per_km_h",
}
"""Measures that the table of links has, and the column of each."""
ADDS_UP = ("flow", "queue")
"""Those of which a junction has what its approaches have together."""
WORST = {"storage": "queue_to_storage", "saturation": "degree_of_saturation"}
"""Measures of movements of which an approach and a junction have the greatest."""
COLUMNS = OF_LINKS | WORST | {"stops": "stops_per_veh"}
"""The columns of all but delay, in the tables of what is drawn."""
MEASURES = {
    "delay": "link_delay",
    "flow": "link_flow",
    "density": "link_density",
    "speed": "link_speed",
    "queue": "link_queue",
    "storage": "queue_p95_veh",
    "stops": "movement_stops",
    "saturation": "degree_of_saturation",
    "co2": "link_co2",
}
"""In the order of the choice, each with the name of its definition."""


@dataclass(frozen=True)
class Coloured:
    """A measure's values by link and by junction; one or both are empty where it has none or none was kept."""

    links: Values = field(default_factory=dict)
    junctions: Values = field(default_factory=dict)

    def minus(self, before: "Coloured") -> "Coloured":
        """The change, where both have a value."""
        return Coloured(_change(self.links, before.links), _change(self.junctions, before.junctions))

    def __bool__(self) -> bool:
        return bool(self.links or self.junctions)


def coloured(arm: Arm, links: pd.DataFrame, movements: pd.DataFrame) -> dict[str, Coloured]:
    """By measure; those that were not kept are empty."""
    delays = Coloured(_firsts(link_delays(links, arm)), _firsts(junction_delays(arm)))
    return {"delay": delays} | _of_links(arm, links, movements) | _of_movements(arm, movements)


def _firsts(found: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    return {name: value for name, (value, _) in found.items()}


def _change(after: Values, before: Values) -> dict[str, float]:
    return {name: value - before[name] for name, value in after.items() if name in before}


def _of_links(arm: Arm, links: pd.DataFrame, movements: pd.DataFrame) -> dict[str, Coloured]:
    """Speed is the mean of those who drove there; of the others it is over draws."""
    own, found = busy_links(links, arm), {}
    for measure, column in OF_LINKS.items():
        values = _means(own, column, weighted=measure == "speed") if column in own else {}
        found[measure] = Coloured(values, _added(arm, values, movements) if measure in ADDS_UP else {})
    return found


def _means(rows: pd.DataFrame, column: str, weighted: bool) -> dict[str, float]:
    """By link; weighted by its vehicles, or every draw alike."""
    kept = rows[rows[column].notna()]
    weight = kept["vehicles"] if weighted else 1.0
    sums = (
        kept.assign(value=kept[column] * weight, weight=weight).groupby("link", sort=False)[["value", "weight"]].sum()
    )
    return {str(name): float(value / weight) for name, value, weight in sums.itertuples(name=None)}


def _added(arm: Arm, values: Values, movements: pd.DataFrame) -> dict[str, float]:
    """Of each junction the sum over its approaches."""
    found: dict[str, float] = {}
    if values and len(movements):
        approaches = of_arm(movements, arm)[["junction", "approach"]].drop_duplicates()
        for junction, approach in approaches.itertuples(index=False):
            found[str(junction)] = found.get(str(junction), 0.0) + values.get(str(approach), 0.0)
    return found


def _of_movements(arm: Arm, movements: pd.DataFrame) -> dict[str, Coloured]:
    """On the links that end at the stop lines."""
    if movements.empty:
        return {}
    groups = with_ratios(of_arm(movements, arm), gaps_counted(movements))
    groups = groups[groups["capacity_veh_per_h"].notna()]
    by_turns = groups.groupby(["junction", "approach", "turns"], sort=False)[list(WORST.values())].mean().reset_index()
    found = {
        measure: Coloured(*(_greatest(by_turns, place, column) for place in ("approach", "junction")))
        for measure, column in WORST.items()
    }
    stopped = groups[groups["stops_per_veh"].notna()]
    stopped = stopped.assign(stops=stopped["stops_per_veh"] * stopped["vehicles"])
    found["stops"] = Coloured(*(_per_vehicle(stopped, place) for place in ("approach", "junction")))
    return found


def _greatest(rows: pd.DataFrame, place: str, column: str) -> dict[str, float]:
    found = rows.groupby(place, sort=False)[column].max().dropna()
    return {str(name): float(value) for name, value in found.items()}


def _per_vehicle(rows: pd.DataFrame, place: str) -> dict[str, float]:
    sums = rows.groupby(place, sort=False)[["stops", "vehicles"]].sum()
    return {str(name): float(stops / n) for name, stops, n in sums.itertuples(name=None) if n}
