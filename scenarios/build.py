"""Own scenarios: text sources beside this file, built with netconvert into the cache.

`<name>/place.toml` has streets and plans, `<name>/demand.csv` vehicles per hour from end to end by quarter of an hour;
or `<name>/<name>.osm` is a map and `<name>/counts.csv` has turning counts, as for `evaluate.py import` and `demand`.
"""

import csv
import tempfile
from pathlib import Path

from scenarios.cache import combined_digest, file_digest, kept_folder
from scenarios.from_counts import demand_from_counts
from scenarios.osm import SignalTimes, import_osm
from scenarios.place import Place, read_place
from scenarios.plain_xml import connections_xml, edges_xml, nodes_xml, signals_xml
from scenarios.sumo_cfg import OwnFiles, read_sumocfg
from scenarios.sumo_tools import run_tool, sumo_version
from scenarios.vehicle_types import CAR
from scenarios.written import HEADER_COMMENT
from signals.errors import ConfigError

FROM_PLACES: dict[str, str] = {
    "single": "One junction with turn bays, protected and permissive left turns; synthetic.",
    "arterial": "Five coordinated junctions on a two-lane arterial with tidal demand; synthetic.",
    "district": "Nine junctions of one- and two-lane streets, three by three, some of them T-junctions; synthetic.",
}
FROM_MAPS: dict[str, str] = {
    "town": "A town centre of five junctions with crossings, from a map and turning counts; synthetic.",
}
OWN_SCENARIOS = FROM_PLACES | FROM_MAPS
SOURCES = Path(__file__).parent
PLACE_BUILDERS = ("build.py", "place.py", "plain_xml.py")
MAP_BUILDERS = ("osm.py", "counts.py", "from_counts.py", "sampling.py", "candidates.py", "street_graph.py")
DEFINED_END = ("from", "to")


def built_files(name: str) -> OwnFiles:
    """Files of an own scenario, built on first use and again whenever its sources, this code or SUMO change."""
    folder = kept_folder(f"scenarios/{name}-{_digest(name)[:16]}", lambda work: build(name, work))
    if name in FROM_MAPS:
        return read_sumocfg(folder / f"{name}.sumocfg")
    place = read_place(SOURCES / name / "place.toml")
    return OwnFiles(folder / f"{name}.net.xml", (folder / f"{name}.rou.xml",), (), place.begin_s, place.end_s)


def _digest(name: str) -> str:
    sources, builders = (
        ((f"{name}.osm", "counts.csv"), MAP_BUILDERS)
        if name in FROM_MAPS
        else (("place.toml", "demand.csv"), PLACE_BUILDERS)
    )
    files = [*(SOURCES / name / file for file in sources), *(SOURCES / file for file in builders)]
    return combined_digest([sumo_version(), *map(file_digest, files)])


def build(name: str, folder: Path) -> None:
    """Write an own scenario's network and demand; the same bytes every time."""
    if name in FROM_MAPS:
        imported = import_osm(SOURCES / name / f"{name}.osm", folder, SignalTimes())
        demand_from_counts(SOURCES / name / "counts.csv", OwnFiles(imported.net_file, (), ()), folder)
        return
    write_place(name, read_place(SOURCES / name / "place.toml"), SOURCES / name / "demand.csv", folder)


def write_place(name: str, place: Place, table: Path, folder: Path) -> None:
    """Write a place's network and its demand from a table, as NAME.net.xml and NAME.rou.xml."""
    (folder / f"{name}.rou.xml").write_text(demand_xml(place, table), encoding="utf-8")
    with tempfile.TemporaryDirectory() as work:
        _convert(place, Path(work), folder / f"{name}.net.xml")


def _convert(place: Place, work: Path, net_file: Path) -> None:
    plain = {"node": nodes_xml, "edge": edges_xml, "connection": connections_xml, "tllogic": signals_xml}
    options: list[str | Path] = []
    for kind, write in plain.items():
        (work / f"{kind}.xml").write_text(write(place), encoding="utf-8")
        options += [f"--{kind}-files", work / f"{kind}.xml"]
    options += ["--no-turnarounds", "--offset.disable-normalization", "--output-file", work / "net.xml"]
    run_tool("netconvert", *options, subject=str(net_file))
    net_file.write_bytes(HEADER_COMMENT.sub(b"", (work / "net.xml").read_bytes()))  # it holds the date and our paths


def demand_xml(place: Place, table: Path) -> str:
    """Flows from the table; a column's heading is when it begins, and it lasts until the next one."""
    with table.open(newline="", encoding="utf-8") as stream:
        heading, *rows = csv.reader(stream)
    begins_s = [float(begin) for begin in heading[len(DEFINED_END) :]]
    ends_s = [*begins_s[1:], place.end_s]
    lines = [CAR]
    for begin_s, end_s, column in zip(begins_s, ends_s, range(len(DEFINED_END), len(heading)), strict=True):
        for row in rows:
            if float(row[column]) > 0:
                lines.append(_flow(place, row[0], row[1], begin_s, end_s, float(row[column])))
    return "\n".join(["<routes>", *("    " + line for line in lines), "</routes>", ""])


def _flow(place: Place, origin: str, target: str, begin_s: float, end_s: float, veh_per_h: float) -> str:
    name = f"{origin}-{target}.{begin_s:g}"
    return (
        f'<flow id="{name}" type="car" begin="{begin_s:g}" end="{end_s:g}" vehsPerHour="{veh_per_h:g}" '
        f'from="{_entry(place, origin)}" to="{_exit(place, target)}" departLane="best" departSpeed="max"/>'
    )


def _entry(place: Place, node: str) -> str:
    found = [street.id for street in place.streets if street.start == node]
    if len(found) != 1:
        raise ConfigError(f"demand.csv: '{node}' has {len(found)} streets that start there, must be 1")
    return found[0]


def _exit(place: Place, node: str) -> str:
    found = [street.stop_line_id for street in place.streets if street.end == node]
    if len(found) != 1:
        raise ConfigError(f"demand.csv: '{node}' has {len(found)} streets that end there, must be 1")
    return found[0]
