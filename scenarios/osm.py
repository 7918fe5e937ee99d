"""A network from a local OpenStreetMap extract, converted with netconvert."""

import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scenarios.sumo_tools import package_folder, run_tool
from scenarios.written import HEADER_COMMENT, OwnConfiguration, check_ours, write_sumocfg
from scenarios.xml_files import open_packed, top_level_elements
from signals.errors import ConfigError

NOT_THE_ROAD = "pedestrian,rail,rail_electric,rail_fast,rail_urban,subway,cable_car,ship,aircraft"
NO_ROADS = frozenset(
    {"footway", "path", "steps", "cycleway", "bridleway", "pedestrian", "corridor", "platform", "proposed",
     "construction", "razed", "abandoned", "elevator", "raceway", "rest_area", "services"}
)  # fmt: skip
ENDINGS = (".xml", ".gz", ".bz2", ".osm")
GUESS_SIGNALS_M = 30.0  # how far before a junction its signals' nodes may stand
JOIN_M = 20.0
SLOW_M_PER_S = 8.4  # unsignalled crossings only over streets of 30 km/h
MINOR = ("discarding unusable type", "speed of", "minor green", "turn speed", "intersecting left turns", "proj")
KINDS_SHOWN = 5


@dataclass(frozen=True)
class SignalTimes:
    """What netconvert's plans are made of where the map says nothing; None: as netconvert has it."""

    cycle_s: int = 90
    all_red_s: int = 1
    left_green_s: int = 6
    yellow_change_s: int | None = None  # netconvert computes it from the speed limit, at least 3 s

    def __post_init__(self) -> None:
        bounds = {"cycle_s": (30, 240), "all_red_s": (0, 10), "left_green_s": (0, 60), "yellow_change_s": (3, 10)}
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise ConfigError(f"{name} = {value}, must be {low} to {high}")


@dataclass(frozen=True)
class Imported:
    """What an import wrote, and netconvert's warnings as one line a kind."""

    net_file: Path
    configuration: Path
    warnings: tuple[str, ...]


def map_name(osm_file: Path) -> str:
    """The file's name without `.osm`, `.osm.xml.gz` and the like."""
    name = osm_file.name
    while name.endswith(ENDINGS):
        name = name[: name.rindex(".")]
    return name or "map"


def import_osm(
    osm_file: Path, folder: Path, times: SignalTimes, left_hand: bool = False, guess: bool = False
) -> Imported:
    """Write `<name>.net.xml` and `<name>.sumocfg` into the folder. `guess` puts signals on large junctions too."""
    check_map(osm_file, guess)
    name = map_name(osm_file)
    net_file, configuration = folder / f"{name}.net.xml", folder / f"{name}.sumocfg"
    check_ours(configuration)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        warned = convert(osm_file, net_file, times, left_hand, guess)
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror}") from error
    write_sumocfg(configuration, OwnConfiguration(net_file))
    return Imported(net_file, configuration, tuple(kinds_of_warnings(warned.splitlines())))


def convert(osm_file: Path, net_file: Path, times: SignalTimes, left_hand: bool = False, guess: bool = False) -> str:
    """Write the network, the same bytes every time, and return what netconvert warned of."""
    with tempfile.TemporaryDirectory() as work:
        plain, made = Path(work) / "map.osm.xml", Path(work) / "net.xml"
        with open_packed(osm_file) as packed, plain.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
        options = [*_options(times, left_hand, guess), "--osm-files", plain, "--output-file", made]
        warned = run_tool("netconvert", *options, subject=str(osm_file)).replace(str(plain), osm_file.name)
        text = HEADER_COMMENT.sub(b"", made.read_bytes())  # it holds the date and our paths
    if b"<tlLogic" not in text:
        raise ConfigError(f"{osm_file}: none of its traffic signals stands at a junction of roads")
    net_file.write_bytes(text)
    return warned


def _options(times: SignalTimes, left_hand: bool, guess: bool) -> list[str | Path]:
    types = package_folder("sumo", "eclipse-sumo") / "data" / "typemap"
    options: list[str | Path] = ["--type-files", types / "osmNetconvert.typ.xml", "--xml-validation", "never"]
    options += ["--proj.utm", "--output.street-names"]
    options += ["--geometry.remove", "--remove-edges.isolated", "--remove-edges.by-vclass", NOT_THE_ROAD]
    options += ["--junctions.join", "--ramps.guess", "--roundabouts.guess", "--no-turnarounds.except-deadend"]
    options += ["--osm.turn-lanes", "--osm.lane-access", "--osm.bike-access", "--osm.sidewalks"]
    options += ["--crossings.guess", "--crossings.guess.speed-threshold", f"{SLOW_M_PER_S}"]
    options += ["--tls.guess-signals", "--tls.guess-signals.dist", f"{GUESS_SIGNALS_M}", "--tls.discard-simple"]
    options += ["--tls.join", "--tls.join-dist", f"{JOIN_M}", "--tls.default-type", "static"]
    options += ["--tls.cycle.time", f"{times.cycle_s}", "--tls.allred.time", f"{times.all_red_s}"]
    options += ["--tls.left-green.time", f"{times.left_green_s}"]
    if times.yellow_change_s is not None:
        options += ["--tls.yellow.time", f"{times.yellow_change_s}"]
    return options + ["--lefthand"] * left_hand + ["--tls.guess"] * guess


def check_map(osm_file: Path, guess: bool = False) -> None:
    """Say in one line what the file lacks: it must be OSM's XML and hold roads and traffic signals."""
    if not osm_file.is_file():
        raise ConfigError(f"{osm_file}: no such file")
    if osm_file.name.endswith(".pbf"):
        raise ConfigError(f"{osm_file}: is OSM's PBF; make XML of it first: osmium cat {osm_file.name} -o map.osm.gz")
    roads = signals = 0
    for element in top_level_elements(osm_file, ("osm",)):
        highway = next((tag.get("v") for tag in element.iter("tag") if tag.get("k") == "highway"), None)
        roads += element.tag == "way" and highway is not None and highway not in NO_ROADS
        signals += element.tag == "node" and highway == "traffic_signals"
    if not roads:
        raise ConfigError(f"{osm_file}: no road in it: no way has a highway tag that vehicles may use")
    if not signals and not guess:
        raise ConfigError(
            f"{osm_file}: no traffic signal in it: no node is tagged highway=traffic_signals; "
            "tag them, or let --guess put signals on the large junctions"
        )


def kinds_of_warnings(lines: Iterable[str]) -> list[str]:
    """Warnings that matter, alike ones together: how many, and the first in full."""
    first: dict[str, str] = {}
    counts: dict[str, int] = {}
    for line in lines:
        text = line.removeprefix("Warning: ").strip()
        if line.startswith("Warning: ") and not any(word in text.lower() for word in MINOR):
            kind = re.sub(r"'[^']*'|[-\d.]+", "", text)
            first.setdefault(kind, text)
            counts[kind] = counts.get(kind, 0) + 1
    kinds = sorted(counts, key=lambda kind: -counts[kind])
    shown = [f"{counts[kind]} x {first[kind]}" for kind in kinds[:KINDS_SHOWN]]
    left = sum(counts[kind] for kind in kinds[KINDS_SHOWN:])
    return shown + [f"{left} more of other kinds"] * (left > 0)
