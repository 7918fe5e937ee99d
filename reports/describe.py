"""A scenario as text: what was understood of its junctions, for an engineer to check against the street."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from experiments.demand import traffic_of
from reports.plain_text import WIDTH, columns, facts
from reports.wording import count
from scenarios.additional import calibrators
from scenarios.catalogue import Scenario, find
from scenarios.traffic import Window
from signals.intersection import Aspect, Conflict, Intersection, Interstage, Interval, LaneGroup, Movement
from signals.plans import TimingPlan
from simulation.detectors import VERSION
from simulation.measures import window_of
from simulation.network import Network, read

KM_PER_H = 3.6
ORDER_OF_TURNS = ("left", "through", "right", "u-turn", "crossing")
NOT_RED = {
    Aspect.YELLOW: "yellow",
    Aspect.RED_YELLOW: "red-yellow",
    Aspect.GREEN: "green",
    Aspect.PERMISSIVE: "green",
    Aspect.TURN_ON_RED: "turn on red",
    Aspect.DARK: "dark",
}
NONE = "-"
OVERVIEW = (">approaches", ">lanes", ">signal groups", ">stages", ">cycle_s", ">loops")


def describe(scenario_name: str) -> str:
    """Files, demand and every junction's lanes, times, stages, plan, conflicts and loops. Raises `ConfigError`."""
    scenario = find(scenario_name)
    network = read(scenario.net_file, scenario.additional_files)
    parts = [_head(scenario, network), _overview(network)]
    parts += [_junction(i, network.plans.of(i.id), network.kinds[i.id]) for i in network.intersections]
    return "\n\n".join("\n".join(part) for part in parts if part)


def describe_network(net_file: Path) -> str:
    """The same of a network that has no demand yet."""
    network = read(net_file)
    head = facts([("network", f"{net_file}\nsha256 {network.digest}"), ("signals", _signals(network))])
    parts = [head, _overview(network)]
    parts += [_junction(i, network.plans.of(i.id), network.kinds[i.id]) for i in network.intersections]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _head(scenario: Scenario, network: Network) -> list[str]:
    window = window_of(scenario.begin_s, scenario.end_s)
    loops = sum(len(i.detectors) for i in network.intersections)
    span = f"{_clock(scenario.begin_s)} to {_clock(scenario.end_s)} ({scenario.begin_s:g} to {scenario.end_s:g} s)"
    counted = f"counted from {_clock(window.begin_s)}, after the warm-up; steps of {scenario.step_length_s:g} s"
    additional = [("additional", "\n".join(map(str, scenario.additional_files)))] if scenario.additional_files else []
    return facts(
        [
            ("scenario", f"{scenario.name}: {scenario.title}"),
            ("network", f"{scenario.net_file}\nsha256 {network.digest}"),
            ("routes", "\n".join(map(str, scenario.route_files))),
            *additional,
            *_options(scenario),
            ("window", f"{span}, {counted}"),
            ("demand", _demand(scenario)),
            ("signals", _signals(network)),
            ("loops", f"{loops}, by the standard layout, version {VERSION}"),
        ]
    )


def _options(scenario: Scenario) -> list[tuple[str, str]]:
    """Of the user's configuration: what changes how traffic moves, and what the comparison decides."""
    taken = ", ".join(f"{name} {value}" for name, value in scenario.options)
    left = [*scenario.not_taken_over]
    if found := calibrators(scenario.additional_files):
        left.append(f"{count(found, 'calibrator')} (the same vehicles for every controller)")
    named = [("options", taken), ("not taken over", ", ".join(left))]
    return [(name, text) for name, text in named if text]


def _clock(time_s: float) -> str:
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


def _signals(network: Network) -> str:
    controlled = f"{len(network.intersections)} of {network.signals} controlled"
    return "\n".join([controlled, *(f"left to its own plan: {reason}" for reason in network.left_alone.values())])


def _overview(network: Network) -> list[str]:
    rows = [_overview_row(i, network.plans.of(i.id)) for i in network.intersections]
    return columns(("junction", *OVERVIEW), rows, indent="")


def _overview_row(junction: Intersection, plans: Sequence[TimingPlan]) -> tuple[str, ...]:
    return (
        junction.id,
        str(len({g.approach for g in junction.lane_groups})),
        str(len({lane for g in junction.lane_groups for lane in g.lanes})),
        str(len(junction.signal_groups)),
        str(len(junction.stages)),
        " ".join(dict.fromkeys(f"{p.cycle_s:g}" for p in plans)),
        str(len(junction.detectors)),
    )


def _junction(junction: Intersection, plans: Sequence[TimingPlan], kind: str) -> list[str]:
    title = f"junction {junction.id}"
    sections = [
        ("lane groups (lane 0 is the outermost)", _lane_groups(junction)),
        ("phases", _phases(junction)),
        ("stages, by the signal groups that they show", _stages(junction)),
        ("interstages of the plan; for other pairs yellow change and red clearance of the phases", _steps(junction)),
        *(_plan(junction, plan, kind) for plan in plans),
        ("conflicts between signal groups", _conflicts(junction)),
        ("exits", _exits(junction)),
        ("loops", _loops(junction)),
    ]
    return [
        title,
        "=" * min(len(title), WIDTH),
        *(line for name, lines in sections if lines for line in ("", name, *lines)),
    ]


def _lane_groups(junction: Intersection) -> list[str]:
    rows, crossings = [], {m.lane_group for m in junction.movements if m.turn == "crossing"}
    watched = [group for group in junction.lane_groups if group.id not in crossings]
    for approach, groups in _by_approach(watched).items():
        for k, group in enumerate(groups):
            rows.append(
                (
                    "" if k else approach,
                    _lane_numbers(group),
                    f"{group.length_m:.0f}",
                    f"{group.speed_m_per_s * KM_PER_H:.0f}",
                    f"{group.saturation_flow_veh_per_h:.0f}",
                    " ".join(group.signal_groups),
                    _turns(junction, group),
                )
            )
    return columns(("approach", "lanes", ">length_m", ">km/h", ">veh/h", "signal groups", "turns"), rows)


def _by_approach(groups: Iterable[LaneGroup]) -> dict[str, list[LaneGroup]]:
    found = defaultdict(list)
    for group in groups:
        found[group.approach].append(group)
    return found


def _lane_numbers(group: LaneGroup) -> str:
    """SUMO names a lane by its edge and a number."""
    return " ".join(lane.removeprefix(f"{group.approach}_") for lane in group.lanes)


def _turns(junction: Intersection, group: LaneGroup) -> str:
    turns = {
        m.turn
        for m in junction.movements
        if m.approach == group.approach and m.exit in group.exits and m.signal_group in group.signal_groups
    }
    return ", ".join(sorted(turns, key=ORDER_OF_TURNS.index))


def _phases(junction: Intersection) -> list[str]:
    kinds = {g.id: g.kind for g in junction.signal_groups}
    rows = [
        (
            str(phase.number),
            " ".join(phase.signal_groups),
            " ".join(dict.fromkeys(kinds[g] for g in phase.signal_groups)),
            f"{phase.minimum_green_s:g}",
            f"{phase.yellow_change_s:g}",
            f"{phase.red_clearance_s:g}",
            "\n".join(_movements(junction, phase.signal_groups)) or NONE,
        )
        for phase in junction.phases
    ]
    times = (">minimum green_s", ">yellow change_s", ">red clearance_s")
    return columns((">phase", ">signal group", "kind", *times, "movements"), rows)


def _movements(junction: Intersection, groups: Sequence[str]) -> list[str]:
    return [_movement(m) for m in junction.movements if m.signal_group in groups]


def _movement(movement: Movement) -> str:
    if movement.turn == "crossing":
        return f"{movement.approach} crossing of {movement.exit.replace('+', ' ')}"
    return f"{movement.approach} > {movement.exit} {movement.turn}"


def _stages(junction: Intersection) -> list[str]:
    rows = [
        (
            stage.name,
            f"{stage.minimum_green_s:g}",
            " ".join(g for g in junction.green_groups(stage) if g not in stage.permissive) or NONE,
            " ".join(stage.permissive) or NONE,
            " ".join(stage.turn_on_red) or NONE,
        )
        for stage in junction.stages
    ]
    return columns(("stage", ">minimum green_s", "green", "permissive (yields)", "turn on red"), rows)


def _steps(junction: Intersection) -> list[str]:
    rows = [(f"{i.start} > {i.end}", f"{_length_s(i):g}", _intervals(junction, i)) for i in junction.interstages]
    return columns(("stages", ">length_s", "intervals"), rows) if rows else []


def _length_s(interstage: Interstage) -> float:
    return sum(i.duration_s for i in interstage.intervals)


def _intervals(junction: Intersection, interstage: Interstage) -> str:
    if not interstage.intervals:
        return "none: the next stage's green begins at once"
    return "\n".join(f"{i.duration_s:g} s: {_shown(junction, i)}" for i in interstage.intervals)


def _shown(junction: Intersection, interval: Interval) -> str:
    """All heads that are not red, by what they show."""
    shown = defaultdict(list)
    for group, aspect in zip(junction.signal_groups, interval.aspects, strict=True):
        if aspect in NOT_RED:
            shown[NOT_RED[aspect]].append(group.id)
    return ", ".join(f"{aspect} {' '.join(groups)}" for aspect, groups in shown.items()) or "all red"


def _plan(junction: Intersection, plan: TimingPlan, kind: str) -> tuple[str, list[str]]:
    """Each split is a green and the interstage after it."""
    after = {(i.start, i.end): _length_s(i) for i in junction.interstages}
    order = [s.stage for s in plan.splits]
    begins_s, rows = 0.0, []
    for split, pair in zip(plan.splits, pairwise([*order, order[0]]), strict=True):
        change = f"{after[pair]:g}" if pair in after else "not kept: cuts a yellow change or clearance"
        green = f"{split.split_s - after[pair]:g}" if pair in after else NONE
        rows.append((split.stage, f"{begins_s:g}", f"{split.split_s:g}", green, change))
        begins_s += split.split_s
    since = f", from {_clock(plan.from_s)}" if plan.from_s else ""
    varied = "" if kind == "static" else f"; {kind}: SUMO varies these greens"
    title = f"existing plan: cycle {plan.cycle_s:g} s, offset {plan.offset_s:g} s{since}{varied}"
    return title, columns(("stage", ">begins_s", ">split_s", ">green_s", ">interstage_s"), rows)


def _conflicts(junction: Intersection) -> list[str]:
    rows = [
        (
            group.id,
            " ".join(_others(c, group.id) for c in _of(junction, group.id) if not c.yielding_in) or NONE,
            ", ".join(f"{_others(c, group.id)} in {_names(c)}" for c in _of(junction, group.id) if c.yielding_in)
            or NONE,
        )
        for group in junction.signal_groups
    ]
    return columns((">signal group", "never green with", "green with, one of them yielding"), rows)


def _of(junction: Intersection, group: str) -> list[Conflict]:
    return [c for c in junction.conflicts if group in (c.first, c.second)]


def _others(conflict: Conflict, group: str) -> str:
    return conflict.second if conflict.first == group else conflict.first


def _names(conflict: Conflict) -> str:
    return " ".join(conflict.yielding_in)


def _exits(junction: Intersection) -> list[str]:
    onward = {n.exit: n for n in junction.neighbours}
    rows = []
    for name, length_m in junction.exit_lengths_m.items():
        next_one = onward.get(name)
        where = f"junction {next_one.intersection} in {next_one.distance_m:.0f} m" if next_one else NONE
        rows.append((name, f"{length_m:.0f}", where))
    return columns(("exit", ">length_m", "leads to"), rows)


def _loops(junction: Intersection) -> list[str]:
    names = {g.id: f"{g.approach} {_lane_numbers(g).replace(' ', '+')}" for g in junction.lane_groups}
    rows = [
        (
            d.id,
            d.kind.replace("_", " "),
            d.lane,
            f"{d.setback_m:.1f}",
            f"{d.length_m:.1f}",
            ", ".join(names[g] for g in d.lane_groups),
        )
        for d in junction.detectors
    ]
    return columns(("loop", "kind", "lane", ">setback_m", ">length_m", "lane groups that it serves"), rows)
