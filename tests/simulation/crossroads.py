"""A crossroads of four legs, built with netconvert: link 3 k turns right, 3 k + 1 goes on, 3 k + 2 turns left.

k counts the legs n, e, s, w; lane 0 turns right and goes on, lane 1 turns left. `ni_0` is the lane in from the north.
"""

from itertools import pairwise
from math import inf
from pathlib import Path

import pandas as pd

from scenarios.sumo_tools import run_tool
from signals.controllers import build
from signals.controllers.releasing import Releasing
from signals.flow import FlowEstimator
from signals.loop import Loop
from signals.safety import Interlock
from simulation.street import Demand, Place, Street

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


NEMA_PHASES = {
    "1": "rrrrrrrrGrrr",
    "2": "GGgrrrrrrrrr",
    "3": "rrrrrrrrrrrG",
    "4": "rrrGGgrrrrrr",
    "5": "rrGrrrrrrrrr",
    "6": "rrrrrrGGgrrr",
    "7": "rrrrrGrrrrrr",
    "8": "rrrrrrrrrGGg",
}


def nema(program: str = "N", **parameters: str) -> str:
    """A program in two rings: through 2, 4, 6, 8 with permissive left turns, protected left turns 1, 3, 5, 7."""
    usual = {"ring1": "1,2,3,4", "ring2": "5,6,7,8", "barrierPhases": "4,8", "barrier2Phases": "2,6"}
    usual |= {"coordinate-mode": "false", "minRecall": "2,6", "maxRecall": ""}
    said = "".join(f'<param key="{key}" value="{value}"/>' for key, value in (usual | parameters).items())
    said += "".join(
        f'<phase duration="99" minDur="6" maxDur="30" vehext="2" yellow="4" red="2" name="{name}" state="{state}"/>'
        for name, state in NEMA_PHASES.items()
    )
    return f'<tlLogic id="C" type="NEMA" programID="{program}" offset="0">{said}</tlLogic>'


def place(
    folder: Path, net_file: Path, additional: str = "", end_s: float = 600.0, step_length_s: float = 1.0
) -> tuple[Place, Demand]:
    """The crossroads with traffic on every turn, and an additional file."""
    files = []
    if additional:
        files = [folder / "more.add.xml"]
        files[0].write_text(f"<additional>{additional}</additional>", encoding="utf-8")
    routes = folder / "traffic.rou.xml"
    routes.write_text(f"<routes>{ROUTES}</routes>", encoding="utf-8")
    vehicles = pd.DataFrame({"id": ["ns.0"], "depart_s": [0.0], "edges": ["ni so"]})
    return Place(net_file, tuple(files), 0.0, end_s, step_length_s), Demand(routes, vehicles)


def watched(street: Street, controller: str, until_s: float, let_go_s: float = inf, every_s: float = 1.0) -> list[str]:
    """What the signal shows each second under a controller, which lets go at a time."""
    control = Releasing(street.layout, build(controller, street.layout, street.network.plans))
    loop = Loop(street.plant, FlowEstimator(street.layout), control, Interlock(street.layout))
    shown = []
    while street.sumo.time_s < until_s:
        if street.sumo.time_s >= let_go_s:
            control.let_go()
        said = loop.tick().command.reason(0)
        assert not said.startswith("tripped"), said
        street.sumo.step_to(street.sumo.time_s + every_s)
        shown.append(street.sumo.state(street.network.intersections[0].id))
    return shown


def jumps(shown: list[str]) -> list[tuple[int, int]]:
    """(row, link) where a head goes from green to red without yellow."""
    pairs = enumerate(pairwise(shown))
    return [(k, link) for k, (a, b) in pairs for link in range(len(a)) if a[link] in "Gg" and b[link] in "rs"]
