"""The user's own streets by path: a `.sumocfg`, or the network and its routes."""

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.etree.ElementTree import Element

from scenarios.additional import with_included
from scenarios.flows import parse_time_s
from scenarios.traffic import BOARDED, DEFINITION_TAGS, DEMAND_TAGS, ROUTE_FILE_ROOTS
from scenarios.xml_files import top_level_elements
from signals.errors import ConfigError

OPTION_NAMES = {
    "net-file": ("net-file", "net", "n"),
    "route-files": ("route-files", "routes", "r"),
    "additional-files": ("additional-files", "additional", "a"),
    "begin": ("begin", "b"),
    "end": ("end", "e"),
    "step-length": ("step-length",),
}
FILE_OPTIONS = ("net-file", "route-files", "additional-files")
OPEN_FLOW_S = 4200.0  # how much of a flow without an end is simulated where the configuration has no end either


@dataclass(frozen=True)
class OwnFiles:
    """What a configuration names; times that it does not name are None."""

    net_file: Path
    route_files: tuple[Path, ...]
    additional_files: tuple[Path, ...]
    begin_s: float | None = None
    end_s: float | None = None
    step_length_s: float = 1.0
    options: Mapping[str, str] = field(default_factory=dict)  # all others, as they stand there


def read_sumocfg(path: Path) -> OwnFiles:
    """Input and time of a SUMO configuration, and its other options for `scenarios.sumo_options` to choose among."""
    given = _options(path)
    if "net-file" not in given:
        raise ConfigError(f"{path}: names no net-file")
    net_files, route_files, additional_files = (_existing(path, given, option) for option in FILE_OPTIONS)
    if len(net_files) != 1:
        raise ConfigError(f"{path}: names {len(net_files)} net-files, must be 1")
    return OwnFiles(
        net_file=net_files[0],
        route_files=route_files,
        additional_files=additional_files,
        begin_s=parse_time_s(given["begin"], f"{path}: begin") if "begin" in given else None,
        end_s=_end_s(path, given),
        step_length_s=parse_time_s(given.get("step-length", "1"), f"{path}: step-length"),
        options={name: value for name, value in given.items() if name not in OPTION_NAMES},
    )


def _end_s(path: Path, given: dict[str, str]) -> float | None:
    """SUMO's default of -1 means: until the last vehicle is out."""
    end_s = parse_time_s(given.get("end", "-1"), f"{path}: end")
    return end_s if end_s >= 0 else None


def _options(path: Path) -> dict[str, str]:
    """Sections are decoration to SUMO: an option may stand in any of them or in none."""
    given: dict[str, str] = {}
    spelled = {spelling: name for name, spellings in OPTION_NAMES.items() for spelling in spellings}
    for section in top_level_elements(path, ("configuration", "sumoConfiguration")):
        for option in (section, *section):
            value = option.get("value", option.get("v"))
            if value is not None and value.strip():
                given[spelled.get(option.tag, option.tag)] = value.strip()
    return given


def _existing(config: Path, given: dict[str, str], option: str) -> tuple[Path, ...]:
    """Files are relative to the configuration; between them stand commas, semicolons or blanks.

    A name may have blanks where the commas suffice.
    """
    listed = os.path.expandvars(given.get(option, "")).replace(";", ",")
    names = [name.strip() for name in listed.split(",") if name.strip()]
    if not all((config.parent / name).is_file() for name in names):
        names = listed.replace(",", " ").split()
    paths = tuple((config.parent / name).resolve() for name in names)
    for name, path in zip(names, paths, strict=True):
        if not path.is_file():
            raise ConfigError(f"{config}: {option} names {name}, which is not there ({path})")
    return paths


def read_file_list(listed: str) -> OwnFiles:
    """`net.net.xml,routes.rou.xml[,more]`: the first is the network, the others are told apart by what is in them."""
    names = [name.strip() for name in listed.split(",") if name.strip()]
    paths = [Path(name).expanduser().resolve() for name in names]
    for name, path in zip(names, paths, strict=True):
        if not path.is_file():
            raise ConfigError(f"{name}: no such file ({path})")
    if not paths:
        raise ConfigError(f"{listed}: names no file")
    return OwnFiles(paths[0], (), tuple(paths[1:]))


def with_traffic_apart(files: OwnFiles, name: str) -> OwnFiles:
    """The same with its traffic apart, of which there must be some."""
    apart = traffic_apart(files)
    if not apart.route_files:
        raise ConfigError(f"{name}: no route file: none of its files holds vehicles, trips, flows or persons")
    return apart


def traffic_apart(files: OwnFiles) -> OwnFiles:
    """Traffic that stands in additional files is traffic too: it is drawn with the rest, and not loaded twice.

    A file with both traffic and street is in both lists, and `scenarios.additional` takes the traffic out for the run.
    """
    routes, others = list(with_included(files.route_files)), list[Path]()
    for path in with_included(files.additional_files):
        tags = {element.tag for element in top_level_elements(path)}
        traffic, street = tags & DEMAND_TAGS, tags - DEMAND_TAGS - DEFINITION_TAGS - {"include"}
        if traffic:
            routes.append(path)
        if street or not traffic:
            others.append(path)
    return replace(files, route_files=tuple(routes), additional_files=tuple(others))


def window_s(files: OwnFiles, name: str) -> tuple[float, float]:
    """Begin and end of the simulated time.

    Without a begin it is 0, or the first departure's full minute where that comes later than ten minutes. Without an
    end it is the full minute after the last departure: everybody travels, and the drain that follows lets the last
    ones out. Flows without an end get 70 minutes.
    """
    begin_s, end_s = files.begin_s, files.end_s
    if begin_s is None or end_s is None:
        first_s, last_s = _first_and_last_s(files.route_files, begin_s or 0.0)
        if begin_s is None:
            begin_s = 0.0 if first_s <= 600 else 60.0 * math.floor(first_s / 60)
        if end_s is None:
            end_s = begin_s + OPEN_FLOW_S if math.isinf(last_s) else 60.0 * (math.floor(last_s / 60) + 1)
    if not end_s > begin_s:
        raise ConfigError(f"{name}: end = {end_s:g} s, must be after begin = {begin_s:g} s")
    return begin_s, end_s


def _first_and_last_s(route_files: Iterable[Path], default_begin_s: float) -> tuple[float, float]:
    bounds = [
        _bounds_s(path, given, default_begin_s)
        for path in route_files
        for element in top_level_elements(path, ROUTE_FILE_ROOTS)
        for given in _demand_attributes(element)
    ]
    firsts, lasts = [first for first, last in bounds if last > -math.inf], [last for _first, last in bounds]
    return (min(firsts), max(lasts)) if firsts else (default_begin_s, default_begin_s)


def _demand_attributes(element: Element) -> Iterator[dict[str, str]]:
    if element.tag == "interval":
        yield from ({**element.attrib, **child.attrib} for child in element if child.tag in DEMAND_TAGS)
    elif element.tag in DEMAND_TAGS:
        yield element.attrib


def _bounds_s(path: Path, given: dict[str, str], default_begin_s: float) -> tuple[float, float]:
    """First and last departure; what departs when boarded has neither."""
    if given.get("depart") in BOARDED:
        return math.inf, -math.inf
    begin = given.get("depart", given.get("begin"))
    begin_s = default_begin_s if begin in (None, "begin") else parse_time_s(str(begin), str(path))
    if "depart" in given:
        return begin_s, begin_s
    return begin_s, parse_time_s(given["end"], str(path)) if "end" in given else math.inf
