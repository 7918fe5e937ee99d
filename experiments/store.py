"""Results on disk: a small file for each finished case, and the tables and manifest made of them."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from experiments.case_tables import KINDS, gathered, table_file
from experiments.schema import ACCOUNTING_VERSION, Row, check_row, origins, table, typed
from experiments.statistics import summarise
from signals.errors import ConfigError

MANIFEST, CASES, SUMMARY = "manifest.json", "cases.parquet", "summary.csv"
TABLES = "tables"
DUCKDB_ERRNO = re.compile(r'"errno":"(\d+)"')


@dataclass(frozen=True)
class Results:
    """A results folder as read: a row a case, and where it came from."""

    folder: Path
    cases: pd.DataFrame
    manifest: dict[str, Any]


def load(folder: Path) -> Results:
    """The results of a run; ConfigError where there are none, or they keep other accounts."""
    manifest, file = read_manifest(folder), folder / CASES
    if not file.is_file():
        raise ConfigError(f"{file}: No such file; its run was stopped, or no case has finished: repeat it")
    with duckdb.connect() as database, one_line(file):
        cases = typed(database.read_parquet(str(file)).df())
    if cases.empty:
        raise ConfigError(f"{file}: has no case, must have at least 1; repeat its run")
    return Results(folder, cases, manifest)


def read_manifest(folder: Path) -> dict[str, Any]:
    file = folder / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(file.read_text())
        found = manifest["accounting_version"]
    except NotADirectoryError as error:
        run = f"evaluate.py run --scenario {folder} --out results/own"
        raise ConfigError(f"{folder}: is a file, must be a results folder, as {run} leaves one") from error
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}; {folder} is no results folder") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{file}: is no manifest of results ({error!r})") from error
    if found != ACCOUNTING_VERSION:
        bound = f"accounting_version = {found}, must be {ACCOUNTING_VERSION}"
        raise ConfigError(f"{file}: {bound}; run its cases again in a new folder")
    return manifest


class ResultsFolder:
    """Where a run writes: each file whole or not at all, so that the same command goes on after any stop."""

    def __init__(self, folder: Path, decision_s: float) -> None:
        self.folder, self._cases, self._failed = folder, folder / "cases", folder / "failed"
        with one_line(folder):
            folder.mkdir(parents=True, exist_ok=True)
            if not any(folder.iterdir()):
                self._write_manifest({"accounting_version": ACCOUNTING_VERSION, "decision_s": decision_s})
            self.manifest = read_manifest(folder)
            self._cases.mkdir(exist_ok=True)
        found = self.manifest["decision_s"]
        if found != decision_s:
            raise ConfigError(f"{folder / MANIFEST}: decision_s = {found}, asked for {decision_s}; give another --out")

    def holds(self, key: str, stamp: str) -> bool:
        """Whether this case is finished, by the same code and from the same files."""
        return self.row(key, stamp) is not None

    def row(self, key: str, stamp: str) -> Row | None:
        """What this case has come to, where it is finished."""
        try:
            kept = json.loads(self._case_file(key).read_text())
            row: Row | None = kept["row"] if kept["stamp"] == stamp else None
            return row
        except (OSError, ValueError, KeyError):
            return None

    def keep(self, key: str, stamp: str, row: Row) -> None:
        """Write a finished case at once, with the `tables` that its row may have."""
        figures = without_tables(row)
        check_row(figures)
        whole = {"stamp": stamp, "row": figures, TABLES: row.get(TABLES, {})}
        with one_line(self.folder):
            write_whole(self._case_file(key), json.dumps(whole))
            self.failure_log(key).unlink(missing_ok=True)

    def keep_failure(self, key: str, log: str) -> Path:
        """The file with what a failed case's process printed, for whoever looks into it."""
        with one_line(self.folder):
            self._case_file(key).unlink(missing_ok=True)  # of older code or files
            self._failed.mkdir(exist_ok=True)
            write_whole(self.failure_log(key), log)
        return self.failure_log(key)

    def failure_log(self, key: str) -> Path:
        return self._failed / f"{key}.log"

    def write_tables(
        self, about: Mapping[str, Any], scenarios: Sequence[str], controllers: Sequence[str]
    ) -> pd.DataFrame:
        """Parquet tables, summary.csv and manifest.json of all cases in the folder, whichever run made them."""
        kept: list[dict[str, Any]] = []
        with one_line(self.folder):
            details = gathered(self._each_case(kept))
        rows = [each["row"] for each in kept]
        known = self.manifest.get("scenarios", {}), self.manifest.get("controllers", {})
        cases = table(rows, [*known[0], *scenarios], [*known[1], *controllers])
        summary = summarise(cases, about["baseline"])
        with one_line(self.folder):
            _write_parquet(self.folder / CASES, cases)
            for kind in KINDS:
                table_file(self.folder, kind).unlink(missing_ok=True)  # of cases that are not there any more
                if kind in details:
                    _write_parquet(table_file(self.folder, kind), details[kind])
            write_whole(self.folder / SUMMARY, summary.to_csv(index=False))
            self._write_manifest({**self.manifest, **about, **origins(cases), "mixed": mixed(kept)})
        return cases

    def _each_case(self, kept: list[dict[str, Any]]) -> Iterator[tuple[Row, Mapping[str, Any]]]:
        """Row and tables of one case after the other; `kept` takes all but the tables."""
        for file in sorted(self._cases.glob("*.json")):
            case = json.loads(file.read_text())
            tables = case.pop(TABLES, {})
            kept.append(case)
            yield case["row"], tables

    def _write_manifest(self, manifest: dict[str, Any]) -> None:
        self.manifest = manifest
        write_whole(self.folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")

    def _case_file(self, key: str) -> Path:
        return self._cases / f"{key}.json"


def without_tables(row: Row) -> dict[str, Any]:
    """A case's figures for the whole window alone."""
    return {name: value for name, value in row.items() if name != TABLES}


def mixed(kept: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Each scenario and controller whose cases do not all come from the same code and files."""
    stamps: dict[tuple[str, str], set[str]] = {}
    for each in kept:
        stamps.setdefault((each["row"]["scenario"], each["row"]["controller"]), set()).add(each["stamp"])
    return [list(who) for who, found in stamps.items() if len(found) > 1]


@contextmanager
def one_line(path: Path) -> Iterator[None]:
    """A full, read-only or missing place is the user's to mend: say which, and why."""
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    except duckdb.Error as error:
        number = DUCKDB_ERRNO.search(str(error))
        reason = os.strerror(int(number[1])) if number else " ".join(str(error).split())
        raise ConfigError(f"{path}: {reason}") from error


def _write_parquet(file: Path, cases: pd.DataFrame) -> None:
    part = file.with_suffix(".part")
    try:
        with duckdb.connect() as database:
            database.from_df(cases).write_parquet(str(part))
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def write_whole(file: Path, text: str) -> None:
    """Whole or not at all: under a passing name first."""
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_text(text)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
