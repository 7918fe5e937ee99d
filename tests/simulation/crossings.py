"""A junction of four streets with a signalised crossing on each, made by netconvert, and whoever walks over it."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd

from scenarios.sumo_tools import run_tool
from signals.values import Record
from simulation.street import Demand, Place, Street
from tests.simulation.streets import SEED, loop_over

ARMS = {"N": (0, 200), "E": (200, 0), "S": (0, -200), "W": (-200, 0)}
ON_A_REFUGE = "".join(f'<crossing node="C" edges="{edge}"/>' for edge in ("NC", "CN"))
BICYCLE_LANE = '<lane index="1" allow="bicycle"/>'
TYPE = '<vType id="walker" vClass="pedestrian" speedDev="0"/>'


@cache
def net_file(refuge: bool = False, bicycle_lane: bool = False) -> Path:
    """On a refuge the crossing of the northern street is in two parts; the bicycle lane comes from the south."""
    folder = Path(mkdtemp(prefix="tests-crossings-"))
    nodes = "".join(f'<node id="{arm}" x="{x}" y="{y}"/>' for arm, (x, y) in ARMS.items())
    edges = "".join(_street(arm, bicycle_lane and arm == "S") for arm in ARMS)
    files = {
        "node-files": f'<nodes><node id="C" x="0" y="0" type="traffic_light"/>{nodes}</nodes>',
        "edge-files": f"<edges>{edges}</edges>",
        "connection-files": f"<connections>{ON_A_REFUGE if refuge else ''}</connections>",
    }
    words: list[str | Path] = []
    for option, text in files.items():
        (folder / f"{option}.xml").write_text(text)
        words += [f"--{option}", folder / f"{option}.xml"]
    made = folder / "crossings.net.xml"
    run_tool("netconvert", *words, "--crossings.guess", "--output-file", made, subject="crossings")
    return made


def _street(arm: str, with_bicycles: bool) -> str:
    built = 'speed="13.9" sidewalkWidth="2" spreadType="roadCenter"'
    into = f'<edge id="{arm}C" from="{arm}" to="C" numLanes="{1 + with_bicycles}" {built}>'
    lane = '<lane index="0" allow="bicycle"/>' if with_bicycles else ""
    return f'{into}{lane}</edge><edge id="C{arm}" from="C" to="{arm}" numLanes="1" {built}/>'


def walk(name: str, depart_s: float, start: str, end: str) -> str:
    """A person; `start` leads to the junction, 20 m before which he sets out."""
    person = f'<person id="{name}" type="walker" depart="{depart_s:g}" departPos="170">'
    return f'{person}<walk from="{start}" to="{end}"/></person>'


def cars(start: str, end: str, every_s: float, until_s: float, kind: str = "DEFAULT_VEHTYPE") -> str:
    """A steady flow, as vehicles, the first of which departs at once."""
    return "".join(
        f'<vehicle id="{start}.{k}" type="{kind}" depart="{at_s:g}"><route edges="{start} {end}"/></vehicle>'
        for k, at_s in enumerate(np.arange(0.0, until_s, every_s))
    )


def crossings_street(
    travellers: Sequence[str], end_s: float, step_s: float = 1.0, net: Path | None = None, outputs: bool = False
) -> Street:
    """The junction with some travellers, in the order of departure of each kind."""
    folder = Path(mkdtemp(prefix="tests-crossings-"))
    route_files = []
    for k, text in enumerate(travellers):
        file = folder / f"{k}.rou.xml"
        file.write_text(f"<routes>{TYPE if k == 0 else ''}{text}</routes>")
        route_files.append(str(file))
    place = Place(net or net_file(), (), 0.0, end_s, step_s)
    return Street(place, Demand(Path(",".join(route_files)), pd.DataFrame()), SEED, outputs=outputs)


def ticks(street: Street, controller: str, seconds: float) -> Iterator[Record]:
    """What the loop did, second by second."""
    loop = loop_over(street, controller)
    while street.sumo.time_s < seconds:
        yield loop.tick()
        street.sumo.step_to(street.sumo.time_s + 1.0)


def scenario_file(folder: Path, travellers: Sequence[str], end_s: float) -> Path:
    """The same as a SUMO configuration, as users bring it."""
    names = [f"{k}.rou.xml" for k in range(len(travellers))]
    for k, text in enumerate(travellers):
        (folder / names[k]).write_text(f"<routes>{TYPE if k == 0 else ''}{text}</routes>")
    files = f'<net-file value="{net_file()}"/><route-files value="{",".join(names)}"/>'
    made = folder / "crossings.sumocfg"
    made.write_text(f'<configuration>{files}<begin value="0"/><end value="{end_s:g}"/></configuration>')
    return made
