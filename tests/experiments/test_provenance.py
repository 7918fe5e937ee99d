"""A finished case holds while all that it was made from is the same."""

from pathlib import Path

from experiments import provenance
from experiments.case import Case
from experiments.provenance import case_stamp, code_digest, versions


def stamp(controller: str, scenario: str = "resco:cologne1") -> str:
    provenance._settings_digest.cache_clear()  # a later run is another process
    return case_stamp(Case(scenario, controller, 1.0, 0))


def test_a_changed_settings_file_makes_another_case(tmp_path: Path):
    file = tmp_path / "set.toml"
    file.write_text("")
    before = stamp(f"actuated:{file}")
    assert stamp(f"actuated:{file}") == before
    file.write_text("passage_s = 2.5\n")
    assert stamp(f"actuated:{file}") != before


def test_a_changed_policy_makes_another_case(tmp_path: Path):
    """By its folder or its name; what else a training keeps beside it does not matter."""
    (tmp_path / "policy.npz").write_bytes(b"1")
    before = stamp(f"learned:{tmp_path}")
    (tmp_path / "evaluations.csv").write_bytes(b"1")
    assert stamp(f"learned:{tmp_path}") == before
    (tmp_path / "policy.npz").write_bytes(b"2")
    assert stamp(f"learned:{tmp_path}") != before


def test_changed_overrides_make_another_case(tmp_path: Path):
    """Those that are named; one found beside the network counts the same."""
    file = tmp_path / "street.toml"
    case = Case("resco:cologne1", "existing", 1.0, 0)
    other = Case("resco:cologne1", "existing", 1.0, 0, override_files=(file,))
    file.write_text("")
    before = case_stamp(other)
    assert case_stamp(case) != before
    file.write_text("[x]\n")
    provenance.scenario_digest.cache_clear()
    assert case_stamp(other) != before


def test_another_network_makes_another_case():
    assert stamp("existing") != stamp("existing", "resco:cologne3")


def test_changed_code_makes_another_case(tmp_path: Path, monkeypatch):
    """Of what a row is made by; a new colour in a table runs nothing again."""
    (tmp_path / "signals").mkdir()
    (tmp_path / "reports").mkdir()
    (tmp_path / "experiments").mkdir()
    for name in ("signals/flow.py", "reports/table.py", "experiments/case.py", "experiments/demand.py"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    before = code_digest.__wrapped__()
    (tmp_path / "reports" / "table.py").write_text("colour = 'red'")
    assert code_digest.__wrapped__() == before
    (tmp_path / "signals" / "flow.py").write_text("queue_veh = 0")
    assert code_digest.__wrapped__() != before


def test_versions_name_ourselves_and_sumo():
    assert versions()["adaptive-signals"][0].isdigit()
    assert versions()["eclipse-sumo"].startswith("1.")
