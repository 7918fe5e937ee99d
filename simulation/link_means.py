"""What SUMO itself adds up in the window: traffic on each street, and the CO2 on each lane, of whoever drives there.

Other than the accounting by trips it counts every vehicle that was there in the window and nothing after it.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from simulation.measures import MG_PER_KG, Window, elements

EDGES, LANES = "edges.xml", "lanes.xml"
MEASURES = ("flow_veh_per_h", "speed_km_per_h", "density_veh_per_km", "standing_veh")
"""Of a street: vehicles that leave it, their mean speed over its length, how many there are on a km of a lane, and how
many stand at a time."""
KM_PER_H = 3.6


def means_xml(folder: Path, window: Window) -> str:
    """The additional file that asks SUMO for both outputs."""
    span = f'begin="{window.begin_s:g}" end="{window.end_s:g}" excludeEmpty="true"'
    return (
        f'<additional><edgeData id="link-means" file="{folder / EDGES}" {span}/>'
        f'<laneData id="lane-co2" type="emissions" file="{folder / LANES}" {span}/></additional>\n'
    )


@dataclass(frozen=True)
class Means:
    """By street where anybody was its `MEASURES`, by lane where anybody was the CO2 in the window."""

    streets: Mapping[str, Mapping[str, float]]
    lanes_co2_kg: Mapping[str, float]

    @property
    def street_co2_kg(self) -> dict[str, float]:
        """Of all its lanes."""
        found: dict[str, float] = {}
        for lane, kg in self.lanes_co2_kg.items():
            street = lane.rpartition("_")[0]
            found[street] = found.get(street, 0.0) + kg
        return found


def read_means(folder: Path, window: Window) -> Means:
    """Once the run is over. Raises `PlantError` where an output is cut."""
    streets = {str(edge.get("id")): _street(edge, window.hours) for edge in elements(folder / EDGES, "edge")}
    lanes = {str(lane.get("id")): _number(lane, "CO2_abs") / MG_PER_KG for lane in elements(folder / LANES, "lane")}
    return Means(streets, lanes)


def _street(edge: ET.Element, hours: float) -> dict[str, float]:
    return {
        "flow_veh_per_h": round((_number(edge, "left") + _number(edge, "arrived")) / hours, 1),
        "speed_km_per_h": round(_number(edge, "speed") * KM_PER_H, 2),
        "density_veh_per_km": round(_number(edge, "laneDensity"), 3),
        "standing_veh": round(_number(edge, "waitingTime") / (hours * 3600.0), 3),
    }


def _number(element: ET.Element, name: str) -> float:
    return float(element.get(name, math.nan))
