"""A results folder: what is in it is whole, says where it came from, and is never mixed with other accounts."""

import errno
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from experiments.case import Case
from experiments.case_tables import read_table
from experiments.schema import ACCOUNTING_VERSION, COLUMNS, DTYPES
from experiments.store import ResultsFolder, load
from signals.errors import ConfigError
from tests.experiments.cheap_cases import row

FACTS = {"baseline": "existing"}


def filled(folder: Path, *cases: Case) -> ResultsFolder:
    results = ResultsFolder(folder, 1.0)
    for case in cases:
        results.keep(case.key, "stamp", row(case, clear_time_s=float("nan"), delay_s=0.1 + case.draw / 3))
    return results


def case(draw: int, controller: str = "existing", scenario: str = "b") -> Case:
    return Case(scenario, controller, 1.0, draw)


def test_cases_come_back_as_they_were_written_with_their_types(tmp_path: Path):
    written = filled(tmp_path, case(0), case(1)).write_tables(FACTS, ["b"], ["existing"])
    read = load(tmp_path)
    pd.testing.assert_frame_equal(read.cases, written, check_exact=True)
    assert {name: str(kind) for name, kind in read.cases.dtypes.items()} == {name: DTYPES[name] for name in COLUMNS}
    assert read.cases["clear_time_s"].isna().all()
    assert read.manifest["scenarios"]["b"]["demand_digests"] == {"1": {"0": "digest", "1": "digest"}}
    assert (tmp_path / "summary.csv").read_text().startswith("scenario,controller,demand,faults,draws,pairs,")


def test_rows_from_before_there_were_faults_stay_valid(tmp_path: Path):
    """Their key is what it was, and they had none; beside them, rows that have some."""
    assert case(0).key == hashlib.sha256(b"b|existing|1|0|1").hexdigest()[:16]
    folder, broken = filled(tmp_path, case(0)), replace(case(0), faults="dead=0.2")
    file = tmp_path / "cases" / f"{case(0).key}.json"
    written = json.loads(file.read_text())
    del written["row"]["faults"]
    file.write_text(json.dumps(written))
    assert folder.write_tables(FACTS, ["b"], ["existing"])["faults"].tolist() == [""]
    folder.keep(broken.key, "stamp", row(broken))
    assert folder.write_tables(FACTS, ["b"], ["existing"])["faults"].tolist() == ["", "dead=0.2"]
    assert load(tmp_path).manifest["faults"] == ["none", "dead=0.2"]


def test_rows_are_in_the_grids_order_whatever_order_they_finished_in(tmp_path: Path):
    folder = filled(tmp_path, case(1, "actuated", "a"), case(2), case(0), case(10), case(0, "actuated", "b"))
    cases = folder.write_tables(FACTS, ["b", "a"], ["existing", "actuated"])
    assert list(zip(cases["scenario"], cases["controller"], cases["draw"], strict=True)) == [
        ("b", "existing", 0),
        ("b", "existing", 2),
        ("b", "existing", 10),
        ("b", "actuated", 0),
        ("a", "actuated", 1),
    ]


def test_a_later_run_adds_its_cases_behind_those_of_the_first(tmp_path: Path):
    filled(tmp_path, case(0, "max-pressure")).write_tables(FACTS, ["b"], ["max-pressure"])
    cases = filled(tmp_path, case(0, "actuated")).write_tables(FACTS, ["b"], ["actuated"])
    assert list(cases["controller"]) == ["max-pressure", "actuated"]


def test_a_finished_case_holds_only_for_the_same_code_and_files(tmp_path: Path):
    folder = filled(tmp_path, case(0))
    assert folder.holds(case(0).key, "stamp")
    assert not folder.holds(case(0).key, "another stamp")
    assert not folder.holds(case(1).key, "stamp")


def test_a_torn_case_file_is_an_unfinished_case(tmp_path: Path):
    folder = filled(tmp_path, case(0))
    (tmp_path / "cases" / f"{case(0).key}.json").write_text('{"stamp": "sta')
    assert not folder.holds(case(0).key, "stamp")


def test_a_row_that_lacks_a_column_is_refused(tmp_path: Path):
    short = row(case(0))
    del short["co2_kg"]
    with pytest.raises(ConfigError, match="co2_kg"):
        ResultsFolder(tmp_path, 1.0).keep("key", "stamp", short)


def other_version(folder: Path) -> str:
    filled(folder, case(0)).write_tables(FACTS, ["b"], ["existing"])
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"accounting_version": 99}))
    return f"{manifest}: accounting_version = 99, must be {ACCOUNTING_VERSION}"


@pytest.mark.parametrize("use", [load, lambda folder: ResultsFolder(folder, 1.0)])
def test_results_of_another_accounting_are_refused_by_name_and_version(use: Callable, tmp_path: Path):
    message = other_version(tmp_path)
    with pytest.raises(ConfigError) as caught:
        use(tmp_path)
    assert str(caught.value).startswith(message)


def test_one_folder_has_one_time_between_decisions(tmp_path: Path):
    ResultsFolder(tmp_path, 1.0)
    with pytest.raises(ConfigError, match=r"decision_s = 1\.0, asked for 5\.0"):
        ResultsFolder(tmp_path, 5.0)


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(ConfigError, match=r"manifest\.json: No such file"):
        ResultsFolder(tmp_path, 1.0)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("text", ["{", "[]", "{}", "7"])
def test_a_manifest_that_is_none_is_one_line(text: str, tmp_path: Path):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ConfigError, match=r"manifest\.json: is no manifest"):
        load(tmp_path)


def test_a_file_where_the_folder_should_be_is_one_line(tmp_path: Path):
    file = tmp_path / "results"
    file.write_text("")
    with pytest.raises(ConfigError, match=rf"^{file}: File exists$"):
        ResultsFolder(file, 1.0)


def test_a_place_that_takes_no_folder_is_one_line():
    """/proc stands for a read-only disk: permission bits do not bind the superuser that tests may run as."""
    with pytest.raises(ConfigError, match=r"^/proc/results: "):
        ResultsFolder(Path("/proc/results"), 1.0)


def test_a_full_disk_is_one_line_and_leaves_no_torn_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = ResultsFolder(tmp_path, 1.0)

    def full(path: Path, text: str) -> int:
        path.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(ConfigError, match=rf"^{tmp_path}: No space left on device$"):
        folder.keep("key", "stamp", row(case(0)))
    assert not list((tmp_path / "cases").iterdir())


PERIODS = {"begin_s": [600.0, 1500.0], "person_delay_s": [None, 3.0]}
LINKS = {"link": ["7"], "delay_s": [2.5]}


def kept_with_tables(folder: Path, *cases: Case) -> ResultsFolder:
    results = ResultsFolder(folder, 1.0)
    for each in cases:
        results.keep(each.key, "stamp", row(each) | {"tables": {"periods": PERIODS, "links": LINKS}})
    return results


def test_figures_of_parts_of_a_case_come_back_with_their_case(tmp_path: Path):
    """A name that looks like a number is a name, a mean of nobody is NaN; the case's own row is without them."""
    folder = kept_with_tables(tmp_path, case(1), case(0))
    assert "tables" not in (folder.row(case(0).key, "stamp") or {"tables": ""})
    cases = folder.write_tables(FACTS, ["b"], ["existing"])
    periods, links = (read_table(tmp_path, kind, cases) for kind in ("periods", "links"))
    assert sorted(periods["case"]) == [0, 0, 1, 1]
    assert periods["person_delay_s"].isna().tolist() == [True, False] * 2
    assert links["link"].tolist() == ["7", "7"]
    assert read_table(tmp_path, "movements", cases).empty


def test_cases_without_such_figures_stand_beside_those_that_have_them(tmp_path: Path):
    """A folder of older cases has none; a later run adds its own; an older one that is run again does not leave any."""
    filled(tmp_path, case(0)).write_tables(FACTS, ["b"], ["existing"])
    assert not (tmp_path / "periods.parquet").exists()
    cases = kept_with_tables(tmp_path, case(1)).write_tables(FACTS, ["b"], ["existing"])
    assert read_table(tmp_path, "links", cases)["case"].tolist() == [1]
    filled(tmp_path, case(1)).write_tables(FACTS, ["b"], ["existing"])
    assert not (tmp_path / "links.parquet").exists()


def test_a_configuration_in_place_of_results_is_told_to_be_run(tmp_path: Path):
    """Whoever compares two .sumocfg directly is told the command that makes results of them."""
    file = tmp_path / "before.sumocfg"
    file.write_text("<configuration/>")
    with pytest.raises(ConfigError, match=r"before.sumocfg: is a file, must be a results folder, as evaluate.py run"):
        load(file)
