"""What one lane really discharges under SUMO's car following: a queue of a scenario's vehicles at a signal of its own.

The saturation flow of an undisturbed lane: no turn, no crossing traffic, and a queue that never ends (HCM, ch. 31).
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from scenarios.sumo_tools import run_tool
from signals.errors import PlantError
from simulation.discharge import Discharges
from simulation.street import Demand, Place, Street

SPAN_S, HEADWAY_S, SEED = 1500.0, 1.5, 0
PLACES = {"w": (-600, 0), "n": (0, 600), "e": (200, 0), "s": (0, -200)}
ROWS = (("Gr", 60), ("yr", 3), ("rr", 1), ("rG", 20), ("ry", 3), ("rr", 1))
TYPE = re.compile(r'\btype="([^"]*)"')


def discharge_veh_per_h(definitions: Sequence[str], travellers: Sequence[str], speed_m_per_s: float) -> float:
    """The saturation flow of a lane with that speed limit for vehicles with these attributes, one behind the other.

    definitions: the scenario's elements, of which the vehicle types count. Raises `PlantError` where no queue forms.
    """
    with tempfile.TemporaryDirectory(prefix="single-lane-") as name:
        folder = Path(name)
        place = Place(_net_file(folder, speed_m_per_s), (), 0.0, SPAN_S)
        routes, vehicles = _traffic(folder, [d for d in definitions if d.startswith("<vType")], travellers)
        with Street(place, Demand(routes, vehicles), SEED, outputs=False) as street:
            discharges = Discharges(street.sumo, street.layout)
            for now_s in street.clock(1.0):
                if now_s >= SPAN_S:
                    break
                discharges.sample(now_s, street.plant.read().stage)
    lanes = [group.approach for group in street.layout.intersections[0].lane_groups]
    found = discharges.veh_per_h((0, lanes.index("we")))
    if not found > 0:
        raise PlantError(f"single lane at {speed_m_per_s:g} m/s: no queue has discharged, must be at least one")
    return found


def _net_file(folder: Path, speed_m_per_s: float) -> Path:
    nodes = "".join(f'<node id="{k}" x="{x}" y="{y}"/>' for k, (x, y) in PLACES.items())
    edge = f'numLanes="1" speed="{speed_m_per_s:g}"'
    edges = f'<edge id="we" from="w" to="c" {edge}/><edge id="ee" from="c" to="e" {edge}/>'
    edges += f'<edge id="ns" from="n" to="c" {edge}/><edge id="ss" from="c" to="s" {edge}/>'
    ways = (("we", "ee"), ("ns", "ss"))
    links = [f'<connection from="{a}" to="{b}" fromLane="0" toLane="0"' for a, b in ways]
    heads = "".join(f'{link} tl="c" linkIndex="{k}"/>' for k, link in enumerate(links))
    rows = "".join(f'<phase duration="{duration}" state="{state}"/>' for state, duration in ROWS)
    program = f'<tlLogic id="c" type="static" programID="0" offset="0">{rows}</tlLogic>'
    plain = {
        "node": f'<nodes>{nodes}<node id="c" x="0" y="0" type="traffic_light"/></nodes>',
        "edge": f"<edges>{edges}</edges>",
        "connection": f"<connections>{''.join(f'{link}/>' for link in links)}</connections>",
        "tllogic": f"<tlLogics>{program}{heads}</tlLogics>",
    }
    words: list[str | Path] = ["--no-turnarounds"]
    for kind, text in plain.items():
        (folder / f"{kind}.xml").write_text(text, encoding="utf-8")
        words += [f"--{kind}-files", folder / f"{kind}.xml"]
    net_file = folder / "lane.net.xml"
    run_tool("netconvert", *words, "--output-file", net_file, subject="single lane")
    return net_file


def _traffic(folder: Path, types: Sequence[str], travellers: Sequence[str]) -> tuple[Path, pd.DataFrame]:
    """The travellers over and over, each of its own type as far as that is known, and one for the side street."""
    known = {found for text in types for found in re.findall(r'\bid="([^"]*)"', text)}
    named = [found[1] if (found := TYPE.search(each)) and found[1] in known else "" for each in travellers] or [""]
    rows = [(f"v{k}", k * HEADWAY_S, named[k % len(named)]) for k in range(int(SPAN_S / HEADWAY_S))]
    body = "".join(
        f'<vehicle id="{name}" depart="{at_s:.2f}"{f" type={chr(34)}{kind}{chr(34)}" if kind else ""}>'
        '<route edges="we ee"/></vehicle>'
        for name, at_s, kind in rows
    )
    routes = folder / "lane.rou.xml"
    routes.write_text(f"<routes>{''.join(types)}{body}</routes>", encoding="utf-8")
    return routes, pd.DataFrame({"id": [r[0] for r in rows], "depart_s": [r[1] for r in rows], "edges": "we ee"})
