"""The slow quantities against SUMO's truth: `python benchmarks/outlook.py --json FILE` (some minutes).

`single` and `arterial` under `existing` and `max-pressure`, one draw. Told are the error of the saturation flows that
count as measured, beside what queues really discharged; of the arrivals expected within 60 s, beside those by the mean
flow alone; of turning shares; and which part of all errors lies within one and two of the standard deviations told
(two thirds and 95 % where a model is right). An arrival is due at the stop line when the vehicle that crossed the
section of `simulation/truth.py` would reach it at the speed limit. Queues are compared where green begins, flows with
the mean of the following 450 s, whose own counting error is added.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, from anywhere

import numpy as np  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from benchmarks.belief import WARM_UP_S, between, green_groups, loaded_groups  # noqa: E402
from experiments.case import build_controller, place_of  # noqa: E402
from experiments.demand import draw_demand  # noqa: E402
from scenarios.catalogue import find  # noqa: E402
from signals.flow import FlowEstimator  # noqa: E402
from signals.loop import Loop  # noqa: E402
from signals.platoons import links  # noqa: E402
from signals.safety import Interlock  # noqa: E402
from signals.values import Estimate, Floats, Known, Outlook  # noqa: E402
from simulation.discharge import Discharges  # noqa: E402
from simulation.street import Demand, Street  # noqa: E402
from simulation.truth import Truth  # noqa: E402

NETWORKS, CONTROLLERS = ("single", "arterial"), ("existing", "max-pressure")
EVERY_S, AHEAD_S, NEXT_S = 10, 60.0, 450.0
Cell = tuple[int, int]


class Errors:
    """Errors of one quantity, with the standard deviations told."""

    def __init__(self) -> None:
        self._errors: list[float] = []
        self._sds: list[float] = []

    def add(self, error: float, sd: float = float("nan")) -> None:
        """One comparison."""
        self._errors.append(error)
        self._sds.append(sd)

    def figures(self) -> dict[str, float]:
        """Mean absolute error, mean error, and the parts within one and two standard deviations."""
        error, sd = np.array(self._errors), np.array(self._sds)
        if not error.size:
            return {"n": 0}
        within = {f"within_{k}_sd": float((np.abs(error) <= k * sd).mean()) for k in (1, 2)}
        mean = {"mae": float(np.abs(error).mean()), "bias": float(error.mean())}
        return {"n": error.size, **mean, **(within if np.isfinite(sd).all() else {})}


class Watcher:
    """Follows one estimator over one street."""

    def __init__(self, street: Street) -> None:
        self._layout, self._sumo = street.layout, street.sumo
        self.truth = Truth(street.sumo, street.network, street.layout)
        self.discharges = Discharges(street.sumo, street.layout)
        self.estimator = FlowEstimator(street.layout)
        self._outlooks: list[Outlook] = []
        self._green = np.zeros(street.layout.shape, bool)
        self._outlook: Outlook | None = None
        self._queue_veh: Floats = np.zeros(street.layout.shape)
        self.errors: dict[str, Errors] = defaultdict(Errors)

    def look(self, loop: Loop, counts: bool) -> None:
        """One step."""
        now_s = self._sumo.time_s
        self.truth.sample(now_s)
        record = loop.tick()
        self.discharges.sample(now_s, record.snapshot.stage)
        green = green_groups(record.traffic, self._layout)
        if counts and self._outlook:
            queue = self._outlook.queue_veh
            for cell in cells_of(green & ~self._green):
                error = queue.value[cell] - self._queue_veh[cell]
                self.errors["queue at green, veh"].add(float(error), float(queue.sd[cell]))
        told = self._outlook = self.estimator.outlook()
        self._green, self._queue_veh = green, self.truth.queue_veh
        if counts and now_s % EVERY_S == 0:
            self._outlooks.append(told)

    def finish(self) -> dict[str, dict[str, float]]:
        """Compare what was told with what has come since."""
        self.truth.finish()
        columns = self._layout.shape[1]
        _, targets, _ = links(self._layout)
        fed = {divmod(int(target), columns) for target in targets}
        free_s = self.truth.section_m / self._layout.speed_m_per_s
        end_s = self._sumo.time_s
        for cell in cells_of(loaded_groups(self._layout)):
            due_s = np.sort(np.array(self.truth.crossings.get(cell, []))) + free_s[cell]
            for told in self._outlooks:
                if told.time_s + max(NEXT_S, AHEAD_S) + free_s[cell] < end_s:
                    self._compare(told, cell, due_s, "platoons" if cell in fed else "entries")
        self._compare_saturation()
        self._compare_shares()
        return {name: errors.figures() for name, errors in sorted(self.errors.items())}

    def _compare(self, told: Outlook, cell: Cell, due_s: Floats, kind: str) -> None:
        now_s, flow = told.time_s, told.arrival_flow_veh_per_h
        coming = between(due_s, now_s, now_s + AHEAD_S)
        self._add(f"expected in 60 s, {kind}, veh", told.expected_veh_60s, cell, coming)
        self.errors[f"by the flow alone, {kind}, veh"].add(flow.value[cell] * AHEAD_S / 3600.0 - coming)
        per_h = 3600.0 / NEXT_S
        error = flow.value[cell] - between(due_s, now_s, now_s + NEXT_S) * per_h
        sd = np.sqrt(flow.sd[cell] ** 2 + flow.value[cell] * per_h)
        self.errors["flow, veh/h"].add(error, float(sd))

    def _add(self, name: str, told: Estimate, cell: Cell, true: float) -> None:
        self.errors[name].add(float(told.value[cell]) - true, float(told.sd[cell]))

    def _compare_saturation(self) -> None:
        flow = self.estimator.outlook().saturation_flow_veh_per_h
        for cell in cells_of(flow.known == Known.MEASURED):
            true = self.discharges.veh_per_h(cell)
            if np.isfinite(true):
                self.errors["saturation flow, part of it"].add(flow.value[cell] / true - 1.0, flow.sd[cell] / true)

    def _compare_shares(self) -> None:
        """With what came in the hour: shares are slow, so their mean over the run is compared."""
        shares = np.mean([told.turning_share.value for told in self._outlooks], axis=0)
        for row, intersection in enumerate(self._layout.intersections):
            groups = intersection.lane_groups
            came = [len(self.truth.crossings.get((row, k), [])) for k in range(len(groups))]
            for column, group in enumerate(groups):
                total = sum(n for n, g in zip(came, groups, strict=True) if g.approach == group.approach)
                if total:
                    self.errors["turning share"].add(float(shares[row, column]) - came[column] / total)


def cells_of(mask: np.ndarray) -> list[Cell]:
    """The cells where it is true."""
    return [(int(row), int(column)) for row, column in zip(*np.nonzero(mask), strict=True)]


def look(network: str, controller: str, demand: float, draw: int) -> dict[str, dict[str, float]]:
    """One run."""
    scenario = find(network)
    with tempfile.TemporaryDirectory(prefix="outlook-") as folder:
        drawn = draw_demand(scenario, demand, draw, Path(folder))
        with Street(place_of(scenario), Demand(drawn.route_file, drawn.vehicles), seed=draw, outputs=False) as street:
            watcher = Watcher(street)
            parts = watcher.estimator, build_controller(controller, street), Interlock(street.layout)
            loop = Loop(street.plant, *parts)
            while street.sumo.time_s < street.place.end_s:
                watcher.look(loop, street.sumo.time_s >= street.place.begin_s + WARM_UP_S)
                street.sumo.step_to(street.sumo.time_s + 1.0)
            return watcher.finish()


def table(rows: list[dict[str, Any]]) -> Table:
    """What is printed."""
    shown = Table("network", "controller", "quantity", "n", "mean abs. error", "bias", "within 1 sd", "within 2 sd")
    for row in rows:
        parts = [f"{row[name]:.0%}" if name in row else "-" for name in ("within_1_sd", "within_2_sd")]
        errors = [f"{row[name]:.3g}" if name in row else "-" for name in ("mae", "bias")]
        shown.add_row(row["network"], row["controller"], row["quantity"], str(row["n"]), *errors, *parts)
    return shown


def main() -> None:
    """Parse, run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--demand", type=float, default=1.0)
    parser.add_argument("--draw", type=int, default=0, help="0-99 to develop, 200-299 for a figure to be quoted")
    words = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for network in NETWORKS:
        for controller in CONTROLLERS:
            print(f"{network}, {controller}", file=sys.stderr, flush=True)
            found = look(network, controller, words.demand, words.draw)
            rows += [{"network": network, "controller": controller, "quantity": q, **f} for q, f in found.items()]
    Console(width=max(130, Console().width)).print(table(rows))
    if words.json:
        content = {"demand": words.demand, "draw": words.draw, "rows": rows}
        words.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
