"""Matplotlib figures as inline SVG that takes its colours from the page: one drawing for light, dark and paper."""

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MUTED, GRID, PAPER = "#010101", "#020202", "#030303", "#040404"  # stand-ins that the page's variables replace
VARIABLES = {INK: "var(--ink)", MUTED: "var(--muted)", GRID: "var(--grid)", PAPER: "var(--paper)"}
POINTS_PER_INCH = 72.0
DROPPED = r"<!--.*?-->\s*|<style.*?</style>|font-family: [^;\"]*; "  # the page has its own style and font
NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}

STYLE = {
    "svg.fonttype": "none",  # text stays text: searchable, small, read aloud
    "font.size": 11,
    "axes.labelsize": 11,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "legend.frameon": False,
}


@contextmanager
def drawing(name: str) -> Iterator[None]:
    """Our look and ids that depend on the chart's name alone, whatever the user's own matplotlib settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE | {"svg.hashsalt": name})
        yield


def draw(name: str, description: str, width: float, height: float, plot: Callable[[Axes], None]) -> str:
    """One chart of the given size in points; `description` is what a reader who cannot see it is told."""
    with drawing(name):
        figure = Figure(figsize=(width / POINTS_PER_INCH, height / POINTS_PER_INCH), layout="constrained")
        plot(figure.subplots())
        text = io.StringIO()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the reader's browser has it
            figure.savefig(text, format="svg", metadata=NO_METADATA)
    return _inline(text.getvalue(), name, description)


def _inline(svg: str, name: str, description: str) -> str:
    """The bare <svg> element: ids of its own, a text alternative, colours and font of the page."""
    body = re.sub(DROPPED, "", svg[svg.index("<svg") :], flags=re.DOTALL)
    body = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", body).replace("xlink:href", "href")
    body = re.sub(r'="[^"]*"', lambda attribute: re.sub(r"(\.\d\d)\d+", r"\1", attribute[0]), body)
    for stand_in, variable in VARIABLES.items():
        body = body.replace(stand_in, variable)
    opening = re.match(r'<svg [^>]*(viewBox="[^"]*")[^>]*>', body)
    if opening is None:
        raise ValueError(f"chart {name}: matplotlib's SVG has no viewBox")
    return f'<svg {opening[1]} role="img" aria-label="{escape(description)}">{body[opening.end() :]}'
