"""Tables as files that others open: each as CSV and Parquet, all of them as one Excel workbook."""

from collections.abc import Mapping
from pathlib import Path

import duckdb
import pandas as pd

from experiments.store import one_line, write_whole

WORKBOOK = "tables.xlsx"
LONGEST_CELL = 32_767
"""Characters that Excel holds in a cell."""


def export(folder: Path, tables: Mapping[str, pd.DataFrame]) -> Path:
    """Write NAME.csv, NAME.parquet and a workbook with a sheet for each into `folder`."""
    with one_line(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as database:
            for name, table in tables.items():
                write_whole(folder / f"{name}.csv", table.to_csv(index=False))
                database.from_df(table).write_parquet(str(folder / f"{name}.parquet"))
        with pd.ExcelWriter(folder / WORKBOOK, engine="xlsxwriter") as workbook:
            for name, table in tables.items():
                _sheet(workbook, name, table)
    return folder


def _sheet(workbook: pd.ExcelWriter, name: str, table: pd.DataFrame) -> None:
    """Headers stay in sight and can be filtered by; a text that begins with = is a text."""
    cut = table.map(lambda value: value[:LONGEST_CELL] if isinstance(value, str) else value)
    cut.to_excel(workbook, sheet_name=name[:31], index=False, freeze_panes=(1, 0))
    sheet = workbook.sheets[name[:31]]
    sheet.autofilter(0, 0, max(len(table), 1), max(len(table.columns) - 1, 0))
    sheet.set_column(0, max(len(table.columns) - 1, 0), 14)
