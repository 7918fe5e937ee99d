"""The words of a junction's drawing: numbers of signal groups, names of streets, north and scale, none over another."""

from collections.abc import Iterator, Sequence
from html import escape
from math import hypot

from reports.canvas import Canvas, Places, View, along, around, back_from_end, direction, text_box
from signals.intersection import Intersection
from simulation.geometry import CrossingShape, Drawing, LaneShape, Point, Shape, length

RADIUS_M = (1.0, 1.5)
"""Of a head's mark, which stays within its lane."""
FROM_STOP_LINE_M, STEP_M, REACH_M = 8.2, 0.6, 60.0
BEFORE_STEPS, NAME_STEPS = 40, 24
SCALE_BAR_M = 20.0


class Labels:
    """Places one drawing's words, the most needed first."""

    def __init__(self, canvas: Canvas, label_m: float, intersection: Intersection, drawing: Drawing) -> None:
        self._canvas, self._view, self._label_m = canvas, canvas.view, label_m
        self._radius_m = min(max(label_m * 0.75, RADIUS_M[0]), RADIUS_M[1])
        self._intersection, self._drawing = intersection, drawing
        view = self._view
        corner = View(view.right - 2.5 * label_m, view.top - 3.6 * label_m, view.right, view.top)
        scale = View(view.left, view.bottom, view.left + SCALE_BAR_M + 5 * label_m, view.bottom + 2 * label_m)
        self._places = Places([corner, scale], [around(loop.shape).grown(0.8) for loop in drawing.loops])

    def all(self) -> list[str]:
        """Heads in their lanes, heads at crossings, streets."""
        lanes = {lane.id: lane for lane in self._drawing.lanes}
        heads = [(lanes[name], group) for name, groups in self._drawing.heads.items() for group in groups]
        marks = [self._in_lane(lane, group) for lane, group in heads]
        marks += [mark for crossing in self._drawing.crossings for mark in self._at_crossing(crossing)]
        self._places.better_seen += [around(area) for area in self._drawing.areas]
        return [*marks, *self._streets(), self._north(), self._scale()]

    def _in_lane(self, lane: LaneShape, group: str) -> str:
        """Behind the stop line's loop; nearer where the lane is short; before its beginning where even that is full."""
        shape, reach_m = lane.shape, min(length(lane.shape), REACH_M)
        first_m = min(FROM_STOP_LINE_M, max(reach_m - self._radius_m, 0.0))
        upstream = [first_m + k * STEP_M for k in range(int((reach_m - first_m) / STEP_M) + 1)]
        nearer = [first_m - k * STEP_M for k in range(1, int((first_m - self._radius_m) / STEP_M) + 1)]
        ux, uy = direction(along(shape, 3.0), shape[0])
        before = [(shape[0][0] + ux * k * STEP_M, shape[0][1] + uy * k * STEP_M) for k in range(1, BEFORE_STEPS)]
        inside = [back_from_end(shape, step) for step in (*upstream, *nearer)]
        return self._mark([*inside, *before], group, lane.use)

    def _at_crossing(self, crossing: CrossingShape) -> Iterator[str]:
        """A head at each end; one that both ends share stands at the first."""
        for group, line in zip(crossing.signal_groups, (crossing.shape, crossing.shape[::-1]), strict=False):
            ux, uy = direction(along(line, 2.0), line[0])
            far = [1.8 + 0.6 * k for k in range(8)]
            yield self._mark(
                [(line[0][0] + ux * d, line[0][1] + uy * d) for d in (*far, 0.0, -2.0, -4.0)], group, "walk"
            )

    def _mark(self, choice: Sequence[Point], group: str, css: str) -> str:
        text_m = self._radius_m * 1.35
        half = max(self._radius_m, len(group) * text_m * 0.34)
        boxes = [View(x - half, y - self._radius_m, x + half, y + self._radius_m) for x, y in choice]
        place = self._places.take_first_free(boxes)
        if place is None:  # better over another than not at all
            self._places.taken.append(boxes[0])
        x, y = choice[place or 0]
        across, down = self._canvas.x(x), self._canvas.y(y)
        return (
            f'<g class="mark {css}"><circle cx="{across}" cy="{down}" r="{half:.1f}"/>'
            f'<text x="{across}" y="{self._canvas.y(y - 0.36 * text_m)}" font-size="{text_m:.1f}" '
            f'text-anchor="middle">{escape(group)}</text></g>'
        )

    def _streets(self) -> list[str]:
        turns = [m for m in self._intersection.movements if m.turn != "crossing"]
        ends: dict[str, list[Point]] = {}
        for lane in self._drawing.lanes:
            if lane.edge in {m.approach for m in turns}:
                ends.setdefault(f"from {lane.edge}", []).append(self._leaves(lane.shape[::-1]))
            if lane.edge in {m.exit for m in turns}:
                ends.setdefault(f"to {lane.edge}", []).append(self._leaves(lane.shape))
        return [name for words, points in ends.items() if (name := self._street(words, points))]

    def _leaves(self, line: Shape) -> Point:
        """Where a line that begins at the junction comes near the edge of the view, or ends."""
        inner, reach_m = self._view.grown(-self._label_m), length(line)
        last, passed_m = line[0], 0.0
        while passed_m <= reach_m and inner.holds(point := along(line, passed_m)):
            last, passed_m = point, passed_m + 2.0
        return last

    def _street(self, words: str, points: Sequence[Point]) -> str | None:
        """At its street near the edge of the drawing, where it covers no other words; else left out."""
        size = self._label_m
        x, y = sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points)
        width = text_box(words, (0.0, 0.0), size, "start").width
        inner = self._view.grown(-0.8)
        lowest, highest = inner.bottom + 0.3 * size, inner.top - size
        leftmost, rightmost = inner.left, inner.right - width
        if leftmost > rightmost:
            return None
        steps = [sign * k * size * 0.5 for k in range(NAME_STEPS) for sign in ((1, -1) if k else (1,))]
        shifts = [0.0, *(sign * width * share for share in (0.3, 0.6, 0.9) for sign in (1, -1))]
        offsets = sorted(((dx, dy) for dx in shifts for dy in steps), key=lambda d: hypot(0.6 * d[0], d[1]))
        spots = [
            (min(max(x - width / 2 + dx, leftmost), rightmost), min(max(y + dy, lowest), highest)) for dx, dy in offsets
        ]
        place = self._places.take_first_free([text_box(words, spot, size, "start") for spot in spots])
        return None if place is None else self._text(words, spots[place], 'class="street"')

    def _text(self, words: str, at: Point, more: str) -> str:
        place = f'x="{self._canvas.x(at[0])}" y="{self._canvas.y(at[1])}"'
        return f'<text {place} font-size="{self._label_m:.1f}" {more}>{escape(words)}</text>'

    def _north(self) -> str:
        size = self._label_m
        x, y = self._view.right - 1.4 * size, self._view.top - 0.4 * size
        needle = ((x, y), (x + 0.55 * size, y - 1.7 * size), (x, y - 1.3 * size), (x - 0.55 * size, y - 1.7 * size))
        words = self._text("N", (x, y - 2.8 * size), 'text-anchor="middle"')
        return f'<g class="north"><path d="{self._canvas.path(needle)}Z"/>{words}</g>'

    def _scale(self) -> str:
        size = self._label_m
        x, y = self._view.left + 0.6 * size, self._view.bottom + 0.6 * size
        ticks = ((x, y + 0.4 * size), (x, y), (x + SCALE_BAR_M, y), (x + SCALE_BAR_M, y + 0.4 * size))
        words = self._text(f"{SCALE_BAR_M:g} m", (x + SCALE_BAR_M + 0.5 * size, y), "")
        return f'<g class="scale"><path d="{self._canvas.path(ticks)}"/>{words}</g>'


def junction_labels(canvas: Canvas, label_m: float, intersection: Intersection, drawing: Drawing) -> list[str]:
    """All words, `label_m` high."""
    return Labels(canvas, label_m, intersection, drawing).all()
