"""Which phase each channel of a device's log belongs to and what it is for.

Told by a TOML with `[detectors.CHANNEL]`, an intersection file or a scenario's junction (channel 1 is its first
detector, as in the logs that a simulation writes), or a table as the `atspm` package has it: DeviceId, Phase,
Parameter, Function, where one channel may have several functions.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from experiments.case import place_of
from formats.mapping import load_toml
from reports.detectors.sites import from_table
from scenarios.catalogue import find
from signals.errors import ConfigError
from signals.intersection import Intersection, load

TABLES = (".csv", ".parquet")
FUNCTIONS = {
    "presence": "stop_line",
    "advance": "advance",
    "stop bar count": "count",
    "count": "count",
    "yellow_red": "yellow_red",
}
EVERY = ""
"""The device of places that hold for all."""


@dataclass(frozen=True)
class Channel:
    """`stop_line` is a presence loop, `count` a counting loop there, `yellow_red` one that counts just behind it."""

    channel: int
    phase: int
    function: str


@dataclass(frozen=True)
class Places:
    """Channels by device; those of `EVERY` are for devices that have none of their own."""

    by_device: dict[str, tuple[Channel, ...]]

    def of(self, device: str) -> tuple[Channel, ...]:
        return self.by_device.get(device, self.by_device.get(EVERY, ()))

    def with_function(self, device: str, *functions: str) -> tuple[Channel, ...]:
        return tuple(each for each in self.of(device) if each.function in functions)


def places(given: Sequence[str]) -> Places:
    """From what was typed, `[DEVICE=]SOURCE`, where SOURCE is a file or `scenario:junction`."""
    found: dict[str, tuple[Channel, ...]] = {}
    for text in given:
        device, equals, source = text.rpartition("=")
        read = _read(source)
        found |= {device: read[EVERY]} if equals and EVERY in read else read
    return Places(found)


def _read(source: str) -> dict[str, tuple[Channel, ...]]:
    path = Path(source)
    if path.suffix in TABLES:
        return _table(path)
    if path.suffix == ".toml":
        content = load_toml(path)
        if set(content) == {"detectors"} and isinstance(content["detectors"], dict):
            return {EVERY: _channels(content["detectors"], source)}
        return {EVERY: from_intersection(load(path))}
    scenario, _, junction = source.rpartition(":")
    if not scenario:
        raise ConfigError(f"--intersection {source}: must be a .toml, .csv or .parquet file, or scenario:junction")
    return {EVERY: from_intersection(junction_of(scenario, junction))}


def junction_of(scenario: str, name: str) -> Intersection:
    """One junction as the simulation knows it."""
    known = {each.id: each for each in place_of(find(scenario)).network.intersections}
    if name not in known:
        raise ConfigError(f"scenario {scenario}: junction {name} is not there, must be one of {', '.join(known)}")
    return known[name]


def from_intersection(intersection: Intersection) -> tuple[Channel, ...]:
    """A detector's phase is that of the first signal group that its lanes serve."""
    groups = {group.id: group for group in intersection.lane_groups}
    return tuple(
        Channel(
            channel,
            intersection.phase_of(groups[detector.lane_groups[0]].signal_groups[0]).number,
            detector.kind,
        )
        for channel, detector in enumerate(intersection.detectors, 1)
    )


def _channels(table: dict, where: str) -> tuple[Channel, ...]:
    for name in table:
        if not name.isdigit():
            raise ConfigError(f"{where}: detectors.{name}: must be a channel's number")
    return tuple(Channel(int(name), each.phase, each.function) for name, each in from_table(table, where).items())


def _table(path: Path) -> dict[str, tuple[Channel, ...]]:
    reader = "read_parquet" if path.suffix == ".parquet" else "read_csv"
    query = (
        f"select distinct DeviceId::varchar, Parameter::integer, Phase::integer, lower(trim(Function)) from {reader}(?)"
    )
    try:
        with duckdb.connect() as connection:
            rows = connection.execute(f"{query} order by all", [str(path)]).fetchall()
    except duckdb.Error as error:
        raise ConfigError(
            f"{path}: must have DeviceId, Phase, Parameter and Function: {str(error).splitlines()[0]}"
        ) from error
    return {device: tuple(_of_device(rows, device)) for device in dict.fromkeys(row[0] for row in rows)}


def _of_device(rows: Iterable[tuple], device: str) -> Iterable[Channel]:
    for owner, channel, phase, function in rows:
        if owner == device:
            yield Channel(channel, phase, FUNCTIONS.get(function, "other"))
