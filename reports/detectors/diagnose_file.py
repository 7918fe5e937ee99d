"""One file of detector data → verdicts, tables and the page, in a folder."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from formats.errors import FormatError
from formats.mapping import load_toml, mapping_from, typed
from formats.recording import Recording, open_recording
from formats.source import Progress, no_progress
from reports.detectors.collect import Collection, Group
from reports.detectors.cycles import COLUMNS, Phase, cycles, phases
from reports.detectors.diagnosis import VERDICTS, Health, diagnose
from reports.detectors.sites import Places, from_intersection, from_table, place_of
from signals.errors import ConfigError

MEASURED = ("volume_veh", "measured_veh", "occupancy", "speed_m_per_s", "faulty")
COUNT_COLUMNS = ("detector", "begin_s", "period_s", *MEASURED)


@dataclass(frozen=True)
class Judged:
    """A group with the verdict on each of its detectors, in the same order."""

    group: Group
    healths: tuple[Health, ...]


@dataclass(frozen=True)
class Diagnosis:
    """Everything that was found in a file; `groups` is drawn from as long as the collection lives."""

    recording: Recording
    places: Places
    collection: Collection
    groups: tuple[Judged, ...]
    phases: tuple[tuple[Phase, pd.DataFrame], ...]

    @property
    def healths(self) -> list[Health]:
        """The worst first."""
        found = [health for judged in self.groups for health in judged.healths]
        return sorted(found, key=lambda health: VERDICTS.index(health.verdict))


@contextmanager
def our_errors() -> Iterator[None]:
    """A file that cannot be read is an error of the one who named it."""
    try:
        yield
    except FormatError as error:
        raise ConfigError(str(error)) from error


@contextmanager
def diagnosed(
    file: Path, intersection: Path | None = None, format: str = "", map: str = "", progress: Progress = no_progress
) -> Iterator[Diagnosis]:
    """Read, collect on disk, judge. The detectors' places come from the intersection file, else from the map."""
    with our_errors(), tempfile.TemporaryDirectory() as folder:
        recording, places = opened(file, format, map)
        places = from_intersection(intersection) if intersection else places
        collection = Collection(recording, Path(folder), progress)
        try:
            yield judge(recording, places, collection)
        finally:
            collection.close()


def opened(file: Path, format: str, map: str) -> tuple[Recording, Places]:
    """The map is a TOML file with columns and `[detectors]`, or columns as they are typed."""
    is_file = map.endswith(".toml")
    table = load_toml(Path(map)) if is_file else typed(map)
    where = map if is_file else "--map"
    detectors = table.pop("detectors", {})
    if not isinstance(detectors, dict):
        raise ConfigError(f"{where}: detectors = {detectors!r}, must be tables: [detectors.4]")
    return open_recording(file, format, mapping_from(table, where)), from_table(detectors, where)


def judge(recording: Recording, places: Places, collection: Collection) -> Diagnosis:
    found = phases(collection, places)
    starts = {phase.number: np.array([green.begin_s for green in phase.greens]) for phase in found}

    def greens(name: str, begin_s: float, end_s: float) -> int | None:
        place = place_of(places, name)
        if place is None or place.phase not in starts:
            return None
        return int(((starts[place.phase] >= begin_s) & (starts[place.phase] < end_s)).sum())

    groups = tuple(Judged(group, tuple(diagnose(group, greens))) for group in collection.groups())
    groups = _with_unseen(groups, places, collection)
    edges = {name: each for judged in groups for name, each in judged.group.edges.items()}
    measured = tuple((phase, cycles(_named(phase, collection), edges)) for phase in found)
    return Diagnosis(recording, places, collection, groups, measured)


def _named(phase: Phase, collection: Collection) -> Phase:
    lanes = tuple(collection.detector_name(phase.device, int(lane)) for lane in phase.lanes if lane.isdigit())
    return replace(phase, lanes=lanes)


def _with_unseen(groups: tuple[Judged, ...], places: Places, collection: Collection) -> tuple[Judged, ...]:
    """Detectors that ought to be there and are in no row at all are silent, in the first group."""
    seen = {name.rpartition("/")[2] for judged in groups for name in judged.group.names}
    seen |= {name for judged in groups for name in judged.group.names}
    unseen = tuple(name for name in places if name not in seen)
    if not unseen or not groups:
        return groups
    group = groups[0].group
    empty = np.full((len(group.begin_s), len(unseen)), np.nan)
    wider = replace(
        group,
        names=group.names + unseen,
        volume_veh=np.hstack([group.volume_veh, empty]),
        measured_veh=np.hstack([group.measured_veh, empty]),
        occupancy=np.hstack([group.occupancy, empty]),
        speed_m_per_s=np.hstack([group.speed_m_per_s, empty]),
        faulty=np.hstack([group.faulty, np.isfinite(empty)]),
    )
    silent = tuple(Health.silent(name, collection.start_s, collection.end_s) for name in unseen)
    return (Judged(wider, groups[0].healths + silent), *groups[1:])


def detector_table(diagnosis: Diagnosis) -> pd.DataFrame:
    """A row a detector: verdict, reasons, totals."""
    rows = [
        _detector_row(judged.group, place, health, diagnosis.places)
        for judged in diagnosis.groups
        for place, health in enumerate(judged.healths)
    ]
    table = pd.DataFrame(rows)
    table["verdict"] = pd.Categorical(table["verdict"], VERDICTS, ordered=True)
    return table.sort_values("verdict", kind="stable").astype({"verdict": str}).reset_index(drop=True)


def _detector_row(group: Group, place: int, health: Health, places: Places) -> dict[str, object]:
    volume, measured = group.volume_veh[:, place], group.measured_veh[:, place]
    at, edges = place_of(places, health.detector), group.edges.get(health.detector)
    known_s = float(np.isfinite(volume).sum() * group.period_s)
    return {
        "detector": health.detector,
        "phase": at.phase if at else None,
        "function": at.function if at else "",
        "verdict": health.verdict,
        "reasons": "; ".join(f"{reason.kind}: {reason.words}" for reason in health.reasons),
        "volume_veh": float(np.nansum(volume)) if edges is None else float(edges.counted.sum()),
        "measured_veh": float(np.nansum(measured)) if edges is None else float(edges.measured.sum()),
        "flow_veh_per_h": float(np.nansum(volume)) * 3600.0 / known_s if known_s else float("nan"),
        "highest_flow_veh_per_h": _most(volume) * 3600.0 / group.period_s,
        "occupancy": _mean(group.occupancy[:, place]),
        "speed_m_per_s": _mean(group.speed_m_per_s[:, place]),
        "lost_ons": edges.lost_ons if edges else 0,
        "lost_offs": edges.lost_offs if edges else 0,
        "known_share": float(np.isfinite(volume).mean()),
        "neighbours": ", ".join(health.neighbours),
    }


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _most(values: np.ndarray) -> float:
    return float(np.nanmax(values)) if np.isfinite(values).any() else float("nan")


def count_tables(diagnosis: Diagnosis) -> Iterator[pd.DataFrame]:
    """Every detector's counts on the grid, a group at a time."""
    for judged in diagnosis.groups:
        group = judged.group
        size = len(group.begin_s)
        columns = {
            "detector": np.repeat(np.array(group.names, dtype=object), size),
            "begin_s": np.tile(group.begin_s, len(group.names)),
            "period_s": group.period_s,
            **{name: getattr(group, name).T.ravel() for name in MEASURED},
        }
        yield pd.DataFrame(columns, columns=list(COUNT_COLUMNS))


def cycle_table(diagnosis: Diagnosis) -> pd.DataFrame:
    tables = [table for _, table in diagnosis.phases if len(table)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))


def write_tables(diagnosis: Diagnosis, out: Path) -> None:
    """`detectors`, `counts` and, where the log has signals, `cycles`: each as CSV and as Parquet."""
    out.mkdir(parents=True, exist_ok=True)
    _write(out, "detectors", iter([detector_table(diagnosis)]))
    _write(out, "counts", count_tables(diagnosis))
    if diagnosis.phases:
        _write(out, "cycles", iter([cycle_table(diagnosis)]))


def _write(out: Path, name: str, tables: Iterator[pd.DataFrame]) -> None:
    """Both files have the same rows; a group at a time is in memory."""
    with duckdb.connect() as connection, (out / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
        connection.execute("set enable_progress_bar = false")
        for place, table in enumerate(tables):
            table.to_csv(stream, index=False, header=not place, lineterminator="\n")
            connection.register("part", table)
            connection.execute(f"{'insert into rows' if place else 'create table rows as'} select * from part")
            connection.unregister("part")
        target = str(out / f"{name}.parquet").replace("'", "''")
        connection.execute(f"copy rows to '{target}' (format parquet)")
