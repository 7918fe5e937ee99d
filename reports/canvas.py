"""Drawings from true coordinates: metres east and north become an inline SVG whose unit is a metre."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import hypot

from simulation.geometry import Point, Shape

LETTER = 0.62
"""Width of a letter in heights of its font, generously: labels are kept apart by it."""


@dataclass(frozen=True)
class View:
    """A rectangle of the street."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.top - self.bottom

    def grown(self, by: float) -> "View":
        return View(self.left - by, self.bottom - by, self.right + by, self.top + by)

    def holds(self, point: Point) -> bool:
        return self.left <= point[0] <= self.right and self.bottom <= point[1] <= self.top

    def distance(self, point: Point) -> float:
        """From the rectangle to a point; 0 inside."""
        east = max(self.left - point[0], 0.0, point[0] - self.right)
        north = max(self.bottom - point[1], 0.0, point[1] - self.top)
        return max(east, north)


def around(points: Iterable[Point]) -> View:
    """The smallest view that holds some points."""
    found = list(points)
    east, north = [x for x, _ in found], [y for _, y in found]
    return View(min(east), min(north), max(east), max(north))


@dataclass(frozen=True)
class Canvas:
    """Turns a view's points into SVG, north up."""

    view: View
    decimals: int = 1

    def x(self, east: float) -> str:
        return self._number(east - self.view.left)

    def y(self, north: float) -> str:
        return self._number(self.view.top - north)

    def _number(self, value: float) -> str:
        return f"{value:.{self.decimals}f}".removesuffix(".0") if self.decimals else str(round(value))

    def path(self, shape: Shape) -> str:
        """The `d` of a path along some points."""
        steps: list[str] = []
        for point in shape:
            step = f"{self.x(point[0])} {self.y(point[1])}"
            if not steps or step != steps[-1]:
                steps.append(step)
        return "M" + "L".join(steps)

    def svg(self, label: str, parts: Iterable[str], css: str, smallest_px_per_m: float = 0.0) -> str:
        """The whole drawing; `label` is what a reader who cannot see it is told."""
        size = f"{self._number(self.view.width)} {self._number(self.view.height)}"
        style = f' style="min-width:{self.view.width * smallest_px_per_m:.0f}px"' if smallest_px_per_m else ""
        opening = f'<svg viewBox="0 0 {size}" class="{css}"{style} role="img" aria-label="{escape(label)}">'
        return "".join([opening, *parts, "</svg>"])


def clipped(shape: Shape, view: View) -> Shape:
    """Without what lies wholly outside, so that a long street costs no more than what is seen of it."""
    seen = [k for k, (a, b) in enumerate(pairwise(shape)) if _near(a, b, view)]
    return shape[seen[0] : seen[-1] + 2] if seen else ()


def _near(a: Point, b: Point, view: View) -> bool:
    return (
        min(a[0], b[0]) <= view.right
        and max(a[0], b[0]) >= view.left
        and min(a[1], b[1]) <= view.top
        and max(a[1], b[1]) >= view.bottom
    )


def back_from_end(shape: Shape, distance_m: float) -> Point:
    """The point so far before a line's end, or its beginning."""
    return along(tuple(reversed(shape)), distance_m)


def along(shape: Shape, distance_m: float) -> Point:
    """The point so far after a line's beginning, or its end."""
    for a, b in pairwise(shape):
        step_m = hypot(b[0] - a[0], b[1] - a[1])
        if distance_m <= step_m and step_m:
            share = distance_m / step_m
            return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])
        distance_m -= step_m
    return shape[-1]


def direction(a: Point, b: Point) -> Point:
    """The unit vector from one point to another."""
    size = hypot(b[0] - a[0], b[1] - a[1]) or 1.0
    return (b[0] - a[0]) / size, (b[1] - a[1]) / size


def ribbon(shape: Shape, width_m: float) -> Shape:
    """The outline of a short straight piece of a given width."""
    (ux, uy), half = direction(shape[0], shape[-1]), width_m / 2
    left = [(x - uy * half, y + ux * half) for x, y in (shape[0], shape[-1])]
    right = [(x + uy * half, y - ux * half) for x, y in (shape[-1], shape[0])]
    return (*left, *right)


@dataclass
class Places:
    """Keeps words apart: remembers the boxes of words, and what is better not covered where there is a choice."""

    taken: list[View]
    better_seen: list[View]

    def take_first_free(self, boxes: Sequence[View]) -> int | None:
        """The place of the first box over no words, and over nothing better seen if there is one; it is then taken."""
        for avoided in ([*self.taken, *self.better_seen], self.taken):
            for place, box in enumerate(boxes):
                if not any(_overlap(box, other) for other in avoided):
                    self.taken.append(box)
                    return place
        return None


def _overlap(one: View, other: View) -> bool:
    return one.left < other.right and other.left < one.right and one.bottom < other.top and other.bottom < one.top


def text_box(words: str, at: Point, size_m: float, anchor: str) -> View:
    """The room that words take whose baseline's middle, start or end is at a point."""
    width = len(words) * size_m * LETTER
    left = at[0] - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
    return View(left, at[1] - 0.3 * size_m, left + width, at[1] + size_m)
