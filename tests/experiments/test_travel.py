"""What goes to another machine with a case, what is refused there, and what comes back; no cluster is needed for it."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from experiments import provenance
from experiments.case import Case, split_name
from experiments.engine import cluster_of, engine_of
from experiments.travel import check_same, order, packed, put_away, unpacked
from experiments.worker import Done
from signals.controllers.learned import SHIPPED
from signals.errors import ConfigError
from tests.models.places import short_place

CASE = Case("resco:cologne1", "existing", 1.0, 0)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "settings.toml"
    file.write_text("passage_s = 2.5\n")
    return file


def test_a_controller_s_file_goes_along(settings: Path, tmp_path: Path):
    """There its path is another one; its content and its name are the same."""
    sent = order(replace(CASE, controller=f"actuated:{settings}"), "run")
    settings.unlink()
    name, file = split_name(unpacked(sent, tmp_path / "there").controller)
    assert name == "actuated"
    assert Path(str(file)) == tmp_path / "there" / "settings.toml"
    assert Path(str(file)).read_text() == "passage_s = 2.5\n"


def test_of_a_policy_the_two_files_go_along_that_run_it(tmp_path: Path):
    sent = order(replace(CASE, controller="learned:generalist"), "run")
    folder = Path(str(split_name(unpacked(sent, tmp_path).controller)[1]))
    assert sorted(file.name for file in folder.iterdir()) == ["manifest.json", "policy.npz"]
    for file in folder.iterdir():
        assert file.read_bytes() == (SHIPPED / "generalist" / file.name).read_bytes()


def test_what_comes_back_is_named_as_it_was_asked_for(settings: Path, tmp_path: Path):
    """The row has the controller as typed; logs lie where they were wanted, under the names that they have here."""
    case = replace(CASE, controller=f"actuated:{settings}", event_logs=tmp_path / "logs")
    sent = order(case, "run")
    moved = unpacked(sent, tmp_path / "there")
    assert moved.event_log.parent != case.event_logs
    moved.event_log.parent.mkdir()
    moved.event_log.write_text("events")
    moved.event_log.with_suffix(".detectors.csv").write_text("detectors")
    answer = packed(sent, moved, Done({"controller": moved.controller, "delay_s": 3.0}), "")
    assert isinstance(answer.result, Done)
    assert answer.result.row == {"controller": case.controller, "delay_s": 3.0}
    put_away(case, answer)
    assert case.event_log is not None
    assert case.event_log.read_text() == "events"
    assert case.event_log.with_suffix(".detectors.csv").read_text() == "detectors"
    assert len(list((tmp_path / "logs").iterdir())) == 2


@pytest.mark.parametrize("name", ["checkout", "source", "python", "libsumo", "torch"])
def test_a_machine_that_differs_refuses_and_names_what(name: str):
    sent = order(CASE, "run")
    with pytest.raises(ConfigError, match=f"^{name} is .*, must be other as where the command was typed$"):
        check_same(replace(sent, here={**sent.here, name: "other"}))


def test_other_files_of_a_scenario_are_refused(tmp_path: Path):
    place = short_place(tmp_path, 60)
    sent = order(replace(CASE, scenario=place), "run")
    check_same(sent)
    short_place(tmp_path, 90)
    provenance.scenario_digest.cache_clear()
    with pytest.raises(ConfigError, match="its files differ"):
        check_same(sent)


def test_the_working_folder_must_be_there(tmp_path: Path):
    with pytest.raises(ConfigError, match="nowhere: No such file or directory; must be there"):
        check_same(replace(order(CASE, "run"), folder=str(tmp_path / "nowhere")))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("rays", "", 2), "engine rays: unknown, must be local or ray"),
        (("local", "10.0.0.1:6379", 2), "address = 10.0.0.1:6379: of no use to engine local"),
        (("local", "", 0), "workers = 0, must be at least 1"),
    ],
)
def test_an_engine_that_cannot_be_is_refused(typed: tuple[str, str, int], said: str):
    with pytest.raises(ConfigError, match=said):
        engine_of(*typed)


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    """And without `--engine ray` nobody asks for it."""
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "experiments.ray_engine", raising=False)
    assert engine_of("local", "", 3) == 3
    with pytest.raises(ConfigError, match="engine ray: Ray is not installed, must be: `make install-cluster`"):
        cluster_of("ray", "")


@pytest.mark.parametrize(
    ("address", "said"),
    [("127.0.0.1:1", r"no cluster at 127.0.0.1:1: .*Connection refused"), ("head", "must be HOST:PORT")],
)
def test_where_nobody_listens_is_said_at_once(address: str, said: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ray.is_initialized", lambda: False)  # whatever other tests are connected to
    engine = cluster_of("ray", address)
    assert engine is not None
    with pytest.raises(ConfigError, match=said):
        engine.connect()
