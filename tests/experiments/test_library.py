"""Many folders as one library: found, filtered by a condition that can do nothing else, written for others."""

import json
from pathlib import Path

import pandas as pd
import pytest

from experiments.condition import parse_condition
from experiments.export import export
from experiments.library import cases_where, condition, library, lines_where
from experiments.store import MANIFEST
from signals.errors import ConfigError
from tests.reports.synthetic_results import MadeUp, write_results

COLUMNS = ("scenario", "controller", "demand", "delay_s", "gridlock")
SINGLE = MadeUp({"single": (900, 20.0, 1)}, {"existing": 1.0, "actuated": 0.8}, draws=range(3), demands=(0.8, 1.2))
OTHER = MadeUp({"arterial": (2900, 75.0, 5)}, {"existing": 1.0}, draws=range(2))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    write_results(folder / "a", SINGLE)
    write_results(folder / "deep" / "b", OTHER)
    old = write_results(folder / "old", OTHER) / MANIFEST
    old.write_text(json.dumps(json.loads(old.read_text(encoding="utf-8")) | {"accounting_version": 1}))
    return folder


def test_a_condition_is_sql_with_its_values_beside_it():
    found = parse_condition("scenario = 'o''clock' and (demand >= 1 or not gridlock = true)", COLUMNS)
    assert "o'" not in found.sql and found.sql.count("?") == 3
    assert found.sql.replace("(", "").replace(")", "") == '"scenario" = ? and "demand" >= ? or not "gridlock" = ?'
    assert found.values == ["o'clock", 1.0, True]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("delay > 3", "delay is no column, nearest: delay_s"),
        ("delay_s > read_csv('x')", "read_csv must be a number"),
        ("delay_s > 3; drop table cases", "'; drop table cases' is not understood"),
        ("demand = 1 --", "'--' is not understood"),
        ("delay_s >", "ends where a value is missing"),
        ("(demand = 1", "'\\)' is missing"),
        ("demand = 1 demand = 2", "'demand' is one too many"),
        ("scenario in (select 1)", "select must be a number"),
        ('"delay_s" > 1', "is not understood"),
        ("delay_s is 3", "'is' must be one of"),
    ],
)
def test_what_is_no_condition_is_one_line(text: str, said: str):
    """Nothing but columns, comparisons and values gets near the database."""
    with pytest.raises(ConfigError, match=said):
        parse_condition(text, COLUMNS)


def test_lines_are_found_at_any_depth_and_others_named(root: Path):
    found = library(root)
    assert len(found.folders) == 2
    assert len(found.left_out) == 1 and "accounting_version = 1" in found.left_out[0]
    lines = lines_where(found)
    assert set(lines["folder"]) == {"a", "deep/b"} and len(lines) == 5
    assert lines["draws"].sum() == 14


def test_a_condition_chooses_cases(root: Path):
    found = library(root)
    chosen = cases_where(found, condition("scenario = 'single' and demand > 1 and controller like 'act%'"))
    assert len(chosen) == 3 and set(chosen["controller"]) == {"actuated"}
    assert set(cases_where(found, condition("folder in ('deep/b', 'c')"))["scenario"]) == {"arterial"}
    assert len(cases_where(found, condition("demand = 0.8 or scenario = 'arterial'"))) == 8


def test_lines_are_means_of_the_chosen(root: Path):
    found = library(root)
    cases = cases_where(found, condition("draw < 2"))
    line = lines_where(found, condition("draw < 2 and scenario = 'arterial'")).iloc[0]
    assert line["delay_s"] == pytest.approx(cases[cases["scenario"] == "arterial"]["delay_s"].mean())


def test_a_place_without_results_is_one_line(tmp_path: Path):
    with pytest.raises(ConfigError, match="no results folder in it"):
        library(tmp_path)


def test_tables_are_the_same_in_every_form(root: Path, tmp_path: Path):
    """Parquet, CSV and a sheet of the workbook hold the same rows; a text is no formula."""
    table = cases_where(library(root)).assign(scenario="=1+1")
    export(tmp_path / "out", {"cases": table})
    text = pd.read_csv(tmp_path / "out" / "cases.csv")
    assert text["delay_s"].tolist() == pytest.approx(table["delay_s"].tolist())
    assert len(pd.read_csv(tmp_path / "out" / "cases.csv")) == len(table)
    assert (tmp_path / "out" / "tables.xlsx").stat().st_size > 1000
    assert (tmp_path / "out" / "cases.parquet").is_file()
