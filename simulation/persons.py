"""What really happened to those who walk: their delay and how long they stood, from SUMO's personinfo.

SUMO's `timeLoss` of a walk is its duration less the time that its length takes at the person's own walking speed. It
holds all waiting at crossings, and also the swaying and giving way of SUMO's pedestrian model: who meets nobody and no
signal still loses about a tenth of his time. `waitingTime` is the time that a person stood (below 0.1 m/s). A walk that
is not over has no timeLoss, so it counts with the time that was stood, the least that was lost.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd

from simulation.measures import Window, elements

NOBODY = {"persons": 0, "person_delay_s": math.nan, "person_wait_max_s": math.nan}


def person_accounts(tripinfo: Path, persons: pd.DataFrame, window: Window) -> dict[str, float | int]:
    """How many persons were scheduled in the window, their mean delay, and the longest that one of them stood."""
    counted = persons[(persons.depart_s >= window.begin_s) & (persons.depart_s < window.end_s)]
    if counted.empty:
        return dict(NOBODY)
    walked = {str(p.get("id")): _walked(p) for p in elements(tripinfo, "personinfo")}
    outside_s = np.maximum(0.0, window.cap_s - counted.depart_s)  # of whoever never set out, as of a vehicle
    both = [walked.get(name) or (waited_s, waited_s) for name, waited_s in zip(counted.id, outside_s, strict=True)]
    lost_s, stood_s = np.array(both).T
    return {
        "persons": len(counted),
        "person_delay_s": float(lost_s.mean()),
        "person_wait_max_s": float(stood_s.max()),
    }


def _walked(person: ET.Element) -> tuple[float, float] | None:
    """Time that a person lost and stood on all walks; rides, and waiting for them, are no matter of signals."""
    if float(person.get("depart", -1)) < 0:
        return None
    walks = [walk for walk in person.iter("walk") if float(walk.get("depart", -1)) >= 0]
    stood_s = [float(walk.get("waitingTime", 0)) for walk in walks]
    over = [float(walk.get("arrival", -1)) >= 0 for walk in walks]
    lost_s = [float(w.get("timeLoss", 0)) if o else s for w, o, s in zip(walks, over, stood_s, strict=True)]
    return sum(lost_s), sum(stood_s)
