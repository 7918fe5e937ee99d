"""Figures by period, movement, link, crossing and mode, kept beside the cases: a Parquet file for each kind."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

KINDS = ("periods", "movements", "links", "crossings", "modes")
CASE = ["scenario", "controller", "demand", "faults", "draw"]
TEXT = ("junction", "approach", "heading", "turns", "link", "mode")


def gathered(kept: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> dict[str, pd.DataFrame]:
    """By kind, the tables of all cases that have kept them, each row with its case. kept: a case's row and tables."""
    parts: dict[str, list[pd.DataFrame]] = {kind: [] for kind in KINDS}
    for row, tables in kept:
        names = {name: row.get(name, "") for name in CASE}
        for kind, columns in tables.items():
            if not columns:
                continue
            parts[kind].append(typed(pd.DataFrame(columns)).assign(**names))
    return {kind: pd.concat(found, ignore_index=True) for kind, found in parts.items() if found}


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """Names are text; everything else is a number, and NaN where a case has none."""
    return table.astype({name: "str" if name in TEXT else "float64" for name in table})


def table_file(folder: Path, kind: str) -> Path:
    return folder / f"{kind}.parquet"


def read_table(folder: Path, kind: str, cases: pd.DataFrame) -> pd.DataFrame:
    """A kind's rows, with `case`, the index of each one's case among the folder's; empty where none was kept."""
    file = table_file(folder, kind)
    if not file.is_file():
        return pd.DataFrame({"case": pd.Series(dtype="int64")})
    with duckdb.connect() as database:
        table = database.read_parquet(str(file)).df()
    index = cases[CASE].assign(case=cases.index)
    return table.merge(index, on=CASE, validate="m:1").drop(columns=CASE)
