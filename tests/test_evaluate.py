"""The analyst's door: what is typed, what is printed, and the exit status."""

import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import evaluate
from experiments import evaluation
from experiments.case import Case
from experiments.store import ResultsFolder, load
from tests.experiments.cheap_cases import HERE, row

ROOT = Path(__file__).resolve().parent.parent
RUN = ["run", "--scenario", "resco:cologne1", "--controller", "existing", "--controller", "max-pressure"]


def typed(*words: object) -> Result:
    return CliRunner().invoke(evaluate.app, [str(word) for word in words])


def refused(*words: object) -> str:
    """The one line on standard error."""
    done = typed(*words)
    assert done.exit_code == 2
    assert not done.stdout
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cases that need no street."""
    cheap_grid = partial(evaluation.run_grid, run=f"{HERE}:raise_in_draw_1", stamp=lambda _case: "")
    monkeypatch.setattr(evaluate, "run_grid", cheap_grid)


def test_list_names_scenarios_and_controllers_with_a_line_each():
    said = typed("list").stdout
    for name in (
        "resco:cologne3",
        "arterial",
        "single",
        "district",
        "existing",
        "fixed-time",
        "max-pressure",
        "resco-rules:NAME",
        "sumo-actuated",
    ):
        assert re.search(rf"^ *{name} +\w+", said, re.MULTILINE), name


def test_describe_tells_of_the_junctions():
    done = typed("describe", "resco:cologne1")
    assert done.exit_code == 0
    assert "cologne1" in done.stdout


def test_describe_writes_a_page_where_it_says(tmp_path: Path):
    page = tmp_path / "page.html"
    assert typed("describe", "single", "--html", "--out", page).stdout.strip() == f"description: {page}"
    assert "<svg" in page.read_text(encoding="utf-8")


def test_what_describe_writes_can_be_laid_over(tmp_path: Path):
    """Never over a file that is there, which may have been edited."""
    file = tmp_path / "single.toml"
    assert typed("describe", "single", "--write-intersection", file).exit_code == 0
    assert "they change nothing" in typed("describe", "single", "--intersection", file).stdout
    assert f"{file}: File exists" in refused("describe", "single", "--write-intersection", file)


def test_describe_says_what_is_overridden_and_what_is_less_safe(tmp_path: Path):
    file = tmp_path / "street.toml"
    file.write_text('[J.phases.1]\nyellow_change_s = 2.5\nbecause = "a slow street"\n')
    said = typed("describe", "single", "--intersection", file).stdout
    assert "override in street.toml: a slow street" in said
    assert re.search(r"! J: phases\.1\.yellow_change_s: 2\.5 s instead of 3 s", said)


def test_a_file_of_overrides_has_a_schema():
    assert '"yellow_change_s"' in typed("schema", "intersection").stdout
    assert "schema intersecton: unknown, nearest: intersection" in refused("schema", "intersecton")


def test_overrides_that_do_not_fit_are_one_line_and_no_folder(tmp_path: Path):
    """Before the first case."""
    file, out = tmp_path / "street.toml", tmp_path / "out"
    file.write_text("[J.phases.1]\nyellow_change_s = 4\n")
    assert "unknown junction J, known: GS_cluster" in refused(*RUN, "--out", out, "--intersection", file)
    assert "none.toml: cannot be read" in refused(*RUN, "--out", out, "--intersection", tmp_path / "none.toml")
    assert not out.exists()


@pytest.mark.usefixtures("cheap")
def test_a_run_tells_of_what_is_less_safe_and_keeps_it_in_the_manifest(tmp_path: Path):
    """And the report has it before any figure."""
    file = tmp_path / "street.toml"
    file.write_text('["GS_cluster_357187_359543".phases.1]\nyellow_change_s = 2.5\nbecause = "a slow street"\n')
    done = typed(*RUN, "--draws", 4, "--out", tmp_path / "out", "--intersection", file)
    assert re.search(r"warning: resco:cologne1: overridden: .*2\.5 s instead of 5 s.*a slow street", done.stderr)
    kept = load(tmp_path / "out").manifest["overrides"]["resco:cologne1"]
    assert kept["files"] == [str(file)] and len(kept["digest"]) == 64 and "a slow street" in kept["warnings"][0]
    assert "a slow street" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("cheap")
def test_two_configurations_become_a_comparison_in_two_commands(tmp_path: Path):
    """The first runs both and says what changed; the second makes the file to sign, in the reader's language."""
    out, page = tmp_path / "plans", tmp_path / "plans.html"
    run = typed("run", "--scenario", "single", "--scenario", "arterial", "--draws", 1, "--out", out)
    assert "Against single, arterial" in run.stdout
    words = ["--goal", "delay_s < 1000", "--tables", tmp_path / "tables", "--lang", "zh", "--out", page]
    told = typed("report", out, *words)
    assert told.exit_code == 0, told.stderr
    assert "delay_s < 1000: 均值达到" in told.stdout and f"report: {page}" in told.stdout
    assert '<html lang="zh-Hans">' in page.read_text(encoding="utf-8")
    assert (tmp_path / "tables" / "tables.xlsx").is_file()
    assert "goal 'delay': must be a measure" in refused("report", out, "--goal", "delay")
    listed = typed("results", tmp_path, "--where", "scenario = 'single'").stdout
    assert "1 cases in 1 of 1 folders" in listed
    assert "delay is no column" in refused("results", tmp_path, "--where", "delay > 3")


def test_a_map_and_counts_become_a_scenario_in_two_commands(tmp_path: Path):
    """The first says what it understood of the signals, the second how well the counts are met."""
    town = ROOT / "scenarios" / "town"
    imported = typed("import", town / "town.osm", "--out", tmp_path)
    assert imported.exit_code == 0, imported.stderr
    assert re.search(r"signals +5 of 5 controlled", imported.stdout)
    counted = typed("demand", town / "counts.csv", "--network", tmp_path / "town.sumocfg")
    assert counted.exit_code == 0, counted.stderr
    assert re.search(r"GEH +below 5 at 100\.0% of \d+ counts", counted.stdout)
    assert re.search(r"07:00 to 07:15 +\d+ +(\d+) +\1 ", counted.stdout)
    assert f"evaluate.py run --scenario {tmp_path}/town.sumocfg" in counted.stdout
    assert "5 of 5 controlled" in typed("describe", tmp_path / "town.sumocfg").stdout


def test_a_map_or_counts_that_cannot_be_used_are_one_line(tmp_path: Path):
    """Also where nothing of the kind is there."""
    assert "nowhere.osm: no such file" in refused("import", "nowhere.osm", "--out", tmp_path)
    assert "cycle_s = 5, must be 30 to 240" in refused("import", "nowhere.osm", "--cycle-s", 5)
    assert "nowhere.csv: no such file" in refused("demand", "nowhere.csv", "--network", "single", "--out", tmp_path)
    assert "scenario 'singel' is unknown; nearest: single" in refused("demand", "x.csv", "--network", "singel")


def test_a_search_that_cannot_be_made_is_one_line_and_no_file(tmp_path: Path):
    """Unknown places, draws that belong to evaluation, and a budget that would end before anything is known."""
    out = tmp_path / "plan.toml"
    assert "'resco:cologne9' is unknown" in refused("optimise", "resco:cologne9", "--out", out)
    assert "must be below 200: evaluation's" in refused("optimise", "single", "--out", out, "--first-draw", 195)
    assert "budget = 9 runs, must be at least 40" in refused("optimise", "single", "--out", out, "--budget", 9)
    assert "stages = all, must be one of keep, reorder" in refused(
        "optimise", "single", "--out", out, "--stages", "all"
    )
    assert "demand = 0, must be above 0" in refused("optimise", "single", "--out", out, "--demand", 0)
    assert "workers = 0, must be at least 1" in refused("optimise", "single", "--out", out, "--workers", 0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--controller", "max-presure"], "controller.*max-presure.*max-pressure"),
        (["--controller", "fixed-time:none.toml"], "none.toml"),
        (["--baseline", "exsting"], "controller.*exsting.*existing"),
        (["--scenario", "resco:cologne9"], "'resco:cologne9' is unknown.*resco:cologne1"),
        (["--scenario", "nowhere/their.sumocfg"], "nowhere/their.sumocfg"),
        (["--demand", "0"], "demand = 0, must be above 0"),
        (["--demand", "-1"], "demand = -1, must be above 0"),
        (["--draws", "0"], "draws = 0, must be at least 1"),
        (["--first-draw", "-1"], "first_draw = -1, must be at least 0"),
        (["--workers", "0"], "workers = 0, must be at least 1"),
        (["--decision-s", "0"], "decision_s = 0, must be above 0"),
        (["--gui"], "--gui shows one case"),
        (["--faults", "daed=0.2"], "faults: daed is unknown, must be one of dead, stuck-on"),
        (["--faults", "dead=1.2"], "faults: dead = 1.2, must be 0 to 1"),
        (["--faults", "dead"], "faults: dead, must be dead=SHARE"),
        (["--faults", "dead-at=GS"], "cologne1: faults: dead-at=GS: no loop or junction, .*GS_cluster_"),
    ],
)
def test_what_cannot_be_run_is_one_line_and_no_folder(words: list[str], line: str, tmp_path: Path):
    out = tmp_path / "out"
    assert re.search(line, refused(*RUN, "--out", out, *words))
    assert not out.exists()


def test_a_scenario_that_no_case_could_read_is_one_line_and_no_folder(tmp_path: Path):
    """A network without signals and a route over an unknown edge are told before the first case, once."""
    network, routes, out = tmp_path / "n.net.xml", tmp_path / "r.rou.xml", tmp_path / "out"
    network.write_text('<net version="1.20"><edge id="a"/></net>')
    for edge, line in (("a", f"{network}: has no traffic light"), ("nowhere", f"{routes}: .*'nowhere' is not in")):
        routes.write_text(f'<routes><vehicle id="v" depart="0"><route edges="{edge}"/></vehicle></routes>')
        assert re.search(line, refused(*RUN, "--scenario", f"{network},{routes}", "--out", out))
    assert not out.exists()


def test_a_results_folder_that_cannot_be_written_is_one_line(tmp_path: Path):
    file = tmp_path / "file"
    file.write_text("")
    assert f"{file}: File exists" in refused(*RUN, "--out", file)
    assert "/proc/results: " in refused(*RUN, "--out", "/proc/results")


def test_results_of_another_version_are_one_line(tmp_path: Path):
    (tmp_path / "manifest.json").write_text('{"accounting_version": 0}')
    for words in (["report", tmp_path], ["compare", tmp_path, tmp_path], [*RUN, "--out", tmp_path]):
        assert "manifest.json: accounting_version = 0, must be" in refused(*words)


@pytest.mark.usefixtures("cheap")
def test_a_run_prints_the_table_and_lists_what_failed(tmp_path: Path):
    done = typed(*RUN, "--draws", 4, "--workers", 2, "--out", tmp_path)
    assert done.exit_code == 1
    assert re.search(r"max-pressure +3 ", done.stdout)
    assert "failed: edge 'a': no route" in done.stderr
    assert "resco:cologne1 existing, demand 1, draw 1" in done.stderr
    assert str(tmp_path / "report.html") in done.stdout
    assert (tmp_path / "report.html").is_file()


@pytest.mark.usefixtures("cheap")
def test_broken_loops_are_told_apart_everywhere(tmp_path: Path):
    """In one folder with sound ones: the table, the manifest and the report name them, however they were typed."""
    typed(*RUN, "--draws", 4, "--out", tmp_path)
    done = typed(*RUN, "--draws", 4, "--out", tmp_path, "--faults", "late=0.05, dead=0.20,chatter=0")
    assert re.search(r"resco:cologne1 x 1 *\n", done.stdout)
    assert re.search(r"resco:cologne1 x 1, dead=0\.2,late=0\.05 *\n", done.stdout)
    assert "demand 1, faults dead=0.2,late=0.05, draw 1" in done.stderr
    results = load(tmp_path)
    assert results.cases["faults"].value_counts().to_dict() == {"": 6, "dead=0.2,late=0.05": 6}
    assert results.manifest["faults"] == ["none", "dead=0.2,late=0.05"]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "cologne1, dead=0.2,late=0.05" in page.replace("<wbr>", "")


def test_ctrl_c_ends_with_status_130_and_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def stopped(*_known: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluate, "run_grid", stopped)
    done = typed(*RUN, "--out", tmp_path)
    assert done.exit_code == 130
    assert "Traceback" not in done.output


def finished(folder: Path, *controllers: str) -> Path:
    results = ResultsFolder(folder, 1.0)
    for controller in controllers:
        for draw in range(3):
            case = Case("resco:cologne1", controller, 1.0, draw)
            results.keep(case.key, "", row(case, delay_s=30.0 + draw))
    results.write_tables({"baseline": "existing"}, ["resco:cologne1"], controllers)
    return folder


def test_compare_pairs_equal_cases_and_lists_the_rest(tmp_path: Path):
    first, second = finished(tmp_path / "1", "existing", "actuated"), finished(tmp_path / "2", "actuated")
    done = typed("compare", first, second)
    assert done.exit_code == 0
    assert re.search(r"actuated +3 +31\.0 +31\.0 +\+0\.0 \[\+0\.0, \+0\.0\]", done.stdout)
    assert re.search(rf"existing +1 +none +0-2 +only in {first}", done.stdout)


def test_report_is_written_again(tmp_path: Path):
    finished(tmp_path, "existing", "actuated")
    assert typed("report", tmp_path).exit_code == 0
    assert (tmp_path / "report.html").is_file()


def test_results_that_are_not_there_are_one_line(tmp_path: Path):
    assert "is no results folder" in refused("report", tmp_path / "nothing")


@pytest.mark.slow
def test_a_run_from_the_command_line_is_the_same_with_one_worker_and_two(tmp_path: Path):
    """Real cases on a real street; the same seeds give the same values."""
    folders = [tmp_path / str(workers) for workers in (1, 2)]
    for workers, folder in enumerate(folders, start=1):
        command = [sys.executable, "evaluate.py", *RUN, "--draws", "2", "--workers", str(workers), "--out", str(folder)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    one, two = (load(folder).cases for folder in folders)
    assert len(one) == 4
    pd.testing.assert_frame_equal(one, two, check_exact=True)


@pytest.mark.slow
def test_a_run_with_an_override_is_told_apart(tmp_path: Path):
    """Its row has the override's digest, and the same folder does not take the other's case for finished."""
    file = tmp_path / "street.toml"
    file.write_text('["GS_cluster_357187_359543".phases.1]\nyellow_change_s = 6\n')
    run = [sys.executable, "evaluate.py", *RUN[:-2], "--draws", "1", "--out", str(tmp_path / "out")]
    rows = []
    for more in ([], ["--intersection", str(file)]):
        subprocess.run([*run, *more], cwd=ROOT, check=True, capture_output=True)
        rows.append(load(tmp_path / "out").cases.iloc[0])
    assert rows[0]["override_digest"] == "" and len(rows[1]["override_digest"]) == 64
    assert rows[0]["delay_s"] == rows[1]["delay_s"]  # the network's own plan knows nothing of it


@pytest.mark.slow
def test_settings_are_tuned_to_the_same_with_one_worker_and_two(tmp_path: Path):
    """A search of one setting on a real street; the same seed finds the same."""
    found = []
    for workers in (1, 2):
        out = tmp_path / f"{workers}.toml"
        tune = ["tune", "max-pressure", "--scenario", "single", "--draws", "1", "--parameter", "hysteresis"]
        command = [sys.executable, "evaluate.py", *tune, "--budget", "5", "--workers", str(workers), "--out", str(out)]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        assert re.search(rf"settings: max-pressure:{out}$", done.stdout)
        found.append(pd.read_csv(tmp_path / str(workers) / "convergence.csv").drop(columns="file"))
    pd.testing.assert_frame_equal(found[0], found[1], check_exact=True)
    assert len(found[0]) == 5 and found[0]["score"].nunique() > 1
