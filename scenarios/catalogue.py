"""The catalogue: own scenarios, the RESCO networks of the installed `sumo-rl` wheel, and the user's own by path."""

import difflib
from dataclasses import dataclass, replace
from pathlib import Path

from scenarios.build import OWN_SCENARIOS, built_files
from scenarios.flows import positive
from scenarios.generated import PREFIX as GENERATED_PREFIX
from scenarios.generated import generated
from scenarios.rules import OURS, Rules, resco
from scenarios.sumo_cfg import OwnFiles, read_file_list, read_sumocfg, traffic_apart, window_s, with_traffic_apart
from scenarios.sumo_options import not_taken_over, taken_over
from scenarios.sumo_tools import package_folder
from scenarios.xml_files import net_edges
from signals.errors import ConfigError

RESCO_PREFIX = "resco:"
BY_RESCO_PREFIX = "resco-rules:"
MORNING_S, AFTERNOON_S, GRID_S = (25200.0, 28800.0), (57600.0, 61200.0), (0.0, 3600.0)
RESCO: dict[str, tuple[str, tuple[float, float]]] = {
    "cologne1": ("One junction in Cologne, morning peak, calibrated demand.", MORNING_S),
    "cologne3": ("Three junctions in Cologne, morning peak, calibrated demand.", MORNING_S),
    "cologne8": ("Eight junctions in Cologne, morning peak, calibrated demand.", MORNING_S),
    "ingolstadt1": ("One junction in Ingolstadt, afternoon peak, calibrated demand.", AFTERNOON_S),
    "ingolstadt7": ("Seven junctions along an arterial in Ingolstadt, afternoon peak, calibrated demand.", AFTERNOON_S),
    "ingolstadt21": ("Twenty-one junctions in Ingolstadt, afternoon peak, calibrated demand.", AFTERNOON_S),
    "grid4x4": ("Synthetic grid of sixteen junctions with three lanes a leg.", GRID_S),
    "arterial4x4": ("Synthetic grid of sixteen junctions with arterials one way and side streets the other.", GRID_S),
}
TRUE = ("true", "1", "yes", "on", "x", "t")  # as SUMO reads them
PATH_ENDINGS = (".sumocfg", ".xml", ".gz")


@dataclass(frozen=True)
class Scenario:
    """A place and its demand as files, with its window; the accounting cuts the warm-up off the window's beginning."""

    name: str
    title: str
    net_file: Path
    route_files: tuple[Path, ...]
    additional_files: tuple[Path, ...]
    begin_s: float
    end_s: float
    step_length_s: float = 1.0
    override_files: tuple[Path, ...] = ()
    """What an engineer has corrected of the junctions: the TOML found beside the user's own network."""
    options: tuple[tuple[str, str], ...] = ()  # of the user's configuration, as far as they are taken over
    not_taken_over: tuple[str, ...] = ()
    scale: float = 1.0  # what SUMO's option of that name multiplies the demand by
    ignore_route_errors: bool = False
    rules: Rules = OURS


def entries() -> list[tuple[str, str]]:
    """Name and one sentence of everything that `find` knows by name."""
    own = [(name, title) for name, title in OWN_SCENARIOS.items()]
    return own + [(RESCO_PREFIX + name, title) for name, (title, _window) in RESCO.items()]


def find(name: str) -> Scenario:
    """The scenario of that name or path; own ones are built on first use."""
    if name in OWN_SCENARIOS:
        return _scenario(name, OWN_SCENARIOS[name], built_files(name))
    if name.startswith(RESCO_PREFIX) and name.removeprefix(RESCO_PREFIX) in RESCO:
        return _resco(name.removeprefix(RESCO_PREFIX))
    if name.startswith(BY_RESCO_PREFIX) and (short := name.removeprefix(BY_RESCO_PREFIX)) in RESCO:
        return replace(_resco(short), name=name, rules=resco(short))
    if name.startswith(GENERATED_PREFIX):
        return _scenario(name, *generated(name))
    if "," in name or "/" in name or name.endswith(PATH_ENDINGS) or Path(name).is_file():
        return _by_path(name)
    known = [known_name for known_name, _title in entries()]
    near = difflib.get_close_matches(name, [*known, *RESCO], n=3, cutoff=0.5)
    nearest = dict.fromkeys(RESCO_PREFIX + found if found in RESCO else found for found in near)
    hint = f"nearest: {', '.join(nearest)}" if nearest else "evaluate.py list shows them all"
    raise ConfigError(f"scenario '{name}' is unknown; {hint}")


def streets(name: str) -> OwnFiles:
    """Network and additional files of a name, a `.sumocfg` or a network file; a demand need not be there yet."""
    if name.endswith(".sumocfg"):
        return traffic_apart(read_sumocfg(Path(name).expanduser().resolve()))
    if Path(name).is_file():
        return OwnFiles(Path(name).resolve(), (), ())
    found = find(name)
    return OwnFiles(found.net_file, (), found.additional_files)


def _resco(short: str) -> Scenario:
    title, (begin_s, end_s) = RESCO[short]
    folder = package_folder("sumo_rl", "sumo-rl") / "nets" / "RESCO" / short
    routes = tuple(sorted(folder.glob("*.rou.xml")))
    if not routes:
        raise ConfigError(f"{folder}: no route file; reinstall the Python package sumo-rl: pip install '.[sim]'")
    return _scenario(RESCO_PREFIX + short, title, OwnFiles(folder / f"{short}.net.xml", routes, (), begin_s, end_s))


def _by_path(name: str) -> Scenario:
    if "," in name:
        files = read_file_list(name)
    elif name.endswith(".sumocfg"):
        files = read_sumocfg(Path(name).expanduser().resolve())
    else:
        raise ConfigError(f"{name}: must be a .sumocfg, or a network and its routes with a comma between them")
    scenario = _scenario(name, f"Your own: {files.net_file.name}.", with_traffic_apart(files, name))
    beside = overrides_beside(files.net_file)
    return replace(scenario, override_files=(beside,)) if beside.is_file() else scenario


def overrides_beside(net_file: Path) -> Path:
    """Where a network's overrides are looked for: `town.intersections.toml` beside `town.net.xml.gz`."""
    stem = net_file.name.removesuffix(".gz").removesuffix(".xml").removesuffix(".net")
    return net_file.with_name(f"{stem}.intersections.toml")


def _scenario(name: str, title: str, files: OwnFiles) -> Scenario:
    net_edges(files.net_file)
    if not files.step_length_s > 0:
        raise ConfigError(f"{name}: step-length = {files.step_length_s:g} s, must be above 0")
    begin_s, end_s = window_s(files, name)
    given = files.options
    return Scenario(
        name=name,
        title=title,
        net_file=files.net_file,
        route_files=files.route_files,
        additional_files=files.additional_files,
        begin_s=begin_s,
        end_s=end_s,
        step_length_s=files.step_length_s,
        options=tuple(taken_over(given).items()),
        not_taken_over=tuple(not_taken_over(given)),
        scale=positive(given.get("scale", "1"), "scale", name),
        ignore_route_errors=given.get("ignore-route-errors", "false").lower() in TRUE,
    )
