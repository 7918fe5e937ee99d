"""What may be compared, and what is refused or told: wrong and mixed input is never averaged away."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.store import CASES, MANIFEST, ResultsFolder
from experiments.together import together
from reports.html import write_page
from reports.mail import mail
from reports.words import ENGLISH
from signals.errors import ConfigError
from tests.reports.synthetic_results import VERSIONS, MadeUp, case, write_results

OWN = MadeUp({"own.sumocfg": (900, 40.0, 2)}, {"existing": 1.0, "actuated": 0.8}, draws=range(4))
TWO = MadeUp({"a/before.sumocfg": (900, 40.0, 2), "a/after.sumocfg": (900, 30.0, 2)}, {"existing": 1.0}, draws=range(4))
ABOUT = {"baseline": "existing", "versions": VERSIONS, "commands": ["evaluate.py run"]}


def written(folder: Path, made_up: MadeUp, stamps: str = "", **columns: object) -> Path:
    """A folder whose cases have some columns otherwise; a case's stamp is its draw's letter of `stamps`."""
    store = ResultsFolder(folder, decision_s=1.0)
    for scenario in made_up.places:
        for controller in made_up.effects:
            for draw in made_up.draws:
                row = case(made_up, scenario, controller, 1.0, draw)
                row |= {name: value(draw) if callable(value) else value for name, value in columns.items()}
                store.keep(f"{scenario.replace('/', '-')}{controller}{draw}", (stamps or "a" * 9)[draw], row)
    store.write_tables(ABOUT, list(made_up.places), list(made_up.effects))
    return folder


def report(*folders: Path, before: str = "") -> str:
    file = folders[0] / "compared.html"
    return write_page(together(folders, before), file).read_text(encoding="utf-8")


def test_two_networks_under_one_name_are_refused(tmp_path: Path):
    """In one folder, whichever draws had the other, and in two folders with other controllers."""
    mixed = written(tmp_path / "mixed", OWN, network_digest=lambda draw: "ab" if draw < 2 else "cd")
    with pytest.raises(ConfigError, match=r"mixed: own.sumocfg: network_digest = ab, cd, must be one"):
        together([mixed])
    one = written(tmp_path / "one", replace(OWN, effects={"existing": 1.0}), network_digest="ab")
    other = written(tmp_path / "other", replace(OWN, effects={"actuated": 0.8}), network_digest="cd")
    with pytest.raises(ConfigError, match=r"own.sumocfg: network_digest = ab, cd"):
        together([one, other])


def test_settings_changed_between_draws_are_refused(tmp_path: Path):
    mixed = written(tmp_path / "mixed", OWN, controller_digest=lambda draw: f"{draw // 2}")
    with pytest.raises(ConfigError, match=r"own.sumocfg: existing: controller_digest = 0, 1, must be one"):
        together([mixed])


def test_other_traffic_is_never_paired(tmp_path: Path):
    first = written(tmp_path / "first", OWN)
    second = written(tmp_path / "second", OWN, demand_digest=lambda draw: f"another {draw}")
    with pytest.raises(
        ConfigError, match=r"own.sumocfg, existing at demand 1.0: second and first, draw 0: demand_digest"
    ):
        together([first, second]).summary()


def test_another_accounting_and_an_empty_run_are_refused(tmp_path: Path):
    old = written(tmp_path / "old", OWN)
    manifest = json.loads((old / MANIFEST).read_text(encoding="utf-8"))
    (old / MANIFEST).write_text(json.dumps({**manifest, "accounting_version": 1}), encoding="utf-8")
    new = written(tmp_path / "new", OWN)
    with pytest.raises(ConfigError, match="accounting_version = 1, must be 3"):
        together([new, old])
    (new / CASES).unlink()
    with pytest.raises(ConfigError, match="No such file; its run was stopped"):
        together([new])
    ResultsFolder(tmp_path / "none", 1.0).write_tables(ABOUT, [], [])
    with pytest.raises(ConfigError, match="has no case, must have at least 1"):
        together([tmp_path / "none"])


def test_missing_draws_and_mixed_code_stand_before_any_figure(tmp_path: Path):
    """A resumed folder whose other draws came from older code says so."""
    folder = written(tmp_path / "resumed", OWN, stamps="aabb")
    (folder / "cases" / "own.sumocfgactuated3.json").unlink()
    ResultsFolder(folder, 1.0).write_tables(ABOUT, [], [])
    text = report(folder)
    before_figures = text[: text.index('class="headline"')]
    assert "its cases come from more than one state of code or files" in before_figures
    assert "actuated lacks draw 3; its mean is over fewer" in before_figures


def test_the_same_cases_in_two_folders_are_before_and_after(tmp_path: Path):
    """Each controller with itself; what else differs is told first."""
    first = written(tmp_path / "monday", OWN)
    second = written(tmp_path / "tuesday", replace(OWN, noise=0.02), network_digest="other")
    (second / MANIFEST).write_text(
        (second / MANIFEST).read_text(encoding="utf-8").replace("1.28.0", "1.29.0"), encoding="utf-8"
    )
    found = together([first, second])
    assert found.baseline == "monday"
    assert set(found.cases["scenario"]) == {"own.sumocfg, existing", "own.sumocfg, actuated"}
    summary = found.summary().set_index(["scenario", "controller"])
    assert (summary.loc[(slice(None), "tuesday"), "pairs"] == 4).all()
    told = mail(found, [], ENGLISH)
    assert told.startswith("! The folders were not run alike: eclipse-sumo: 1.28.0 and 1.29.0.")
    assert "! own.sumocfg: the network is not the same in all folders" in told


def test_folders_of_other_controllers_are_one_comparison(tmp_path: Path):
    first = written(tmp_path / "first", replace(OWN, effects={"existing": 1.0}))
    second = written(
        tmp_path / "second",
        replace(OWN, effects={"existing": 1.0, "actuated": 0.8}),
    )
    with_both = together([second])
    assert set(with_both.cases["controller"]) == {"existing", "actuated"}
    only = replace(OWN, effects={"adaptive": 0.7})
    third = written(tmp_path / "third", only, network_digest=f"{0:064x}")
    found = together([first, third])
    assert found.baseline == "existing" and set(found.cases["controller"]) == {"existing", "adaptive"}
    assert "adaptive lowers" in report(first, third) or "adaptive shows" in report(first, third)


def test_two_scenarios_with_the_same_traffic_are_before_and_after(tmp_path: Path):
    """One controller, two configurations: the first is before, without a further word."""
    folder = written(tmp_path / "plan", TWO, demand_digest=lambda draw: f"draw {draw}")
    found = together([folder])
    assert found.baseline == "before" and set(found.cases["scenario"]) == {"before → after"}
    assert "Against before, after" in report(folder)
    turned = together([folder], before="a/after.sumocfg")
    assert turned.baseline == "after"


def test_two_cities_are_not(tmp_path: Path):
    """Other traffic: nothing is compared unless asked for, and then it is refused."""
    folder = write_results(tmp_path / "cities", TWO)
    assert together([folder]).baseline == "existing"
    assert "Nothing is compared" in report(folder)
    with pytest.raises(ConfigError, match="demand_digest"):
        together([folder], before="a/before.sumocfg").summary()
    with pytest.raises(ConfigError, match=r"before = b: no such scenario in the results, which have a/before.sumocfg"):
        together([folder], before="b")
