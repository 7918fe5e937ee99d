"""What the live picture promises: it fits, and it says what the record says."""

from collections.abc import Iterator

import numpy as np
import pytest
from rich.console import Console

from field.junctions import Junctions
from field.live import Dashboard, Status
from field.street import VirtualStreet
from signals.controllers import build
from signals.flow import FlowEstimator
from signals.layout import Layout
from signals.loop import Loop
from signals.safety import Interlock
from signals.values import TRANSITION, Command, Decision, Mode, Record
from tests.field.recorded import STREET

STATUS = Status(STREET, "max-pressure", "active", 25_500.0, 20.0, 60, 3, 0.012)


@pytest.fixture(scope="module")
def seen() -> Iterator[tuple[Layout, Record]]:
    """A minute into a real street under `max-pressure`."""
    with VirtualStreet(STREET) as street:
        controller = build("max-pressure", street.layout, street.plans)
        loop = Loop(street.plant, FlowEstimator(street.layout), controller, Interlock(street.layout))
        for _, _second in zip(range(60), street.seconds(1.0), strict=False):
            record = loop.tick()
        yield street.layout, record


def picture(layout: Layout, record: Record, width: int, height: int, copies: int = 1) -> str:
    console = Console(width=width, height=height, force_terminal=False)
    with console.capture() as captured:
        console.print(Dashboard(STATUS, Junctions(layout).views(record) * copies), end="")
    return captured.get()


@pytest.mark.parametrize("copies", [1, 2, 7, 40])
@pytest.mark.parametrize("height", [8, 12, 24, 40, 70])
@pytest.mark.parametrize("width", [60, 80, 100, 160, 250])
def test_it_fits_the_terminal(seen: tuple[Layout, Record], width: int, height: int, copies: int):
    """No line is longer, and there are no more of them, whatever the number of junctions."""
    lines = picture(*seen, width, height, copies).split("\n")
    assert max(len(line) for line in lines) <= width
    assert len(lines) <= height


@pytest.mark.parametrize(("width", "height"), [(100, 40), (160, 40), (100, 14), (160, 12)])
def test_it_says_what_the_record_says(seen: tuple[Layout, Record], width: int, height: int):
    """Per junction its name, its stage, its queue and the interlock's answer; who controls, and how late."""
    layout, record = seen
    said = picture(layout, record, width, height)
    assert said.startswith(f"{STREET} · max-pressure · active")
    assert "07:05:00" in said and "late 3, p99 12 ms" in said
    assert said.count("granted") + said.count("hold: ") + said.count("release: ") >= 3
    for row, intersection in enumerate(layout.intersections):
        assert intersection.id[-8:] in said
        if record.snapshot.stage[row] != TRANSITION:
            assert f"{record.traffic.elapsed_green_s[row]:.0f} s" in said


def test_loops_are_drawn_as_they_are(seen: tuple[Layout, Record]):
    """One mark a loop: stop line or advance, covered, free or faulty."""
    layout, record = seen
    snapshot = record.snapshot._replace(
        presence=np.ones(len(layout.loops), bool),
        healthy=np.arange(len(layout.loops)) > 0,
    )
    junctions = Junctions(layout).views(record._replace(snapshot=snapshot))
    loops = [loop for junction in junctions for approach in junction.approaches for loop in approach.loops]
    kinds = [detector.kind for intersection in layout.intersections for detector in intersection.detectors]
    assert len(loops) == len(layout.loops)
    assert sum(loop.stop_line for loop in loops) == kinds.count("stop_line")
    assert all(loop.covered for loop in loops)
    assert sum(not loop.healthy for loop in loops) == 1
    assert "×" in picture(layout, record._replace(snapshot=snapshot), 160, 40)


def test_reasons_and_refusals_are_told_in_words(seen: tuple[Layout, Record]):
    """The stage by its name, and what the interlock made of it."""
    layout, record = seen
    number = len(layout.intersections)
    go, there = np.full(number, Mode.GO, np.int8), np.ones(number, np.int64)
    decision = Decision(0.0, go, there, np.zeros(number, np.int64), np.full(number, 7.0), ("gap-out, call on {stage}",))
    held = Command(0.0, 10.0, np.full(number, Mode.HOLD, np.int8), there, there, ("granted", "minimum green"))
    views = Junctions(layout).views(record._replace(decision=decision, command=held))
    assert {view.why for view in views} == {f"gap-out, call on {i.stages[1].name}" for i in layout.intersections}
    assert {view.answer for view in views} == {"hold: minimum green"}
    assert not any(view.granted for view in views)
