"""Many results folders as one library: found, filtered and set side by side without loading them all."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from experiments.condition import Condition, parse_condition
from experiments.schema import COLUMNS, LATER
from experiments.store import CASES, MANIFEST, one_line, read_manifest
from signals.errors import ConfigError

FOLDER = "folder"
KNOWN = (FOLDER, *COLUMNS)
LINE = (FOLDER, "scenario", "controller", "demand", "faults")
MEANS = ("delay_s", "delay_per_signal_s", "throughput_veh_per_h", "never_entered", "stops_per_veh", "co2_kg")
WORST = ("starve_max_s",)
EVERYTHING = Condition("true")


@dataclass(frozen=True)
class Library:
    """The folders that can be read, and why others cannot, a line each."""

    root: Path
    folders: list[Path]
    left_out: list[str]


def library(root: Path) -> Library:
    """Every results folder at or below a place. ConfigError where there is none."""
    folders, left_out = [], []
    for manifest in sorted(root.rglob(MANIFEST)):
        try:
            read_manifest(manifest.parent)
            if not (manifest.parent / CASES).is_file():
                raise ConfigError(f"{manifest.parent}: no case has finished")
            folders.append(manifest.parent)
        except ConfigError as error:
            left_out.append(str(error))
    if not folders:
        raise ConfigError("; ".join([f"{root}: no results folder in it", *left_out[:1]]))
    return Library(root, folders, left_out)


def condition(text: str) -> Condition:
    """What `--where` says; everything where it says nothing."""
    return parse_condition(text, KNOWN) if text.strip() else EVERYTHING


def cases_where(found: Library, where: Condition = EVERYTHING) -> pd.DataFrame:
    """The cases that meet a condition, with their folder."""
    return _query(found, f"select {_listed(KNOWN)} from cases where {where.sql}", where)


def lines_where(found: Library, where: Condition = EVERYTHING) -> pd.DataFrame:
    """A row for each folder, scenario, controller, demand and faults that has such cases; least delay first."""
    means = ", ".join(f'avg("{name}") as "{name}"' for name in MEANS)
    worst = ", ".join(f'max("{name}") as "{name}"' for name in WORST)
    measured = f"count(*) as draws, {means}, {worst}, avg(gridlock::int) as gridlock_rate"
    order = f"{_listed(('scenario', 'demand', 'faults'))}, delay_s, folder"
    sql = f"select {_listed(LINE)}, {measured} from cases where {where.sql} group by {_listed(LINE)} order by {order}"
    return _query(found, sql, where)


def _query(found: Library, sql: str, where: Condition) -> pd.DataFrame:
    """`cases` is all files' rows; columns that came later are empty where a file lacks them."""
    files = [str(folder / CASES) for folder in found.folders]
    with duckdb.connect() as database, one_line(found.root):
        shapes = database.execute(
            "select distinct name from parquet_schema(?) where name in (select unnest(?))", [files, list(COLUMNS)]
        ).fetchall()
        held = {name for (name,) in shapes}
        whole = ", ".join(_column(name, name in held) for name in COLUMNS)
        path = "parse_dirpath(filename)"
        folder = f"case when {path} = ? then ? else substr({path}, ?) end as {FOLDER}"
        read = "read_parquet(?, union_by_name = true, filename = true)"
        query = f"with cases as (select {folder}, {whole} from {read}) {sql}"
        root = str(found.root)
        return database.execute(query, [root, root, len(root) + 2, files, *where.values]).df()


def _column(name: str, held: bool) -> str:
    if name not in LATER:
        return f'"{name}"'
    return f'coalesce("{name}", \'\') as "{name}"' if held else f"'' as \"{name}\""


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)
