"""A crossroads of four legs, built with netconvert: link 3 k turns right, 3 k + 1 goes on, 3 k + 2 turns left.

k counts the legs n, e, s, w; lane 0 turns right and goes on, lane 1 turns left. `ni_0` is the lane in from the north.
"""

from pathlib import Path

from scenarios.sumo_tools import run_tool

LEGS = "nesw"
PLACES = {"n": (0, 200), "e": (200, 0), "s": (0, -200), "w": (-200, 0)}
PLAN = (
    ("GGgrrrGGgrrr", 30),
    ("yyyrrryyyrrr", 3),
    ("rrrrrrrrrrrr", 1),
    ("rrrGGgrrrGGg", 25),
    ("rrryyyrrryyy", 3),
    ("rrrrrrrrrrrr", 1),
)
ROUTES = "".join(
    f'<flow id="{a}{b}" begin="0" end="3600" from="{a}i" to="{b}o" vehsPerHour="{rate}" departLane="best"/>'
    for k, a in enumerate(LEGS)
    for b, rate in ((LEGS[k - 1], 60), (LEGS[(k + 2) % 4], 240), (LEGS[(k + 1) % 4], 60))
)


def static(rows: tuple[tuple[str, float], ...] = PLAN, name: str = "C", program: str = "0", offset: float = 0) -> str:
    """A program of (state, duration)."""
    phases = "".join(f'<phase duration="{duration}" state="{state}"/>' for state, duration in rows)
    return f'<tlLogic id="{name}" type="static" programID="{program}" offset="{offset}">{phases}</tlLogic>'


def crossroads(
    folder: Path,
    logic: str | None = None,
    name: str = "C",
    lanes: str = "",
    edges: str = "",
    connections: str = "",
    crossings: str = "",
    ending: str = ".net.xml",
    options: tuple[str, ...] = (),
) -> Path:
    """Build it; `lanes` are <lane> elements of every edge in, the other texts are added to netconvert's plain files."""
    nodes = "".join(f'<node id="{leg}" x="{x}" y="{y}"/>' for leg, (x, y) in PLACES.items())
    streets = "".join(
        f'<edge id="{leg}i" from="{leg}" to="{name}" numLanes="2" speed="13.89">{lanes}</edge>'
        f'<edge id="{leg}o" from="{name}" to="{leg}" numLanes="2" speed="13.89"/>'
        for leg in LEGS
    )
    turns = [(a, LEGS[k - 1], 0) for k, a in enumerate(LEGS)]
    turns += [(a, LEGS[(k + 2) % 4], 0) for k, a in enumerate(LEGS)]
    turns += [(a, LEGS[(k + 1) % 4], 1) for k, a in enumerate(LEGS)]
    links = {(a, b, lane): 3 * (k % 4) + k // 4 for k, (a, b, lane) in enumerate(turns)}
    ways = "".join(f'<connection from="{a}i" to="{b}o" fromLane="{n}" toLane="{n}"/>' for a, b, n in turns)
    heads = "".join(
        f'<connection from="{a}i" to="{b}o" fromLane="{n}" toLane="{n}" tl="{name}" linkIndex="{link}"/>'
        for (a, b, n), link in links.items()
    )
    plain = {
        "node": f'<nodes>{nodes}<node id="{name}" x="0" y="0" type="traffic_light"/></nodes>',
        "edge": f"<edges>{streets}{edges}</edges>",
        "connection": f"<connections>{ways}{connections}{crossings}</connections>",
        "tllogic": f"<tlLogics>{logic or static(name=name)}{heads}</tlLogics>",
    }
    words: list[str | Path] = ["--no-turnarounds", *options]
    for kind, text in plain.items():
        (folder / f"{kind}.xml").write_text(text, encoding="utf-8")
        words += [f"--{kind}-files", folder / f"{kind}.xml"]
    net_file = folder / f"crossroads{ending}"
    run_tool("netconvert", *words, "--output-file", net_file, subject=str(net_file))
    return net_file
