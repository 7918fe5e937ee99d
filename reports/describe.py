"""A scenario as text: what was understood of its junctions, for an engineer to check against the street."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from reports.junction_words import by_approach, intervals_words, lane_numbers, length_s, movements, turns
from reports.origins import origins
from reports.plain_text import WIDTH, columns, facts
from reports.scenario import clock, read_scenario, scenario_facts, signals_controlled
from signals.intersection import Conflict, Intersection
from signals.plans import TimingPlan
from simulation.network import Network
from simulation.overrides import read_network

KM_PER_H = 3.6
NONE = "-"
OVERVIEW = (">approaches", ">lanes", ">signal groups", ">stages", ">cycle_s", ">loops")


def describe(scenario_name: str, override_files: Sequence[Path] = ()) -> str:
    """Files, demand and every junction's lanes, times, stages, plan, conflicts and loops. Raises `ConfigError`."""
    scenario, network = read_scenario(scenario_name, override_files)
    return _text(facts(scenario_facts(scenario, network)), network)


def describe_network(net_file: Path) -> str:
    """The same of a network that has no demand yet."""
    network = read_network(net_file)
    head = facts([("network", f"{net_file}\nsha256 {network.digest}"), ("signals", signals_controlled(network))])
    return _text(head, network)


def _text(head: Sequence[str], network: Network) -> str:
    parts = [list(head), _overview(network)]
    for junction in network.intersections:
        sources = network.sources.get(junction.id, {})
        parts.append(_junction(junction, network.plans.of(junction.id), network.kinds[junction.id], sources))
    return "\n\n".join("\n".join(part) for part in parts if part)


def _overview(network: Network) -> list[str]:
    return columns(("junction", *OVERVIEW), overview(network), indent="")


def overview(network: Network) -> list[tuple[str, ...]]:
    """A row a junction: its id, then as `OVERVIEW` has it."""
    return [_overview_row(i, network.plans.of(i.id)) for i in network.intersections]


def _overview_row(junction: Intersection, plans: Sequence[TimingPlan]) -> tuple[str, ...]:
    return (
        junction.id,
        str(len({g.approach for g in junction.lane_groups})),
        str(len({lane for g in junction.lane_groups for lane in g.lanes})),
        str(len(junction.signal_groups)),
        str(len(junction.stages)),
        " ".join(dict.fromkeys(f"{p.cycle_s:g}" for p in plans)) or NONE,
        str(len(junction.detectors)),
    )


def _junction(junction: Intersection, plans: Sequence[TimingPlan], kind: str, sources: Mapping[str, str]) -> list[str]:
    title = f"junction {junction.id}"
    sections = [
        ("lane groups (lane 0 is the outermost)", _lane_groups(junction)),
        ("phases", _phases(junction)),
        ("stages, by the signal groups that they show", _stages(junction)),
        ("interstages of the plan, or by its intergreens; for other pairs the times of the phases", _steps(junction)),
        *(_plan(junction, plan, kind, sources) for plan in plans),
        ("existing plan", [] if plans else [f"  {sources.get('plan', NONE)}"]),
        ("conflicts between signal groups", _conflicts(junction)),
        ("exits", _exits(junction)),
        ("loops", _loops(junction)),
        ("where the values come from", columns(("value", "source", "of"), origins(sources)) if sources else []),
    ]
    return [
        title,
        "=" * min(len(title), WIDTH),
        *(line for name, lines in sections if lines for line in ("", name, *lines)),
    ]


def _lane_groups(junction: Intersection) -> list[str]:
    rows, crossings = [], {m.lane_group for m in junction.movements if m.turn == "crossing"}
    watched = [group for group in junction.lane_groups if group.id not in crossings]
    for approach, groups in by_approach(watched).items():
        for k, group in enumerate(groups):
            rows.append(
                (
                    "" if k else approach,
                    lane_numbers(group),
                    f"{group.length_m:.0f}",
                    f"{group.speed_m_per_s * KM_PER_H:.0f}",
                    f"{group.saturation_flow_veh_per_h:.0f}",
                    " ".join(group.signal_groups),
                    turns(junction, group),
                )
            )
    return columns(("approach", "lanes", ">length_m", ">km/h", ">veh/h", "signal groups", "turns"), rows)


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
            "\n".join(movements(junction, phase.signal_groups)) or NONE,
        )
        for phase in junction.phases
    ]
    times = (">minimum green_s", ">yellow change_s", ">red clearance_s")
    return columns((">phase", ">signal group", "kind", *times, "movements"), rows)


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
    rows = [(f"{i.start} > {i.end}", f"{length_s(i):g}", intervals_words(junction, i)) for i in junction.interstages]
    return columns(("stages", ">length_s", "intervals"), rows) if rows else []


def _plan(junction: Intersection, plan: TimingPlan, kind: str, sources: Mapping[str, str]) -> tuple[str, list[str]]:
    """Each split is a green and the interstage after it."""
    after = {(i.start, i.end): length_s(i) for i in junction.interstages}
    order = [s.stage for s in plan.splits]
    begins_s, rows = 0.0, []
    for split, pair in zip(plan.splits, pairwise([*order, order[0]]), strict=True):
        why_not = sources.get(".".join(("interstages", *pair)), "not kept: cuts a yellow change or clearance")
        change = f"{after[pair]:g}" if pair in after else why_not
        green = f"{split.split_s - after[pair]:g}" if pair in after else NONE
        rows.append((split.stage, f"{begins_s:g}", f"{split.split_s:g}", green, change))
        begins_s += split.split_s
    since = f", from {clock(plan.from_s)}" if plan.from_s else ""
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
    names = {g.id: f"{g.approach} {lane_numbers(g).replace(' ', '+')}" for g in junction.lane_groups}
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
