"""How a long table's columns are called, and in which units they are: TOML, or `name=column,…` as typed."""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from formats.errors import FormatError

UNITS = {
    "occupancy_unit": ("fraction", "per cent", "ntcip"),
    "speed_unit": ("m/s", "km/h", "mph"),
    "volume_unit": ("veh", "veh/h"),
}
SPEED_M_PER_S = {"m/s": 1.0, "km/h": 1 / 3.6, "mph": 0.44704}


@dataclass(frozen=True)
class Mapping:
    """Names of columns; an empty one is looked for under its usual names. `period` is a column, `period_s` a number."""

    time: str = ""
    detector: tuple[str, ...] = ()
    volume: str = ""
    occupancy: str = ""
    speed: str = ""
    period: str = ""
    healthy: str = ""
    period_s: float = 0.0
    time_format: str = ""
    delimiter: str = ""
    volume_unit: str = "veh"
    occupancy_unit: str = "fraction"
    speed_unit: str = "m/s"

    @property
    def names_columns(self) -> bool:
        return bool(self.time or self.detector or self.volume)


def mapping_from(table: dict[str, Any], where: str) -> Mapping:
    """From the keys of a TOML file or of what was typed; an unknown key or unit is an error."""
    known = {field.name: field for field in fields(Mapping)}
    for key in table:
        if key not in known:
            raise FormatError(f"{where}: {key} is unknown, must be one of {', '.join(known)}")
    given = dict(table)
    if "detector" in given:
        names = given["detector"]
        given["detector"] = tuple(names) if isinstance(names, list) else (names,)
    if "period_s" in given:
        given["period_s"] = _period(given["period_s"], where)
    for key, units in UNITS.items():
        if given.get(key, units[0]) not in units:
            raise FormatError(f"{where}: {key} = {given[key]!r}, must be one of {', '.join(units)}")
    for key, value in given.items():
        if key not in ("detector", "period_s") and not isinstance(value, str):
            raise FormatError(f"{where}: {key} = {value!r}, must be a text")
    return Mapping(**given)


def _period(value: Any, where: str) -> float:
    try:
        period_s = float(value)
    except (TypeError, ValueError):
        period_s = 0.0
    if not 0 < period_s <= 86_400:
        raise FormatError(f"{where}: period_s = {value}, must be above 0 and at most 86400")
    return period_s


def load_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: is not TOML: {error}") from error


def typed(words: str) -> dict[str, Any]:
    """`time=begin,detector=site+lane,volume=n`; several detector columns are joined by `+`."""
    table: dict[str, Any] = {}
    for pair in filter(None, words.split(",")):
        key, equals, value = pair.partition("=")
        if not equals:
            raise FormatError(f"--map: {pair!r}, must be name=column or the path of a TOML file")
        table[key.strip()] = value.strip().split("+") if key.strip() == "detector" else value.strip()
    return table
