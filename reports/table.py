"""The one table: what each controller did on each scenario, for the report."""

from collections.abc import Callable
from dataclasses import dataclass

from experiments.statistics import Interval
from reports.comparison import Arm
from reports.measures import level_of_service
from reports.wording import NONE, bounds, number, per_cent_change, signed
from reports.words import Words


@dataclass(frozen=True)
class Cell:
    """A figure and what stands smaller beside it, such as its interval."""

    text: str
    note: str = ""


@dataclass(frozen=True)
class Column:
    """A key of the words' table: `table.KEY` and `table.KEY_unit`; the cell of an arm."""

    group: str
    key: str
    cell: Callable[[Arm, Words], Cell]


def _mean(measure: str, decimals: int) -> Callable[[Arm, Words], Cell]:
    return lambda arm, _: Cell(number(arm.mean(measure), decimals))


def _worst(measure: str) -> Callable[[Arm, Words], Cell]:
    return lambda arm, _: Cell(number(arm.worst(measure), 0))


def interval(of: Interval, say: Words, decimals: int = 1) -> str:
    """'[−26.0, −21.8]', or that there is none."""
    return bounds(of, decimals) or say("table.no_interval")


def _difference(arm: Arm, say: Words) -> Cell:
    if arm.is_baseline:
        return Cell(say("table.baseline"))
    difference = arm.difference("delay_s")
    return Cell(signed(difference.estimate), interval(difference, say))


def _change(arm: Arm, say: Words) -> Cell:
    if arm.is_baseline:
        return Cell(NONE)
    change = per_cent_change(arm.ratio("delay_s"))
    return Cell(signed(change.estimate, 0), interval(change, say, 0))


def _level(arm: Arm, _say: Words) -> Cell:
    return Cell(level_of_service(arm.mean("delay_per_signal_s")) or NONE)


def _throughput(arm: Arm, say: Words) -> Cell:
    difference = arm.difference("throughput_veh_per_h")
    changed = "" if arm.is_baseline else f"{signed(difference.estimate, 0)} {interval(difference, say, 0)}"
    return Cell(number(arm.mean("throughput_veh_per_h"), 0), changed)


def _served(arm: Arm, say: Words) -> Cell:
    completed, scheduled = arm.mean("completed"), arm.mean("scheduled")
    share = number(100.0 * completed / scheduled, 1) if scheduled else NONE
    return Cell(share, say("table.of", some=number(completed, 0), all=number(scheduled, 0)))


def _gridlock(arm: Arm, say: Words) -> Cell:
    return Cell(say("table.of", some=arm.gridlocks, all=arm.draws))


COLUMNS = (
    Column("delay", "mean_delay", _mean("delay_s", 1)),
    Column("delay", "difference", _difference),
    Column("delay", "change", _change),
    Column("delay", "per_signal", _mean("delay_per_signal_s", 1)),
    Column("delay", "los", _level),
    Column("vehicles", "throughput", _throughput),
    Column("vehicles", "served", _served),
    Column("vehicles", "never_entered", _mean("never_entered", 1)),
    Column("vehicles", "clear", _mean("clear_time_s", 0)),
    Column("service", "starvation", _worst("starve_max_s")),
    Column("service", "stops", _mean("stops_per_veh", 2)),
    Column("service", "persons", _mean("person_wait_s", 1)),
    Column("service", "co2", _mean("co2_kg", 0)),
    Column("service", "gridlock", _gridlock),
)


def row(arm: Arm, say: Words) -> tuple[Cell, ...]:
    return tuple(column.cell(arm, say) for column in COLUMNS)


def headings(say: Words) -> list[tuple[str, str]]:
    """Each column's title and unit."""
    return [(say(f"table.{column.key}"), say(f"table.{column.key}_unit")) for column in COLUMNS]


def groups(say: Words) -> list[tuple[str, int]]:
    """The header above the header: each group of columns with its width."""
    widths: dict[str, int] = {}
    for column in COLUMNS:
        widths[column.group] = widths.get(column.group, 0) + 1
    return [(say(f"table.{group}"), width) for group, width in widths.items()]
