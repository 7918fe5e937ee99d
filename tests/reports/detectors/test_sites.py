"""Where a detector lies is read from an intersection file or the map, and from nothing that is half said."""

import json
from pathlib import Path
from typing import Any

import pytest

from reports.detectors.sites import Place, from_intersection, from_table, place_of
from signals.errors import ConfigError
from tests.signals.fakes import crossing


def toml(value: Any) -> str:
    """Values of TOML as JSON has them; tables become inline ones."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))} = {toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def test_an_intersection_file_gives_each_loop_its_phase_and_purpose(tmp_path: Path):
    """The phase is that of the signal group which the loop's lane serves."""
    built = crossing()
    file = tmp_path / "crossing.toml"
    file.write_text("\n".join(f"{key} = {toml(value)}" for key, value in built.model_dump(mode="json").items()))
    places = from_intersection(file)
    groups = {group.id: group for group in built.lane_groups}
    assert places
    assert len(places) == len(built.detectors)
    for detector in built.detectors:
        phase = built.phase_of(groups[detector.lane_groups[0]].signal_groups[0]).number
        assert places[detector.id] == Place(phase, detector.kind)


def test_a_channel_is_found_by_its_device_and_number_too():
    places = {"4": Place(2, "count"), "w/0": Place(6, "advance")}
    assert place_of(places, "1136/4") == Place(2, "count")
    assert place_of(places, "w/0") == Place(6, "advance")
    assert place_of(places, "5") is None


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"phase": 2}, r"detectors\.4: must have phase and function"),
        ({"phase": 0, "function": "count"}, "phase = 0, must be a whole number from 1"),
        ({"phase": 2, "function": "magic"}, "function = 'magic', must be stop_line, advance, count, yellow_red, other"),
    ],
)
def test_a_place_that_cannot_be_is_named(row: dict, said: str):
    with pytest.raises(ConfigError, match=said):
        from_table({"4": row}, "places.toml")
