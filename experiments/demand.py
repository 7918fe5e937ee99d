"""Demand draws: one scenario's traffic at any multiple of today's, the same vehicles for every controller.

Draws are nested in the multiple: what departs at a lower one departs at every higher one, under the same id and at the
same second.
"""

import hashlib
import math
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scenarios.cache import file_digest
from scenarios.catalogue import Scenario
from scenarios.traffic import Traffic, Traveller, Window, read_traffic
from signals.errors import ConfigError

SHIFT_S = 120.0  # each copy of a vehicle departs up to this much earlier or later than its author wrote
THINNING, SHIFTS = 0, 1  # streams of a draw: u(draw, i) first, then the shifts of each copy
HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n<routes>\n'


@dataclass(frozen=True)
class DrawnDemand:
    """One draw, written out for SUMO.

    `vehicles` has id, depart_s (as scheduled) and edges (blank between them), `persons` has id and depart_s.
    """

    route_file: Path
    vehicles: pd.DataFrame
    persons: pd.DataFrame
    digest: str


@dataclass(frozen=True)
class _Prepared:
    """A scenario's travellers with the columns that a draw computes with."""

    traffic: Traffic
    index: NDArray[np.int64]
    depart_s: NDArray[np.float64]
    timetabled: NDArray[np.bool_]


def draw_demand(scenario: Scenario, multiple: float, draw: int, folder: Path) -> DrawnDemand:
    """Write the scenario's demand at `multiple` in draw number `draw` into `folder`."""
    if not (multiple > 0 and math.isfinite(multiple)):
        raise ConfigError(f"demand = {multiple:g}, must be above 0")
    if draw < 0:
        raise ConfigError(f"draw = {draw}, must be 0 or above")
    check_multiple(scenario, multiple)
    prepared = _prepare(scenario)
    as_written = scenario.rules.as_written
    drawn_from = _as_written if as_written else _departures
    who, copies, depart_s = drawn_from(prepared, scenario, multiple * scenario.scale, draw)
    travellers = prepared.traffic.travellers
    drawn = zip(who.tolist(), copies.tolist(), depart_s.tolist(), strict=True)
    rows = [(travellers[i], _copy_id(travellers[i], copy), at_s) for i, copy, at_s in drawn]
    if as_written:
        (route_file,) = scenario.route_files
        return DrawnDemand(route_file, _vehicles(rows, scenario), _persons(rows), file_digest(route_file))
    text = _route_file_text(prepared.traffic, rows)
    route_file = folder / f"demand-{multiple:g}-draw-{draw}.rou.xml"
    _write(route_file, text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return DrawnDemand(route_file, _vehicles(rows, scenario), _persons(rows), digest)


def check_multiple(scenario: Scenario, multiple: float) -> None:
    """Raise `ConfigError` for a multiple that the scenario's rules do not know."""
    if scenario.rules.as_written and multiple != 1:
        raise ConfigError(f"{scenario.name}: demand = {multiple:g}, must be 1: its rules take the demand as written")


def check_demand(scenario: Scenario) -> None:
    """Raise `ConfigError` where the scenario's traffic cannot be read, or there is none."""
    _prepare(scenario)


def traffic_of(scenario: Scenario, window: Window) -> Traffic:
    """Today's, which a draw at 1.0 repeats with other departures."""
    files = scenario.net_file, scenario.route_files, scenario.additional_files
    return read_traffic(*files, window, scenario.ignore_route_errors)


def _prepare(scenario: Scenario) -> _Prepared:
    files = (scenario.net_file, *scenario.route_files, *scenario.additional_files)
    return _prepare_once(scenario, tuple(file_digest(file) for file in files))


@lru_cache(maxsize=8)
def _prepare_once(scenario: Scenario, _digests: tuple[str, ...]) -> _Prepared:
    window = Window(scenario.begin_s, scenario.end_s, margin_s=SHIFT_S + scenario.step_length_s)
    traffic = traffic_of(scenario, window)
    travellers = traffic.travellers
    if not travellers:
        raise ConfigError(f"{scenario.name}: nobody departs in {scenario.begin_s:g} to {scenario.end_s:g} s")
    return _Prepared(
        traffic,
        np.array([traveller.index for traveller in travellers], dtype=np.int64),
        np.array([traveller.depart_s for traveller in travellers], dtype=np.float64),
        np.array([traveller.timetabled for traveller in travellers], dtype=np.bool_),
    )


def _stream(draw: int, number: int) -> np.random.Generator:
    """Counter-based, so that a draw is the same in every process and on every machine."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([draw, number])))


def _departures(
    prepared: _Prepared, scenario: Scenario, multiple: float, draw: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Position, copy number and time of every departure in the window, in the order of departure.

    Shifted times fall on whole steps of the simulation: SUMO would hold a broken one over to the next step and book
    that as departDelay.
    """
    whole = math.floor(multiple + 1e-9)
    broken = max(0.0, multiple - whole)
    size = int(prepared.index.max()) + 1
    also = _stream(draw, THINNING).random(size)[prepared.index] < broken
    who = [np.flatnonzero(prepared.timetabled)]
    copies = [np.zeros(len(who[0]), dtype=np.int64)]
    times = [prepared.depart_s[who[0]]]
    for copy in range(whole + 1):
        departs = ~prepared.timetabled & (also if copy == whole else True)
        shifts = _stream(draw, SHIFTS + copy).uniform(-SHIFT_S, SHIFT_S, size)[prepared.index[departs]]
        steps = np.round((prepared.depart_s[departs] + shifts) / scenario.step_length_s)
        who.append(np.flatnonzero(departs))
        copies.append(np.full(departs.sum(), copy, dtype=np.int64))
        times.append(steps * scenario.step_length_s)
    return _in_order(np.concatenate(who), np.concatenate(copies), np.concatenate(times), scenario)


def _as_written(
    prepared: _Prepared, scenario: Scenario, _multiple: float, _draw: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Everybody once, at the time in the file: draws differ by SUMO's seed alone.

    SUMO is given the file itself, and finds trips their way by the traffic at their departure, as whoever published
    figures had it; the routes told here, on the empty network, only say how many signals are to be passed.
    """
    who = np.arange(len(prepared.depart_s))
    return _in_order(who, np.zeros_like(who), prepared.depart_s, scenario)


def _in_order(
    who: NDArray[np.int64], copies: NDArray[np.int64], times: NDArray[np.float64], scenario: Scenario
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    times = np.round(times, 2)  # as it will stand in the file
    inside = ((times >= scenario.begin_s) & (times < scenario.end_s)) | np.isnan(times)
    who, copies, times = who[inside], copies[inside], times[inside]
    order = np.lexsort((copies, who, np.nan_to_num(times, nan=-np.inf)))
    return who[order], copies[order], times[order]


def _copy_id(traveller: Traveller, copy: int) -> str:
    return traveller.id if copy == 0 else f"{traveller.id}#{copy}"


def _route_file_text(traffic: Traffic, rows: list[tuple[Traveller, str, float]]) -> str:
    definitions = "".join(f"    {definition}\n" for definition in traffic.definitions)
    return HEADER + definitions + "".join(_element(*row) for row in rows) + "</routes>\n"


def _element(traveller: Traveller, name: str, depart_s: float) -> str:
    """`name` needs quoting no more than the author's own id did: SUMO allows no XML characters in ids."""
    departs = "" if math.isnan(depart_s) else f' depart="{depart_s:.2f}"'
    return f'    <{traveller.tag} id="{name}"{departs}{traveller.attributes}>{traveller.body}</{traveller.tag}>\n'


def _vehicles(rows: list[tuple[Traveller, str, float]], scenario: Scenario) -> pd.DataFrame:
    """Scheduled vehicles only; no persons, and no vehicles that wait for someone to board."""
    scheduled = [
        (name, at_s, traveller.edges)
        for traveller, name, at_s in rows
        if traveller.tag == "vehicle" and not math.isnan(at_s)
    ]
    vehicles = pd.DataFrame(scheduled, columns=["id", "depart_s", "edges"]).astype({"depart_s": float})
    if not vehicles["id"].is_unique:
        twice = vehicles["id"][vehicles["id"].duplicated()].iloc[0]
        raise ConfigError(f"{scenario.name}: vehicle id '{twice}' is there twice")
    return vehicles


def _persons(rows: list[tuple[Traveller, str, float]]) -> pd.DataFrame:
    """Scheduled persons only; not those who set out when their vehicle does."""
    scheduled = [(name, at_s) for one, name, at_s in rows if one.tag == "person" and not math.isnan(at_s)]
    return pd.DataFrame(scheduled, columns=["id", "depart_s"]).astype({"depart_s": float})


def _write(route_file: Path, text: str) -> None:
    try:
        route_file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=route_file.parent, delete=False) as stream:
            stream.write(text)
        Path(stream.name).replace(route_file)
    except OSError as error:
        raise ConfigError(f"{route_file}: {error.strerror}") from error
