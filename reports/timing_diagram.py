"""A plan's cycle as a bar of its splits, and below it what each signal group shows, second by second."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from signals.intersection import Aspect, Intersection
from signals.plans import TimingPlan
from signals.sequencer import intervals_between

WIDTH, LEFT, ROW, BAR, TEXT = 1000.0, 62.0, 17.0, 26.0, 12.0
TICKS_S = (5.0, 10.0, 20.0, 30.0, 60.0)
MOST_TICKS = 13
LETTER = 0.62
CSS = {
    Aspect.GREEN: "green",
    Aspect.PERMISSIVE: "permissive",
    Aspect.YELLOW: "yellow",
    Aspect.RED_YELLOW: "red-yellow",
    Aspect.TURN_ON_RED: "turn-on-red",
    Aspect.DARK: "dark",
    Aspect.RED: "red",
}
Span = tuple[float, float, tuple[Aspect, ...]]


def spans(junction: Intersection, plan: TimingPlan) -> list[Span] | None:
    """(begin, end, aspects) through one cycle; None where a split is shorter than the interstage after it."""
    stages = {s.name: s for s in junction.stages}
    order, found, now_s = [s.stage for s in plan.splits], list[Span](), 0.0
    if not stages.keys() >= set(order):
        return None
    for split, (name, following) in zip(plan.splits, pairwise([*order, order[0]]), strict=True):
        between = intervals_between(junction, stages[name], stages[following]) if name != following else ()
        green_s = split.split_s - sum(i.duration_s for i in between)
        if green_s < 0:
            return None
        steps = [(green_s, junction.stage_aspects(stages[name])), *((i.duration_s, i.aspects) for i in between)]
        for duration_s, aspects in steps:
            found.append((now_s, now_s + duration_s, aspects))
            now_s += duration_s
    return found


def timing_diagram(junction: Intersection, plan: TimingPlan) -> str:
    """The bar of splits alone where the plan cannot be told interval by interval."""
    found = spans(junction, plan)
    groups = [g.id for g in junction.signal_groups] if found else []
    scale = (WIDTH - LEFT - 14.0) / plan.cycle_s
    height = BAR + 6.0 + ROW * len(groups) + 22.0
    parts = [*_splits(plan, scale), *_ticks(plan.cycle_s, scale, height)]
    for row, group in enumerate(groups):
        top = BAR + 6.0 + row * ROW
        parts.append(f'<text class="name" x="{LEFT - 8}" y="{top + 12:.0f}" text-anchor="end">{escape(group)}</text>')
        parts += _row(found or [], row, top, scale)
    said = ", ".join(f"stage {s.stage} {s.split_s:g} s" for s in plan.splits)
    label = f"Cycle of {plan.cycle_s:g} s: {said}; offset {plan.offset_s:g} s"
    opening = f'<svg viewBox="0 0 {WIDTH:.0f} {height:.0f}" class="timing" role="img" aria-label="{escape(label)}">'
    return "".join([opening, *parts, "</svg>"])


def _splits(plan: TimingPlan, scale: float) -> Iterator[str]:
    yield f'<text class="name" x="{LEFT - 8}" y="18" text-anchor="end">stage</text>'
    begin_s = 0.0
    for k, split in enumerate(plan.splits):
        x, width = LEFT + begin_s * scale, split.split_s * scale
        yield f'<rect class="split{k % 2}" x="{x:.1f}" y="1" width="{width:.1f}" height="{BAR - 2}"/>'
        for words in (f"{split.stage} {split.split_s:g} s", f"{split.stage}"):
            if len(words) * TEXT * LETTER < width - 2:
                yield f'<text x="{x + width / 2:.1f}" y="18" text-anchor="middle">{escape(words)}</text>'
                break
        begin_s += split.split_s


def _ticks(cycle_s: float, scale: float, height: float) -> Iterator[str]:
    step_s = next((s for s in TICKS_S if cycle_s / s <= MOST_TICKS), 120.0)
    for k in range(int(cycle_s / step_s) + 1):
        x = LEFT + k * step_s * scale
        yield f'<path class="tick" d="M{x:.1f} {BAR}V{height - 18:.0f}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{height - 4:.0f}" text-anchor="middle">{k * step_s:g}</text>'


def _row(found: Sequence[Span], group: int, top: float, scale: float) -> Iterator[str]:
    merged: list[list] = []
    for begin_s, end_s, aspects in found:
        if merged and merged[-1][2] == aspects[group]:
            merged[-1][1] = end_s
        elif end_s > begin_s:
            merged.append([begin_s, end_s, aspects[group]])
    for begin_s, end_s, aspect in merged:
        x, width = LEFT + begin_s * scale, (end_s - begin_s) * scale
        css = CSS.get(aspect, "dark")
        thin = css in ("red", "dark")
        y, height = (top + 6.5, 2.0) if thin else (top + 2.0, 11.0)
        yield f'<rect class="{css}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.0f}"/>'
