"""The pictures of docs/gallery.md, from real results: python tools/gallery.py RESULTS [RESULTS ...]

Each folder's forest, delay, accounting, capacity curve, periods, maps, time-space diagrams and a signal's charts,
as far as it has them, as docs/gallery/NAME-*.svg. Of a folder with paths those of signals alone: it has one draw.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from experiments.together import together  # noqa: E402
from reports.html import render  # noqa: E402

GALLERY = ROOT / "docs" / "gallery"
LOOK = (
    '<svg xmlns="http://www.w3.org/2000/svg" style="--ink:#1f2328;--muted:#59636e;--grid:#d1d9e0;--paper:#ffffff;'
    'background:#ffffff;font-family:sans-serif"'
)
STREETS = (
    "<style>.streets, use { fill: none; stroke: #59636e; stroke-opacity: 0.55 } .links { fill: none } "
    "text { font-weight: 600 }</style>"
)
WANTED = ("forest-", "delay0-", "accounting0-", "demand0-", "period0-level-", "period0-difference-")
MEASURES = ("speed", "co2")
"""Of the maps by other measures than delay: before and the difference."""
SIGNAL = {"c": "coordination", "a": "arrivals", "f": "failures", "m": "splits"}
"""How the ids of a signal's charts begin."""


def pictures(page: str) -> dict[str, str]:
    """By name, a report's first charts and first map of each kind, each whole by itself."""
    found: dict[str, str] = {}
    charts = re.findall(r'<svg [^>]*role="img".*?</svg>', page, re.DOTALL)
    if signals := along_the_street(charts):
        return signals
    for name in WANTED:
        chart = next((chart for chart in charts if f'id="{name}' in chart), None)
        if chart:
            found[name.replace("0", "").rstrip("-")] = chart.replace("<svg", LOOK, 1)
    drawn = [chart for chart in charts if 'class="map"' in chart]
    drawn_once = re.search(r'<path id="map\d+-streets".*?/>', page)
    streets = drawn_once[0] if drawn_once else ""
    for place, chart in enumerate(drawn[:3]):
        found[f"map-{place + 1}"] = whole_map(chart, streets)
    for measure in MEASURES:
        part = re.search(rf'<div class="of-measure of-{measure}">(.*?)</div>\n</div>', page, re.DOTALL)
        charts = re.findall(r"<svg [^>]*class=\"map\".*?</svg>", part[1], re.DOTALL) if part else []
        for place in (0, 2) if len(charts) > 2 else ():
            found[f"map-{measure}-{place + 1}"] = whole_map(charts[place], streets)
    return found


def whole_map(chart: str, streets: str) -> str:
    """With the streets that all maps of a page share."""
    whole = re.sub(r'<use href="#map\d+-streets"/>', lambda _: streets, chart)
    whole = re.sub(r"(<svg[^>]*>)", lambda opening: opening[0] + STREETS, whole, count=1)
    return whole.replace("<svg", LOOK, 1)


def along_the_street(charts: list[str]) -> dict[str, str]:
    """Before and after: the time-space diagrams, and of each kind the first chart of a signal."""
    found = {}
    for place, chart in enumerate([chart for chart in charts if 'class="time-space"' in chart][:2]):
        found[f"time-space-{place + 1}"] = chart.replace("<svg", LOOK, 1)
    for letter, name in SIGNAL.items():
        for place in (0, 1):
            begin = f'id="{letter}g0j0a{place}p'
            chart = next((chart for chart in charts if begin in chart), "")
            found |= {f"{name}-{place + 1}": chart.replace("<svg", LOOK, 1)} if chart else {}
    return found


def main() -> None:
    GALLERY.mkdir(exist_ok=True)
    for folder in map(Path, sys.argv[1:]):
        for name, picture in pictures(render(together([folder]))).items():
            file = GALLERY / f"{folder.resolve().name}-{name}.svg"
            file.write_text(picture + "\n", encoding="utf-8")
            print(f"{file.relative_to(ROOT)}: {len(picture) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
