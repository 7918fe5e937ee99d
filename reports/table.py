"""The one table: what each controller did on each scenario, for the terminal and the report alike."""

from collections.abc import Callable
from dataclasses import dataclass

from reports.comparison import Arm
from reports.measures import level_of_service
from reports.wording import NONE, interval, number, per_cent_change, signed


@dataclass(frozen=True)
class Cell:
    """A figure and what stands smaller beside it, such as its interval."""

    text: str
    note: str = ""


@dataclass(frozen=True)
class Column:
    group: str
    title: str
    unit: str
    cell: Callable[[Arm], Cell]


def _mean(measure: str, decimals: int) -> Callable[[Arm], Cell]:
    return lambda arm: Cell(number(arm.mean(measure), decimals))


def _difference(arm: Arm) -> Cell:
    if arm.is_baseline:
        return Cell("baseline")
    difference = arm.difference("delay_s")
    return Cell(signed(difference.estimate), interval(difference))


def _change(arm: Arm) -> Cell:
    if arm.is_baseline:
        return Cell(NONE)
    change = per_cent_change(arm.ratio("delay_s"))
    return Cell(signed(change.estimate, 0), interval(change, 0))


def _level(arm: Arm) -> Cell:
    return Cell(level_of_service(arm.mean("delay_per_signal_s")) or NONE)


def _throughput(arm: Arm) -> Cell:
    difference = arm.difference("throughput_veh_per_h")
    changed = "" if arm.is_baseline else f"{signed(difference.estimate, 0)} {interval(difference, 0)}"
    return Cell(number(arm.mean("throughput_veh_per_h"), 0), changed)


def _served(arm: Arm) -> Cell:
    completed, scheduled = arm.mean("completed"), arm.mean("scheduled")
    share = number(100.0 * completed / scheduled, 1) if scheduled else NONE
    return Cell(share, f"{number(completed, 0)} of {number(scheduled, 0)}")


def _gridlock(arm: Arm) -> Cell:
    return Cell(f"{arm.gridlocks} of {arm.draws}")


COLUMNS = (
    Column("Delay", "Mean delay", "s/veh", _mean("delay_s", 1)),
    Column("Delay", "Difference", "s/veh, 95 % interval", _difference),
    Column("Delay", "Change", "%, 95 % interval", _change),
    Column("Delay", "Per signal", "s/veh", _mean("delay_per_signal_s", 1)),
    Column("Delay", "LOS", "A–F", _level),
    Column("Vehicles in the window", "Throughput", "veh/h, difference", _throughput),
    Column("Vehicles in the window", "Served", "%", _served),
    Column("Vehicles in the window", "Never entered", "veh", _mean("never_entered", 1)),
    Column("Service", "Longest starvation", "s, worst draw", lambda arm: Cell(number(arm.worst("starve_max_s"), 0))),
    Column("Service", "Stops", "per veh", _mean("stops_per_veh", 2)),
    Column("Service", "Persons' wait", "s at crossings", _mean("person_wait_s", 1)),
    Column("Service", "CO2", "kg", _mean("co2_kg", 0)),
    Column("Service", "Gridlock", "draws", _gridlock),
)


def row(arm: Arm) -> tuple[Cell, ...]:
    return tuple(column.cell(arm) for column in COLUMNS)


def groups() -> list[tuple[str, int]]:
    """The header above the header: each group of columns with its width."""
    widths: dict[str, int] = {}
    for column in COLUMNS:
        widths[column.group] = widths.get(column.group, 0) + 1
    return list(widths.items())
