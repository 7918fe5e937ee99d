"""docs/benchmarks.md and its charts, made of the networks' summaries alone: what was not run is said so."""

import math
from collections.abc import Sequence
from functools import partial

import pandas as pd
from matplotlib.axes import Axes

from experiments import headline
from experiments.headline import ADAPTIVE
from experiments.headline_summary import CODE, Summary
from experiments.modes import INTERSTAGE, OWN_PLAN, SHARES
from experiments.statistics import UNKNOWN, Interval
from reports.charts import LEGEND, LEGEND_ROW, MEAN, WIDTH, levels_of_service
from reports.palette import looks
from reports.svg import draw
from reports.targets import MISSED, NETWORKS, PUBLISHED_S, Found, cells, enough_draws, failings, targets, value
from reports.wording import NONE, interval, number, signed
from signals.errors import ConfigError

MODES = (("rate of service", "maximum red", "clears who turns in gaps", OWN_PLAN), (INTERSTAGE, OWN_PLAN))
"""Whose share of green is told, and of time."""
TOP_S = 130.0
"""Where a curve leaves the chart."""
SMALL = {"markersize": 4}
COSTS = ("junctions", "decision_us", "path_us", "tick_us")
NOT_RUN = "not run"
FROM, TO = "<!-- make benchmark writes from here -->", "<!-- to here -->"
FRONT = (headline.EXISTING, headline.OPTIMISED, headline.ACTUATED, ADAPTIVE)
CAPACITY_HEAD = (
    "controller", "capacity", "at signals", "gain over existing, %", "served, veh/h", "served gain, %",
    "worst junction, s", "gridlock from",
)  # fmt: skip
STANDS_ALONE = (
    '<svg xmlns="http://www.w3.org/2000/svg" style="--ink:#1f2328;--muted:#59636e;--grid:#d1d9e0;--paper:#ffffff;'
    'background:#ffffff;font-family:sans-serif" '
)
Line = list[str]

HEAD = """# Benchmarks

Made by `make benchmark` (`benchmarks/headline.py`) of the summaries in `docs/benchmarks/`, one a network, each with
the commit, versions, draws and digests it was made with; `benchmarks/headline.py --docs` makes this page again of
them. Evaluation draws (240 and up), loops only, one set of parameters for `adaptive` on all networks. What is
measured and how: [README](../README.md#how-it-is-measured), the plans: [optimised plans](optimised-plans.md).

The whole is estimated at 15 h on two cores (from single cases of each network at 1.0 and 1.6; bound: 24 h): an hour
or less for each of cologne and ingolstadt1, 2 h for ingolstadt7, 4 h for grid4x4, 5 h for ingolstadt21. It may be run
in parts, on different days (`make benchmark BENCHMARK='--networks cologne1 cologne3'`); after Ctrl-C the same command
goes on."""
HEAD_QUICK = """# Benchmarks: the quick subset

Made by `make benchmark-quick`: three of the eight networks, three of the same draws (200–202), the sweep by 0.2
without a closer look at the crossing, and three of the six demands. No headline rests on it: it shows that the
command gives what the whole one publishes, within so few draws' spread."""
CAPACITY_WORDS = """\
Capacity: the multiple of today's demand at which the delay per signal passes 55 s (level of service D), geometric
mean over draws with its 95 % interval. "At signals" counts delay at controlled signals alone, "served" are vehicles
completed an hour at 1.2 × the best fixed plan's capacity; both over the draws of the whole sweep. `optimised-fixed`
is the better of the network's committed plans at each multiple, chosen on these very draws, which favours it. Gains
are paired over draws. – is unknown: some draw's curve does not cross, or does not reach the overload."""
CELL_WORDS = """\
Delay of `adaptive` as a ratio to the better of existing and optimised-fixed in each cell: mean ratio ≤ its one-sided
upper 95 % limit · largest single draw · longest starvation. Bounds: limit 1.05, draw 1.25, no gridlock that the
better plan has not, starvation 180 s (above 1.0: 300 s). **Bold** is missed, by L the limit, D a draw, G gridlock, S
starvation."""
RULES_WORDS = """\
Mean delay, s/veh, by RESCO's own rules ([which](comparing.md#rescos-own-rules)); vehicles that never entered are
counted."""
MODE_WORDS = """\
For which reason `adaptive` gave its green, % of it, and the rest of its time: how much the junctions stood in
interstages, and followed their own plan instead. –: the network was run before modes were kept."""
COST_WORDS = """\
Time of the loop at today's demand and a decision a second, µs per junction and second: the decision alone, and our
whole path (reading, estimation, decision, interlock, applying)."""


def page(found: Found, folder: str, notes: str, quick: bool) -> str:
    """Markdown; `folder` is where the charts are, beside the page; `notes` are written by hand."""
    parts = [HEAD_QUICK if quick else HEAD, target_table(found), origin_table(found)]
    parts += [
        "## Capacity at level of service D",
        CAPACITY_WORDS,
        *(capacity_section(found, n, folder) for n in NETWORKS),
    ]
    for broken, title in ((False, "## Never worse"), (True, "## With a fifth of the loops dead")):
        parts += [title, *([] if broken else [CELL_WORDS]), cell_table(found, broken)]
    parts += ["## Time by mode", MODE_WORDS, mode_table(found)]
    parts += ["## By RESCO's own rules", RULES_WORDS, rules_table(found), "## Cost", COST_WORDS, cost_table(found)]
    return "\n\n".join(part.strip("\n") for part in [*parts, notes] if part) + "\n"


def table(head: Sequence[str], lines: Sequence[Line]) -> str:
    rows = [list(head), ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def front_door(readme: str, found: Found) -> str:
    """README.md with the headline between its two marks: capacities of the networks that were swept, medians."""
    head, _, rest = readme.partition(FROM)
    mark, tail = rest.partition(TO)[1:]
    if not mark:
        raise ConfigError(f"README.md: no place for the headline, must have {FROM} and {TO}")
    swept = [name for name in NETWORKS if name in found and len(found[name].part(headline.SWEEP))]
    lines = [_headline(found[name]) for name in swept]
    columns = ("network", *FRONT, "adaptive over existing, %", "over the better of optimised-fixed and actuated, %")
    told = [f"{of.asked}: {of.measured} ({of.state})" for of in targets(found) if of.point == "2"]
    body = "\n\n".join([table(columns, lines), *told]) if swept else "The capacity benchmark has not been run yet."
    return f"{head}{FROM}\n\n{body}\n\n{TO}{tail}"


def _headline(summary: Summary) -> Line:
    over = [_figure(summary, part, ADAPTIVE, "capacity_gain") for part in (headline.GAIN, headline.BETTER)]
    capacity = [_figure(summary, headline.SWEEP, name, "capacity_multiple") for name in FRONT]
    return [summary.network, *(number(of.estimate, 2) for of in capacity), *(_gain(of) for of in over)]


def target_table(found: Found) -> str:
    head = ("point", "asked", "measured", "state")
    return table(
        head,
        [
            [of.point, of.asked, of.measured, f"**{of.state}**" if of.state == MISSED else of.state]
            for of in targets(found)
        ],
    )


def origin_table(found: Found) -> str:
    lines = [[name, *_origin(found[name])] if name in found else [name, NOT_RUN, *[""] * 4] for name in NETWORKS]
    return "## Where the figures come from\n\n" + table(("network", "draws", "made", "commit", "code", "plans"), lines)


def _origin(summary: Summary) -> Line:
    of = summary.origin
    draws = of["draws"] + ("" if enough_draws(summary) else ", fewer than a headline needs")
    commit = of["commit"][:10] + ("+changes" if of["commit"].endswith("+changes") else "")
    return [draws, of["made"], commit, of[CODE][:10], ", ".join(part.split()[0] for part in of["plans"].split(", "))]


def capacity_section(found: Found, network: str, folder: str) -> str:
    rows = found[network].part(headline.SWEEP) if network in found else ()
    if not len(rows):
        return f"### {network}\n\n{NOT_RUN}"
    summary = found[network]
    first = summary.part(headline.SWEEP, measure="overload_multiple")["value"].iloc[0]
    better = summary.part(headline.BETTER)
    over = better["against"].iloc[0] if len(better) else NONE
    head = (*CAPACITY_HEAD[:4], f"gain over {over}, %", *CAPACITY_HEAD[4:])
    names = list(dict.fromkeys(summary.part(headline.SWEEP)["controller"]))
    lines = [[name.replace("fixed-time:scenarios/plans/", "plan "), *_capacity_line(summary, name)] for name in names]
    said = f"Overload {number(float(first), 2)}; critical movements {summary.origin['critical movements']}."
    chart = f"![Delay per signal over demand, {network}]({folder}/{network}.svg)"
    return "\n\n".join([f"### {network}", said, table(head, lines), chart])


def _figure(summary: Summary, part: str, controller: str, measure: str) -> Interval:
    rows = summary.part(part, controller=controller, measure=measure)
    return Interval(*rows[["value", "low", "high"]].astype(float).iloc[0]) if len(rows) else UNKNOWN


def _capacity_line(summary: Summary, name: str) -> Line:
    of = partial(_figure, summary, controller=name)
    sweep, better = headline.SWEEP, headline.BETTER
    return [
        _ends(of(sweep, measure="capacity_multiple")),
        number(of(sweep, measure="capacity_at_signals_multiple").estimate, 2),
        _gain(of(headline.GAIN, measure="capacity_gain")),
        _gain(of(better, measure="capacity_gain")),
        number(of(sweep, measure="served_veh_per_h").estimate, 0),
        _gain(of(better, measure="served_gain")),
        number(of(sweep, measure="worst_junction_delay_s_at_overload").estimate, 0),
        number(of(sweep, measure="first_gridlock_multiple").estimate, 1),
    ]


def _ends(of: Interval) -> str:
    if math.isnan(of.low):
        return number(of.estimate, 2)
    return f"{number(of.estimate, 2)} [{number(of.low, 2)}, {number(of.high, 2)}]"


def _gain(of: Interval) -> str:
    if math.isnan(of.estimate):
        return NONE
    return f"{signed(100 * of.estimate)} {interval(Interval(*(100 * end for end in (of.estimate, of.low, of.high))))}"


def cell_table(found: Found, broken: bool) -> str:
    by_network = {
        name: {cell["demand"]: cell for cell in cells(found[name], broken).to_dict("records")}
        for name in NETWORKS
        if name in found
    }
    demands = sorted({demand for each in by_network.values() for demand in each})
    lines = []
    for name in NETWORKS:
        own = by_network.get(name, {})
        line = [_cell(own[demand]) if demand in own else NOT_RUN for demand in demands]
        lines.append([name, *(line or [NOT_RUN]), *([_kept(found, name)] if broken else [])])
    head = ["network", *([f"×{demand:g}" for demand in demands] or ["cells"]), *(["gain kept at ×1"] if broken else [])]
    return table(head, lines)


def _cell(cell: dict) -> str:
    limits = f"{number(cell['delay_ratio'], 2)} ≤ {number(cell['limit'], 2)} · {number(cell['largest_delay_ratio'], 2)}"
    failed = failings(cell)
    told = f"{limits} · {number(cell['starve_max_s'], 0)} s"
    return f"**{told} {failed}**" if failed else told


def _kept(found: Found, network: str) -> str:
    kept = value(found[network], headline.KEPT, "gain_kept", demand=1.0) if network in found else None
    return NOT_RUN if kept is None else f"{number(100 * kept, 0)} %"


def mode_table(found: Found) -> str:
    """A network and demand a line; networks whose summary has no modes have one of –."""
    green, time = (
        {name: f"{share} {name}" for name in names} for share, names in zip(SHARES[::-1], MODES, strict=True)
    )
    head = ("network", "demand", *(f"green by {name}" for name in green), *time)
    lines = []
    for network in (name for name in NETWORKS if name in found):
        rows = found[network].part(headline.MODES, controller=ADAPTIVE)
        for demand, of in rows.groupby("demand"):
            by_name = of.set_index("measure")["value"]
            shares = [float(by_name.get(measure, 0.0)) for measure in (*green.values(), *time.values())]
            lines.append([network, f"×{demand:g}", *(number(100 * share, 1) for share in shares)])
        if rows.empty:
            lines.append([network, *[NONE] * (len(head) - 1)])
    return table(head, lines)


def rules_table(found: Found) -> str:
    lines = []
    for network in NETWORKS:
        rows = found[network].part(headline.RULES, measure="delay_s") if network in found else None
        if rows is None or rows.empty:
            lines.append([network, *[NOT_RUN] * 4, number(PUBLISHED_S[network])])
            continue
        by_name = rows.set_index("controller")["value"]
        below = by_name[ADAPTIVE] < PUBLISHED_S[network]
        own = number(by_name[ADAPTIVE]) if below else f"**{number(by_name[ADAPTIVE])}**"
        left = value(found[network], headline.RULES, "never_entered")
        others = [number(by_name[name]) for name in (headline.EXISTING, headline.ACTUATED)]
        lines.append([network, *others, own, number(math.nan if left is None else left), number(PUBLISHED_S[network])])
    head = ("network", "existing", "actuated", "adaptive", "of it never entered, veh", "best published")
    return table(head, lines)


def cost_table(found: Found) -> str:
    lines = []
    for name in NETWORKS:
        of = [value(found[name], headline.COST, m) if name in found else None for m in COSTS]
        lines.append([name, *(NOT_RUN if each is None else number(each, 0) for each in of)])
    return table(("network", "junctions", "decision", "path", "path, all junctions"), lines)


def curves(summary: Summary) -> str:
    """An SVG file that stands alone: delay per signal over demand, a line a controller, levels of service behind."""
    rows = summary.part(headline.CURVE)
    names = [name for name in dict.fromkeys(rows["controller"]) if not headline.is_plan(name)]
    lines = {name: summary.part(headline.CURVE, controller=name, measure="delay_per_signal_s") for name in names}
    described = "; ".join(
        f"{name} " + ", ".join(f"{number(v)} s at {m:g}" for m, v in zip(line["demand"], line["value"], strict=True))
        for name, line in lines.items()
    )
    words = f"Delay per signal by demand multiple on {summary.network}: {described}."
    height = 230 + LEGEND_ROW * -(-len(names) // 3)
    svg = draw(summary.network, words, WIDTH, height, lambda axes: _curves(axes, lines))
    return svg.replace("<svg ", STANDS_ALONE, 1) + "\n"


def _curves(axes: Axes, lines: dict[str, pd.DataFrame]) -> None:
    chosen = looks(tuple(lines))
    for name, line in lines.items():
        at, look = line.sort_values("demand"), chosen[name]
        for ends in at[at["value"] < TOP_S][["demand", "low", "high"]].dropna().itertuples(index=False):
            axes.plot([ends[0], ends[0]], ends[1:], color=look.colour, linewidth=1.6, alpha=0.5)
        axes.plot(at["demand"], at["value"], color=look.colour, marker=look.marker, label=name, **(MEAN | SMALL))
    axes.set_ylim(0, TOP_S)
    levels_of_service(axes)
    axes.set_xlabel("Demand, multiple of the scenario's own")
    axes.set_ylabel("Delay per signal, s per vehicle")
    axes.figure.legend(ncols=3, **LEGEND)
