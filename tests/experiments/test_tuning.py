"""A search for settings: it goes downhill, is the same whoever runs it, and goes on after a stop."""

import math
import tomllib
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import pytest
from pydantic import Field

from experiments.case import Case, split_name
from experiments.parameters import parameters, settings_text
from experiments.trials import scores
from experiments.tuning import Search, search, tune
from signals.controllers import SETTINGS
from signals.controllers.common import load_settings
from signals.errors import ConfigError, PlantError
from signals.intersection import Frozen
from tests.experiments.cheap_cases import HERE, row

CHOSEN = ["waiting_s", "hysteresis"]
CHEAP: dict[str, Any] = {"run": "tests.experiments.test_tuning:bowl", "stamp": lambda _case: ""}


def bowl(case: Case, work: Path) -> dict[str, Any]:
    """Delay that is least at waiting_s = 1000 and hysteresis = 2, and the same noise for all in a draw."""
    _, file = split_name(case.controller)
    delay_s = 40.0 * (1 + case.draw % 7) * case.demand
    if file:
        settings = tomllib.loads(Path(file).read_text())
        delay_s *= math.exp(math.log10(settings["waiting_s"] / 1000.0) ** 2 + (settings["hysteresis"] - 2) ** 2 - 0.7)
    return row(case, delay_s=delay_s, starve_max_s=100.0)


def what(budget: int = 61, seed: int = 3, draws: int = 2, controller: str = "max-pressure") -> Search:
    return search(controller, ["single"], [1.0, 1.5], draws, 100, CHOSEN, budget, seed, 0.0)


def best(out: Path) -> dict[str, Any]:
    return tomllib.loads(out.read_text())


def test_the_search_finds_the_least(tmp_path: Path):
    """In two settings, one of them over decades, on draws that differ by far more than the settings do."""
    out = tmp_path / "settings.toml"
    tried = tune(what(), out, 2, "the command", **CHEAP)
    assert len(tried) == 61
    assert tried[0].delay == pytest.approx(math.log10(0.12) ** 2 + 0.64 - 0.7, abs=1e-9)
    assert best(out)["hysteresis"] == pytest.approx(2.0, abs=0.1)
    assert best(out)["waiting_s"] == pytest.approx(1000.0, rel=0.6)
    assert best(out)["fullness"] == 12.0, "what is not searched stays"


def test_settings_that_were_found_can_be_run_and_say_where_they_come_from(tmp_path: Path):
    out = tmp_path / "settings.toml"
    tune(what(budget=7), out, 1, "the command", **CHEAP)
    load_settings(SETTINGS["max-pressure"], out)
    for said in ("the command", "single", "demand 1, 1.5", "draws 100-101", "seed 3", "evaluation draws"):
        assert said in out.read_text(), said
    table = pd.read_csv(tmp_path / "settings" / "convergence.csv")
    assert list(table["generation"]) == [0] + 6 * [1]
    assert table["best_score"].is_monotonic_decreasing
    assert not (set(CHOSEN) - set(table.columns))


def test_equal_seeds_find_equal_settings_whatever_the_workers(tmp_path: Path):
    for workers in (1, 3):
        tune(what(budget=19), tmp_path / f"{workers}.toml", workers, "the command", **CHEAP)
    one, three = [pd.read_csv(tmp_path / f"{workers}" / "convergence.csv").drop(columns="file") for workers in (1, 3)]
    pd.testing.assert_frame_equal(one, three, check_exact=True)
    assert best(tmp_path / "1.toml") == best(tmp_path / "3.toml")
    tune(what(budget=19, seed=4), tmp_path / "other.toml", 1, "the command", **CHEAP)
    assert best(tmp_path / "other.toml") != best(tmp_path / "1.toml")


def test_a_search_goes_on_with_what_is_kept(tmp_path: Path):
    """Cases that are finished are not run again: here any that is run fails."""
    out = tmp_path / "settings.toml"
    first = tune(what(budget=13), out, 1, "the command", **CHEAP)
    broken = CHEAP | {"run": f"{HERE}:stumble_always"}
    again = tune(what(budget=13), out, 1, "the command", **broken)
    assert first == again
    with pytest.raises(PlantError, match="24 of 24 cases failed, the first: single max-pressure:"):
        tune(what(budget=19), out, 1, "the command", **broken)
    assert tune(what(budget=19), out, 1, "the command", **CHEAP)[:13] == first


def test_a_file_that_no_search_wrote_is_left_alone(tmp_path: Path):
    out = tmp_path / "settings.toml"
    out.write_text("hysteresis = 2.0\n")
    with pytest.raises(ConfigError, match="File exists"):
        tune(what(), out, 1, "the command", **CHEAP)
    assert out.read_text() == "hysteresis = 2.0\n"


def test_a_search_starts_from_a_file(tmp_path: Path):
    start = tmp_path / "start.toml"
    start.write_text("hysteresis = 2.5\nfullness = 3.0\n")
    found = tune(what(budget=7, controller=f"max-pressure:{start}"), tmp_path / "out.toml", 1, "the command", **CHEAP)
    assert found[0].values == (120.0, 2.5)
    assert best(tmp_path / "out.toml")["fullness"] == 3.0


def frame(controller: str, delays_s: list[float], starved_s: float, demand: float = 1.0) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "scenario": "single",
            "controller": controller,
            "demand": demand,
            "draw": range(len(delays_s)),
            "delay_s": delays_s,
            "starve_max_s": starved_s,
        }
    )


def test_a_score_is_paired_and_pays_for_starvation_beyond_the_gate():
    baseline = pd.concat([frame("existing", [10.0, 40.0], 0.0), frame("existing", [20.0, 80.0], 0.0, demand=1.2)])
    rows = pd.concat([frame("a", [5.0, 20.0], 270.0), frame("a", [20.0, 80.0], 270.0, demand=1.2)])
    found = scores(rows, baseline, starvation=2.0).loc["a"]
    assert found["delay"] == pytest.approx(math.log(0.5) / 2)
    assert found["starved"] == pytest.approx(0.25), "270 s are half beyond 180 s, and within 300 s"
    assert found["score"] == pytest.approx(math.log(0.5) / 2 + 0.5)
    with pytest.raises(ConfigError, match="baseline delay_s"):
        scores(rows, frame("existing", [0.0, 40.0], 0.0), 0.0)


class Some(Frozen):
    """Fields of several kinds."""

    share: Annotated[float, Field(ge=0, le=1, description="A share.")] = 0.25
    wait_s: Annotated[float, Field(ge=1, le=1000)] = 10.0
    count: Annotated[int, Field(ge=1, le=9)] = 4
    recall: bool = True
    name: str = "none"


def test_numeric_fields_are_searched_between_their_bounds():
    """Over decades on a logarithmic scale; a whole number stays one; all are rounded as they are written."""
    share, wait, number = parameters(Some())
    assert [share.value(0.333333), wait.value(0.5), number.value(0.51)] == [0.3333, 31.62, 5]
    assert [wait.value(0.0), wait.value(1.0), share.value(-0.1), share.value(1.1)] == [1.0, 1000.0, 0.0, 1.0]
    for parameter in (share, wait, number):
        assert parameter.value(parameter.share(parameter.start)) == parameter.start


def test_settings_are_written_as_they_are_read():
    some = Some(share=1 / 3, recall=False, name="minimum")
    assert Some.model_validate(tomllib.loads(settings_text(some, ["why"]))) == some
    assert settings_text(some, ["why"]).startswith("# why\n\n# A share.\nshare = ")


@pytest.mark.parametrize("name", SETTINGS)
def test_every_numeric_setting_has_bounds_and_a_description(name: str):
    assert all(parameter.description for parameter in parameters(SETTINGS[name]()))


class Unbounded(Frozen):
    """Lacks a bound."""

    wait_s: Annotated[float, Field(ge=1)] = 10.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"controller": "existing"}, "controller existing: has no settings to tune, must be one of actuated"),
        ({"chosen": ["hysteresys"]}, "parameter hysteresys: unknown, nearest: hysteresis"),
        ({"budget": 6}, "budget = 6, must be at least 7"),
        ({"first_draw": 199}, "draw = 200, must be from 100 to 199, the tuning draws"),
        ({"seed": -1}, "seed = -1, must be at least 0"),
        ({"starvation": -0.5}, "starvation = -0.5, must be at least 0"),
        ({"demands": []}, "no --demand is given"),
    ],
)
def test_a_search_that_cannot_be_run_is_refused(change: dict, message: str):
    fine: dict = {"controller": "max-pressure", "scenarios": ["single"], "demands": [1.0], "draws": 2}
    fine |= {"first_draw": 100, "chosen": CHOSEN, "budget": 7, "seed": 1, "starvation": 0.0}
    assert search(**fine).generations == 1
    with pytest.raises(ConfigError, match=message):
        search(**(fine | change))
    with pytest.raises(ConfigError, match="wait_s: has no bounds"):
        parameters(Unbounded())
