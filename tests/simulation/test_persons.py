"""The accounting of persons: everyone scheduled in the window counts, however his walk ended."""

import math
from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest

from simulation.measures import Window, accounts, read_trips
from simulation.persons import CrossingWaits, person_accounts, person_losses

WINDOW = Window(begin_s=600.0, end_s=4200.0, cap_s=7800.0)
WALK = '<walk depart="{}" arrival="{}" timeLoss="{}" waitingTime="{}"/>'


def waits(total_s: dict[str, float] | None = None, longest_s: dict[str, float] | None = None) -> CrossingWaits:
    """Samples of a run that is over."""
    made = CrossingWaits.__new__(CrossingWaits)
    made.total_s, made.longest_s = defaultdict(float, total_s or {}), defaultdict(float, longest_s or {})
    return made


def measured(folder: Path, persons: dict[str, float], infos: dict[str, str], seen: CrossingWaits) -> dict[str, float]:
    file = folder / "tripinfo.xml"
    rows = (
        f'<personinfo id="{name}" depart="{persons[name] if walks else -1}">{walks}</personinfo>'
        for name, walks in infos.items()
    )
    file.write_text(f"<tripinfos>{''.join(rows)}</tripinfos>")
    scheduled = pd.DataFrame({"id": list(persons), "depart_s": list(persons.values())})
    return person_accounts(person_losses(file, scheduled, WINDOW), seen)


def test_delay_is_the_time_loss_of_all_walks_and_rides_do_not_count(tmp_path: Path):
    """A walk that is not over counts with what was stood; the warm-up does not count."""
    persons = {"warm-up": 500.0, "two walks": 700.0, "inside": 4100.0}
    infos = {
        "warm-up": WALK.format(500, 900, 300, 200),
        "two walks": WALK.format(700, 800, 12, 5) + '<ride timeLoss="50" depart="800"/>' + WALK.format(900, 950, 3, 0),
        "inside": WALK.format(4100, -1, 0, 3000),
    }
    found = measured(tmp_path, persons, infos, waits({"warm-up": 100.0, "inside": 60.0}, {"warm-up": 99, "inside": 55}))
    assert found["persons"] == 2
    assert found["person_delay_s"] == (15 + 3000) / 2
    assert found["person_wait_s"] == 30.0
    assert found["person_wait_max_s"] == 55


@pytest.mark.parametrize("infos", [{}, {"a": ""}], ids=["not mentioned", "not departed"])
def test_who_never_set_out_has_lost_the_time_until_the_cap(tmp_path: Path, infos: dict[str, str]):
    """As a vehicle that never entered."""
    assert measured(tmp_path, {"a": 700.0}, infos, waits())["person_delay_s"] == WINDOW.cap_s - 700.0


def test_where_nobody_walks_the_measures_are_empty(tmp_path: Path):
    """Nought would be a claim."""
    found = measured(tmp_path, {}, {}, waits())
    assert found.pop("persons") == 0
    assert all(math.isnan(value) for value in found.values())
    assert len(found) == 3


def test_bicycles_delay_is_that_of_their_class(tmp_path: Path):
    """By the class of the type, whatever the type is called; empty where there are none."""
    file = tmp_path / "tripinfo.xml"
    row = '<tripinfo id="{}" vType="{}" depart="700" arrival="900" timeLoss="{}" departDelay="1"/>'
    trips = row.format("a", "city", 9) + row.format("b", "fast", 30) + row.format("c", "car", 70)
    file.write_text(f"<tripinfos>{trips}</tripinfos>")
    frame = pd.DataFrame({"id": ["a", "b", "c"], "depart_s": 700.0, "edges": "x y"})
    classes = {"city": "bicycle", "fast": "bicycle", "car": "passenger"}
    assert accounts(read_trips(file, frame, WINDOW, classes), WINDOW)["bicycle_delay_s"] == (10 + 31) / 2
    assert math.isnan(accounts(read_trips(file, frame, WINDOW), WINDOW)["bicycle_delay_s"])
