"""The search of hyper-parameters: what it asks for, gives up, keeps, and hands on to `train.py`."""

from pathlib import Path

import pytest

from models.evaluations import COLUMNS
from models.search import BEST, STUDY, TRIALS, Search, table
from models.search_space import BOUNDS, chosen_parameters
from models.settings import TrainingSettings, read_settings
from signals.errors import ConfigError, PlantError
from tests.models.cheap_attempts import HERE
from tests.models.places import short_place

SETTINGS = TrainingSettings(scenarios=("single",), workers=1, evaluation_draws=1, faults=("", "dead=0.2"))
ROWS = [f"{name},0,single,1.0,0,30.0,False" for name in ("existing", "adaptive")]


def searched(out: Path, trials: int, function: str = "run") -> Search:
    """Where the baselines are known."""
    out.mkdir(exist_ok=True)
    (out / "evaluations.csv").write_text("\n".join([",".join(COLUMNS), *ROWS]) + "\n")
    parameters = chosen_parameters(SETTINGS, ["learning_rate", "hidden"])
    made = Search(SETTINGS, parameters, out, run=f"{HERE}:{function}")
    made.run(trials)
    return made


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Search]:
    out = tmp_path_factory.mktemp("search")
    search = searched(out, 16)
    search.write("train.py --search 16")
    return out, search


def test_the_settings_own_values_are_tried_first(found: tuple[Path, Search]):
    assert found[1].trials[0].params == {"learning_rate": 1e-3, "hidden": 64}


def test_what_is_worse_than_half_of_the_others_is_given_up(found: tuple[Path, Search]):
    """At its first checkpoint, since these trainings stay as they are; nobody before others can be measured by."""
    rows = table(found[1].trials)
    assert len(rows) == 16
    assert not rows["given_up"][:4].any()
    assert rows["given_up"].any()
    assert set(rows["checkpoints"][rows["given_up"]]) == {1}
    assert set(rows["checkpoints"][~rows["given_up"]]) == {3}
    assert rows["delay_s"][rows["given_up"]].min() > rows["delay_s"].min()


def test_the_best_trial_is_a_file_that_train_takes(found: tuple[Path, Search]):
    out, search = found
    best = min(search.trials, key=lambda trial: trial.values[0] if trial.values else 1e9)
    settings, _ = read_settings(out / BEST, {"out": "anywhere"})
    assert settings == SETTINGS.model_copy(update=best.params)
    assert settings.learning_rate == pytest.approx(0.002, rel=0.5)
    assert (out / TRIALS).read_text().count("\n") == 17
    assert "train.py --search 16" in (out / BEST).read_text()


def test_a_search_goes_on_from_its_file(tmp_path: Path):
    first = searched(tmp_path, 2).trials
    both = searched(tmp_path, 4).trials
    assert len(both) == 4
    assert [trial.params for trial in both[:2]] == [trial.params for trial in first]
    assert len({trial.params["learning_rate"] for trial in both}) == 4


def test_what_was_running_when_it_was_stopped_is_tried_again(tmp_path: Path):
    search = searched(tmp_path, 1)
    asked = search._study.ask()
    lost = {"learning_rate": asked.suggest_float("learning_rate", 1e-4, 1e-2, log=True)}
    assert searched(tmp_path, 2).trials[1].params["learning_rate"] == lost["learning_rate"]


def test_another_search_is_not_gone_on_with(tmp_path: Path):
    Search(SETTINGS, chosen_parameters(SETTINGS, []), tmp_path)
    with pytest.raises(ConfigError, match=rf"{STUDY}: is of other settings"):
        Search(SETTINGS.model_copy(update={"demand": (1.3,)}), chosen_parameters(SETTINGS, []), tmp_path)


def test_a_training_that_fails_is_named(tmp_path: Path):
    with pytest.raises(PlantError, match="trial 0 failed: ZeroDivisionError: division by zero"):
        searched(tmp_path, 1, "fail")


@pytest.mark.parametrize(
    ("settings", "name", "said"),
    [
        (SETTINGS, "learning_rat", "parameter learning_rat: is not searched.*learning_rate"),
        (SETTINGS.model_copy(update={"start_from": "generalist"}), "hidden", "hidden: is fixed by generalist"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_one_line(settings: TrainingSettings, name: str, said: str):
    with pytest.raises(ConfigError, match=said):
        chosen_parameters(settings, [name])


def test_bounds_are_those_of_the_settings_or_narrower():
    for name, ends in BOUNDS.items():
        for value in ends:
            TrainingSettings.model_validate({"scenarios": ("single",), name: type(SETTINGS.__dict__[name])(value)})


@pytest.mark.slow
def test_a_real_training_is_a_trial(tmp_path: Path):
    """It practises on training draws and is judged on a development draw, in SUMO."""
    settings = TrainingSettings(
        scenarios=(short_place(tmp_path, 200),), steps=64, workers=1, rollout=64, batch=32, epochs=1, hidden=16,
        checkpoint_steps=64, imitation_steps=20, decision_s=5.0, evaluation_draws=1,
    )  # fmt: skip
    out = tmp_path / "search"
    search = Search(settings, chosen_parameters(settings, ["learning_rate"]), out)
    search.run(1)
    (trial,) = search.trials
    assert sorted(trial.intermediate_values) == [0, 1]
    assert trial.value == min(trial.intermediate_values.values()) > 0
    assert read_settings(search.write("train.py"), {"out": "anywhere"})[0] == settings
