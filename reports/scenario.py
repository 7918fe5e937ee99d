"""A scenario and its network as `describe` tells of them, as text and as a page: the facts at the top."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from experiments.case import place_of
from experiments.demand import traffic_of
from reports.wording import count
from scenarios.additional import calibrators
from scenarios.catalogue import Scenario, find, overrides_beside
from scenarios.traffic import Window
from signals.errors import ConfigError
from simulation.detectors import VERSION
from simulation.measures import window_of
from simulation.network import Network
from simulation.override_text import dump


def read_scenario(name: str, override_files: Sequence[Path] = ()) -> tuple[Scenario, Network]:
    """The scenario and its network, with the overrides found beside it and those named. Raises `ConfigError`."""
    scenario = find(name)
    return scenario, place_of(scenario, tuple(override_files)).network


def write_overrides(name: str, override_files: Sequence[Path], file: Path) -> Path:
    """The present values as a file of overrides, to be edited; never over one that is there."""
    scenario, network = read_scenario(name, override_files)
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(dump(network, overrides_beside(scenario.net_file).name))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    return file


def scenario_facts(scenario: Scenario, network: Network) -> list[tuple[str, str]]:
    """Names and values; a value's further lines are the rest of a list."""
    window = window_of(scenario.begin_s, scenario.end_s, rules=scenario.rules)
    warm_up = ", after the warm-up" if scenario.rules.warm_up_s else ""
    span = f"{clock(scenario.begin_s)} to {clock(scenario.end_s)} ({scenario.begin_s:g} to {scenario.end_s:g} s)"
    counted = f"counted from {clock(window.begin_s)}{warm_up}; steps of {scenario.step_length_s:g} s"
    additional = [("additional", "\n".join(map(str, scenario.additional_files)))] if scenario.additional_files else []
    return [
        ("scenario", f"{scenario.name}: {scenario.title}"),
        ("network", f"{scenario.net_file}\nsha256 {network.digest}"),
        ("routes", "\n".join(map(str, scenario.route_files))),
        *additional,
        *_options(scenario),
        ("window", f"{span}, {counted}"),
        ("demand", _demand(scenario)),
        ("signals", signals_controlled(network)),
        ("loops", _loops(network)),
        *([("notes", "\n".join(network.notes))] if network.notes else []),
        ("overrides", _overrides(scenario, network)),
    ]


def _options(scenario: Scenario) -> list[tuple[str, str]]:
    """Of the user's configuration: what changes how traffic moves, and what the comparison decides."""
    taken = ", ".join(f"{name} {value}" for name, value in scenario.options)
    left = [*scenario.not_taken_over]
    if found := calibrators(scenario.additional_files):
        left.append(f"{count(found, 'calibrator')} (the same vehicles for every controller)")
    named = [("options", taken), ("not taken over", ", ".join(left))]
    return [(name, text) for name, text in named if text]


def clock(time_s: float) -> str:
    minutes, seconds = divmod(round(time_s), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"


def _demand(scenario: Scenario) -> str:
    """Today's, which a draw at 1.0 repeats with other departures."""
    window = Window(scenario.begin_s, scenario.end_s, margin_s=0.0)
    traffic = traffic_of(scenario, window)
    travellers = Counter(t.tag for t in traffic.travellers)
    hours = (scenario.end_s - scenario.begin_s) / 3600
    others = [count(n, tag) for tag, n in sorted(travellers.items()) if tag != "vehicle"]
    if traffic.left_out:
        others.append(f"{count(traffic.left_out, 'vehicle')} left out for errors in their routes (ignore-route-errors)")
    if scenario.scale != 1:
        others.append(f"all times {scenario.scale:g} (scale)")
    vehicles = f"{count(travellers['vehicle'], 'vehicle')} in the window, {travellers['vehicle'] / hours:,.0f} per hour"
    return ", ".join([vehicles, *others])


def signals_controlled(network: Network) -> str:
    """How many, and why the others are not."""
    number = len(network.intersections)
    controlled = f"{number} of {network.signals} controlled ({number / network.signals:.0%})"
    return "\n".join([controlled, *(f"left to its own plan: {reason}" for reason in network.left_alone.values())])


def _loops(network: Network) -> str:
    """How many, and how many of them lie where the network has its own."""
    loops = [(i.id, d.id) for i in network.intersections for d in i.detectors]
    said = (network.sources.get(junction, {}).get(f"detectors.{loop}", "") for junction, loop in loops)
    standard = sum(source.startswith("standard layout") for source in said)
    own = f", {len(loops) - standard} where the network has its own" if standard < len(loops) else ""
    return f"{len(loops)}, by the standard layout, version {VERSION}{own}"


def _overrides(scenario: Scenario, network: Network) -> str:
    """Where they come from, or would be found; then, flagged, what is less safe than the plan."""
    files = [str(path) for path in network.overrides.files]
    unchanged = [] if network.overrides.digest or not files else ["they change nothing"]
    beside = overrides_beside(scenario.net_file)
    return "\n".join([*(files or [f"none; looked for in {beside}"]), *unchanged, *warnings(network)])


def warnings(network: Network) -> list[str]:
    return [f"! {line}" for line in network.overrides.warnings]
