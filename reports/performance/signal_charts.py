"""One signal of a measured log as charts: of its fullest day, and by time of day; also beside those of another log."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from formats.event_log import DAY_MS, Device
from reports.performance import charts
from reports.performance.charts import Day
from reports.performance.measure_log import Measures
from reports.performance.measure_piece import CODES, Piece, piece_of
from reports.words import Words


@dataclass(frozen=True)
class Signal:
    """By phase: its fullest day, which begins at `begin_ms`, and its arrivals and split failures by time of day."""

    device: str
    begin_ms: int
    bin_s: float
    days: dict[int, Day]
    arrivals: dict[int, pd.DataFrame]
    judged: dict[int, pd.DataFrame]


def signal_of(measures: Measures, device: Device) -> Signal:
    """Phases that had a whole cycle."""
    begin_ms = _fullest_day(measures, device)
    piece = piece_of(next(measures.log.day([device], begin_ms, CODES)), device, measures.places, measures.bin_ms)
    days = {
        phase: Day(*_drawn_span(piece), cycles, piece.ons(piece.channels(phase, "advance")))
        for phase, cycles in piece.cycles.items()
        if len(cycles.begin_ms) > 1
    }
    arrivals = _by_time_of_day(measures, "arrivals_on_green", device, ("arrivals", "on_green", "known_s"))
    judged = _by_time_of_day(measures, "split_failures", device, ("cycles", "split_failures"))
    return Signal(device.name, begin_ms, measures.bin_ms / 1000.0, days, arrivals, judged)


def endings(name: str, signal: Signal, say: Words) -> Markup | None:
    """How the greens of all its phases ended."""
    return Markup(charts.terminations(name, signal.device, signal.days, say)) if signal.days else None


def phase_charts(
    name: str, signal: Signal, phase: int, say: Words, beside: Sequence[Signal] = ()
) -> list[tuple[str, Markup]]:
    """(caption, chart) for what the phase's loops allow, to the same scale as the same phase of other logs."""
    label, day = say("phase", n=phase), signal.days[phase]
    days = [day, *(other.days[phase] for other in beside if phase in other.days)]
    drawn: list[tuple[str, str]] = []
    if len(day.arrival_ms):
        drawn.append((say("sections.coordination"), charts.coordination(f"c{name}", label, days, say)))
    if phase in signal.arrivals:
        profiles = [each.arrivals[phase] for each in (signal, *beside) if phase in each.arrivals]
        drawn.append((say("sections.arrivals"), charts.arrivals(f"a{name}", label, profiles, signal.bin_s, say)))
    if phase in signal.judged:
        chart = charts.split_failures(f"f{name}", label, signal.judged[phase], signal.bin_s, say)
        drawn.append((say("sections.failures"), chart))
    drawn.append((say("sections.splits"), charts.split_monitor(f"m{name}", label, days, say)))
    return [(caption, Markup(chart)) for caption, chart in drawn]


def _drawn_span(piece: Piece) -> tuple[float, float]:
    begin_ms, end_ms = max(piece.events.begin_ms, piece.since_ms), min(piece.events.end_ms, piece.until_ms)
    return begin_ms / 1000.0, max(end_ms, begin_ms + 1) / 1000.0


def _fullest_day(measures: Measures, device: Device) -> int:
    """The day with most vehicles on any detector, or the first."""
    name = device.name.replace("'", "''")
    found = measures.query(
        f"select begin_ms // {DAY_MS} * {DAY_MS} as day from raw_detector_counts where device = '{name}'"
        " group by 1 order by sum(volume_veh) desc, 1 limit 1"
    )
    return int(found["day"].iloc[0]) if len(found) else device.begin_ms // DAY_MS * DAY_MS


def _by_time_of_day(measures: Measures, table: str, device: Device, sums: Sequence[str]) -> dict[int, pd.DataFrame]:
    """By phase: `tod_s` from midnight, some sums, and of split failures the mean occupancies."""
    means = ", avg(green_occupancy) green_occupancy, avg(red_occupancy) red_occupancy" if table[0] == "s" else ""
    name = device.name.replace("'", "''")
    summed = ", ".join(f"sum({each})::double {each}" for each in sums)
    found = measures.query(
        f"select phase, (epoch_ms(begin) % {DAY_MS}) / 1000.0 tod_s, {summed}{means} from {table}"
        f" where device = '{name}' group by 1, 2 order by 1, 2"
    )
    return {int(str(phase)): rows for phase, rows in found.groupby("phase")}
