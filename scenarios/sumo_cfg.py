"""The user's own streets by path: a `.sumocfg`, or the network and its routes."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scenarios.flows import parse_time_s
from scenarios.traffic import DEFINITION_TAGS, DEMAND_TAGS, ROUTE_FILE_ROOTS
from scenarios.xml_files import net_edges, root_tag, top_level_elements
from signals.errors import ConfigError

OPTION_NAMES = {
    "net-file": ("net-file", "net", "n"),
    "route-files": ("route-files", "routes", "r"),
    "additional-files": ("additional-files", "additional", "a"),
    "begin": ("begin", "b"),
    "end": ("end", "e"),
    "step-length": ("step-length",),
}
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


def read_sumocfg(path: Path) -> OwnFiles:
    """Input and time sections of a SUMO configuration; its other options are ours to decide and not taken over."""
    given = _options(path)
    if "net-file" not in given:
        raise ConfigError(f"{path}: names no net-file")
    if "route-files" not in given:
        raise ConfigError(f"{path}: names no route-files")
    return OwnFiles(
        net_file=_existing(path, given["net-file"], "net-file"),
        route_files=tuple(_existing(path, name, "route-files") for name in _names(given["route-files"])),
        additional_files=tuple(_existing(path, name, "additional-files") for name in _names(given.get("additional-files", ""))),
        begin_s=parse_time_s(given["begin"], f"{path}: begin") if "begin" in given else None,
        end_s=_end_s(path, given),
        step_length_s=parse_time_s(given.get("step-length", "1"), f"{path}: step-length"),
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
            if option.tag in spelled and value is not None and value.strip():
                given[spelled[option.tag]] = value.strip()
    return given


def _names(listed: str) -> list[str]:
    return listed.replace(",", " ").replace(";", " ").split()


def _existing(config: Path, name: str, option: str) -> Path:
    path = (config.parent / name).resolve()
    if not path.is_file():
        raise ConfigError(f"{config}: {option} names {name}, which is not there ({path})")
    return path


def read_file_list(listed: str) -> OwnFiles:
    """`net.net.xml,routes.rou.xml[,more]`: the first is the network, the others are told apart by what is in them."""
    names = [name.strip() for name in listed.split(",") if name.strip()]
    paths = [Path(name).expanduser().resolve() for name in names]
    for name, path in zip(names, paths, strict=True):
        if not path.is_file():
            raise ConfigError(f"{name}: no such file ({path})")
    net_edges(paths[0])
    routes = tuple(path for path in paths[1:] if root_tag(path) in ("routes", "route-alternatives"))
    others = tuple(path for path in paths[1:] if path not in routes)
    return OwnFiles(paths[0], routes, others)


def with_traffic_apart(files: OwnFiles, name: str) -> OwnFiles:
    """Traffic that stands in additional files is traffic too: it is drawn with the rest, and not loaded twice."""
    routes, others = list(files.route_files), []
    for path in files.additional_files:
        tags = {element.tag for element in top_level_elements(path, ("additional", "routes"))}
        if not tags & DEMAND_TAGS:
            others.append(path)
        elif tags <= DEMAND_TAGS | DEFINITION_TAGS:
            routes.append(path)
        else:
            street = min(tags - DEMAND_TAGS - DEFINITION_TAGS)
            raise ConfigError(f"{path}: holds traffic ({min(tags & DEMAND_TAGS)}) and street ({street}) in one file, must be in two")
    if not routes:
        raise ConfigError(f"{name}: no route file")
    return OwnFiles(files.net_file, tuple(routes), tuple(others), files.begin_s, files.end_s, files.step_length_s)


def window_s(files: OwnFiles, name: str) -> tuple[float, float]:
    """Begin and end of the simulated time.

    Without a begin it is 0, or the first departure's full minute where that comes later than ten minutes. Without an end it is the full
    minute after the last departure: everybody travels, and the drain that follows lets the last ones out. Flows without an end get 70 minutes.
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
    first, last = math.inf, -math.inf
    for path in route_files:
        for element in top_level_elements(path, ROUTE_FILE_ROOTS):
            for source in element if element.tag == "interval" else (element,):
                if source.tag in DEMAND_TAGS:
                    bounds = _bounds_s(path, {**(element.attrib if element is not source else {}), **source.attrib}, default_begin_s)
                    first, last = min(first, bounds[0]), max(last, bounds[1])
    return (first, last) if last > -math.inf else (default_begin_s, default_begin_s)


def _bounds_s(path: Path, given: dict[str, str], default_begin_s: float) -> tuple[float, float]:
    if "depart" in given:
        try:
            depart_s = parse_time_s(given["depart"], str(path))
        except ConfigError:
            return math.inf, -math.inf  # triggered by someone who boards
        return depart_s, depart_s
    begin_s = parse_time_s(given["begin"], str(path)) if "begin" in given else default_begin_s
    return begin_s, parse_time_s(given["end"], str(path)) if "end" in given else math.inf
