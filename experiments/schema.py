"""The table of cases: its columns, their types, and the order of its rows, however they were run."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from signals.errors import ConfigError

ACCOUNTING_VERSION = 3  # raise it when a measure's definition changes: older results are then refused, never mixed in

TEXT = (
    "scenario", "controller", "network_digest", "demand_digest", "detector_digest", "controller_digest",
    "override_digest", "faults", "delay_by_junction",
)  # fmt: skip
WHOLE = (
    "draw", "scheduled", "entered", "completed", "inside", "never_entered", "inside_at_cap", "never_entered_at_cap",
    "persons", "junctions", "junctions_controlled", "seed",
)  # fmt: skip
COLUMNS = (
    "scenario", "controller", "demand", "draw", "faults", "scheduled", "entered", "completed", "inside",
    "never_entered", "inside_at_cap", "never_entered_at_cap", "throughput_veh_per_h", "clear_time_s", "delay_s",
    "delay_p95_s", "wait_max_s", "starve_max_s", "delay_per_signal_s", "delay_at_signals_s", "worst_junction_delay_s",
    "stops_per_veh", "queue_mean_veh", "co2_kg", "gridlock", "bicycle_delay_s", "persons", "person_delay_s",
    "person_wait_s", "person_wait_max_s", "junctions", "junctions_controlled", "vehicles_controlled_share", "seed",
    "network_digest", "demand_digest", "detector_digest", "controller_digest", "override_digest", "delay_by_junction",
)  # fmt: skip
LATER = ("faults", "delay_by_junction")  # what results of this accounting may lack: it is empty there
KINDS = {"float64": COLUMNS, "str": TEXT, "int64": WHOLE, "bool": ("gridlock",)}  # later ones override
DTYPES = {column: kind for kind, columns in KINDS.items() for column in columns}

Row = Mapping[str, Any]


def check_row(row: Row) -> None:
    """A case's row is exactly the table's columns."""
    missing, unknown = [name for name in COLUMNS if name not in row], [name for name in row if name not in DTYPES]
    if missing or unknown:
        raise ConfigError(f"a case's row lacks {missing or 'nothing'} and has {unknown or 'nothing'} unknown")


def typed(cases: pd.DataFrame) -> pd.DataFrame:
    """As the table has them; what was not written yet when a case was run is empty."""
    for column in LATER:
        cases = cases.assign(**{column: cases[column].astype(object).fillna("") if column in cases else ""})
    return cases[list(COLUMNS)].astype(DTYPES).reset_index(drop=True)


def table(rows: Iterable[Row], scenarios: Iterable[str], controllers: Iterable[str]) -> pd.DataFrame:
    """The rows in the grid's order: scenarios, controllers as named (the others behind them), faults, demand, draw."""
    cases = typed(pd.DataFrame(list(rows), columns=list(COLUMNS)))
    named = {"scenario": scenarios, "controller": controllers}
    order = cases[["scenario", "controller", "faults", "demand", "draw"]].copy()
    for column, names in named.items():
        order[column] = order[column].map(_ranks(order[column], names))
    return cases.loc[order.sort_values(list(order.columns)).index].reset_index(drop=True)


def origins(cases: pd.DataFrame) -> dict[str, Any]:
    """For the manifest: each scenario's and controller's digests, the multiples and draws, in the table's order."""
    return {
        "scenarios": {name: _scenario(group) for name, group in cases.groupby("scenario", sort=False)},
        "controllers": {
            name: {place: _all(inner["controller_digest"]) for place, inner in group.groupby("scenario", sort=False)}
            for name, group in cases.groupby("controller", sort=False)
        },
        "demands": sorted(cases["demand"].unique().tolist()),
        "draws": sorted(cases["draw"].unique().tolist()),
        "faults": [faults or "none" for faults in cases["faults"].unique()],
        "seeds": sorted(cases["seed"].unique().tolist()),
        "cases": len(cases),
    }


def _scenario(cases: pd.DataFrame) -> dict[str, Any]:
    return {
        "network_digest": _all(cases["network_digest"]),
        "detector_digest": _all(cases["detector_digest"]),
        "override_digest": _all(cases["override_digest"]),
        "demand_digests": {
            f"{multiple:g}": {str(draw): _all(inner["demand_digest"]) for draw, inner in group.groupby("draw")}
            for multiple, group in cases.groupby("demand")
        },
    }


def _all(digests: pd.Series) -> str:
    """Nearly always one; where cases differ, every one of them."""
    return " ".join(digests.unique())


def _ranks(names: pd.Series, named: Iterable[str]) -> dict[str, int]:
    order = dict.fromkeys([*named, *sorted(names.unique())])
    return {name: rank for rank, name in enumerate(order)}
