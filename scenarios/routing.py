"""Routes of trips, computed once with SUMO's duarouter and kept."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from scenarios.cache import combined_digest, file_digest, kept_folder
from scenarios.sumo_tools import run_tool, sumo_version
from scenarios.xml_files import top_level_elements
from signals.errors import ConfigError

ROUTING_SEED = 42  # decides only between the edges of a traffic zone; the same for every draw


def route_trips(
    net_file: Path,
    additional_files: Sequence[Path],
    definitions: Sequence[str],
    trips: Sequence[str],
    ignore_errors: bool = False,
) -> list[str]:
    """Edges of each trip (its attributes and children as XML text, without id and depart), fastest on empty streets.

    With `ignore_errors` those of a trip that no route leads to are empty.
    """
    if not trips:
        return []
    digests = [file_digest(path) for path in (net_file, *additional_files)]
    name = combined_digest([sumo_version(), *digests, *definitions, "trips" + " or none" * ignore_errors, *trips])

    def build(folder: Path) -> None:
        found = _run_duarouter(net_file, additional_files, definitions, trips, ignore_errors)
        (folder / "routes.json").write_text(json.dumps(found), encoding="utf-8")

    kept = kept_folder(f"routes/{name[:32]}", build) / "routes.json"
    routes: list[str] = json.loads(kept.read_text(encoding="utf-8"))
    return routes


def _run_duarouter(
    net_file: Path,
    additional_files: Sequence[Path],
    definitions: Sequence[str],
    trips: Sequence[str],
    ignore_errors: bool,
) -> list[str]:
    with tempfile.TemporaryDirectory() as work:
        asked, found = Path(work) / "trips.xml", Path(work) / "routes.xml"
        lines = [f'<trip id="{number}" depart="0"{trip}</trip>' for number, trip in enumerate(trips)]
        asked.write_text("\n".join(["<routes>", *definitions, *lines, "</routes>"]), encoding="utf-8")
        options: list[str | Path] = ["--net-file", net_file, "--route-files", asked, "--output-file", found]
        if additional_files:
            options += ["--additional-files", ",".join(map(str, additional_files))]
        options += ["--no-step-log", "--no-warnings", "--xml-validation", "never", "--seed", str(ROUTING_SEED)]
        options += ["--junction-taz"] + ["--ignore-errors"] * ignore_errors
        _route(options, net_file)
        routes = {vehicle.get("id", ""): _edges(vehicle) for vehicle in top_level_elements(found)}
    missing = next((number for number in range(len(trips)) if not routes.get(str(number))), None)
    if missing is not None and not ignore_errors:
        raise ConfigError(f"{net_file}: no route for the trip{trips[missing].partition('>')[0]}")
    return [routes.get(str(number), "") for number in range(len(trips))]


def _route(options: list[str | Path], net_file: Path) -> None:
    try:
        run_tool("duarouter", *options, subject=str(net_file))
    except ConfigError as error:
        if "No connection" not in str(error):
            raise
        raise ConfigError(f"{error} (ignore-route-errors in a .sumocfg leaves such trips out)") from error


def _edges(vehicle: Element) -> str:
    route = vehicle.find("route")
    return "" if route is None else route.get("edges", "")
