"""Whether as many turn through the gaps of an opposing flow as reports say they can: SUMO beside the formula.

    .venv/bin/python benchmarks/permitted_turns.py [--seeds 2] [--json FILE]

A crossroads where left turns have a lane of their own and yield, with more of them than can turn. What leaves in the
hour is their capacity in SUMO; the report's is that of the same run's table of movements.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scenarios.sumo_tools import run_tool  # noqa: E402
from simulation.street import Demand, Place, Street  # noqa: E402

PLACES = {"n": (0, 200), "e": (200, 0), "s": (0, -200), "w": (-200, 0)}
END_S, CLEARANCE_S = 4200.0, 8.0
PLANS = ((64.0, 30.0), (64.0, 40.0), (90.0, 20.0), (90.0, 30.0))
"""Cycle and green."""
OPPOSING = (0, 150, 300, 450, 600)


def crossroads(folder: Path, cycle_s: float, green_s: float) -> Path:
    """From each leg lane 0 goes on, lane 1 turns left; link 2 k goes on and 2 k + 1 turns left, k in n, e, s, w."""
    legs, links = list(PLACES), []
    for k, leg in enumerate(legs):
        for link, (to, lane) in enumerate(((legs[(k + 2) % 4], 0), (legs[(k + 1) % 4], 1))):
            way = f'from="{leg}i" to="{to}o" fromLane="{lane}" toLane="{lane}"'
            links.append((way, f'{way} tl="C" linkIndex="{2 * k + link}"'))
    other_s = cycle_s - CLEARANCE_S - green_s
    rows = (("Ggrr" * 2, green_s), ("yyrr" * 2, 3), ("r" * 8, 1), ("rrGg" * 2, other_s), ("rryy" * 2, 3), ("r" * 8, 1))
    phases = "".join(f'<phase duration="{time_s:g}" state="{state}"/>' for state, time_s in rows)
    plain = {
        "node": "".join(f'<node id="{leg}" x="{x}" y="{y}"/>' for leg, (x, y) in PLACES.items())
        + '<node id="C" x="0" y="0" type="traffic_light"/>',
        "edge": "".join(
            f'<edge id="{leg}i" from="{leg}" to="C" numLanes="2" speed="13.89"/>'
            f'<edge id="{leg}o" from="C" to="{leg}" numLanes="2" speed="13.89"/>'
            for leg in legs
        ),
        "connection": "".join(f"<connection {way}/>" for way, _ in links),
        "tllogic": f'<tlLogic id="C" type="static" programID="0" offset="0">{phases}</tlLogic>'
        + "".join(f"<connection {way}/>" for _, way in links),
    }
    roots = {"node": "nodes", "edge": "edges", "connection": "connections", "tllogic": "tlLogics"}
    words: list[str | Path] = ["--no-turnarounds"]
    for kind, text in plain.items():
        (folder / f"{kind}.xml").write_text(f"<{roots[kind]}>{text}</{roots[kind]}>", encoding="utf-8")
        words += [f"--{kind}-files", folder / f"{kind}.xml"]
    net_file = folder / "crossroads.net.xml"
    run_tool("netconvert", *words, "--output-file", net_file, subject=str(net_file))
    return net_file


def turned(cycle_s: float, green_s: float, opposing_veh_per_h: float, seed: int) -> tuple[float, float]:
    """Vehicles an hour that turn left in SUMO where as many wait as can, and those that the report says can."""
    dice = np.random.default_rng(seed)
    vehicles: list[tuple[str, float, str]] = []
    for kind, route, rate in (("left", "ni eo", 1.3 * 1440 * green_s / cycle_s), ("on", "si no", opposing_veh_per_h)):
        times_s = np.cumsum(dice.exponential(3600.0 / rate, int(1.5 * rate) + 50)).tolist() if rate else []
        vehicles += [(f"{kind}{k}", t, route) for k, t in enumerate(times_s) if t < END_S]
    table = pd.DataFrame(vehicles, columns=["id", "depart_s", "edges"]).sort_values("depart_s", ignore_index=True)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        rows = "".join(
            f'<vehicle id="{name}" depart="{t:.2f}" departLane="best" departSpeed="max">'
            f'<route edges="{edges}"/></vehicle>'
            for name, t, edges in table.itertuples(index=False)
        )
        (folder / "r.rou.xml").write_text(f"<routes>{rows}</routes>", encoding="utf-8")
        place = Place(crossroads(folder, cycle_s, green_s), (), 0.0, END_S)
        with Street(place, Demand(folder / "r.rou.xml", table), seed=seed) as street:
            for _ in street.clock(1.0):
                pass
            street.measures()
            links, movements = (pd.DataFrame(street.tables[name]) for name in ("links", "movements"))
    able = movements[(movements.approach == "ni") & (movements.turns == "left")].capacity_yielding_veh_per_h
    return float(links.set_index("link").flow_veh_per_h["eo"]), float(able.iloc[0])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seeds", type=int, default=2)
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    found = []
    print("cycle s  green s  opposing veh/h  SUMO veh/h  report veh/h  error %")
    for cycle_s, green_s in PLANS:
        for opposing in OPPOSING:
            runs = [turned(cycle_s, green_s, opposing, seed) for seed in range(1, options.seeds + 1)]
            sumo, report = (float(np.mean(values)) for values in zip(*runs, strict=True))
            error = 100.0 * (report / sumo - 1.0)
            found.append({"cycle_s": cycle_s, "green_s": green_s, "opposing_veh_per_h": opposing,
                          "sumo_veh_per_h": sumo, "report_veh_per_h": report, "error_percent": error})  # fmt: skip
            print(f"{cycle_s:7g}  {green_s:7g}  {opposing:14}  {sumo:10.0f}  {report:12.0f}  {error:+7.1f}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
