"""The detectors that a network brings in its additional files: induction loops (E1) and lane areas (E2).

SUMO resets their counts by the period of their own file, so they are not read: where one serves us, our own loop is
laid at the same place, with its own id, and theirs stays as the user has it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from scenarios.xml_files import elements
from signals.errors import ConfigError

KINDS = {
    "e1Detector": "E1",
    "inductionLoop": "E1",
    "e2Detector": "E2",
    "laneAreaDetector": "E2",
    "e3Detector": "E3",
    "entryExitDetector": "E3",
}
POINT_M = 2.0
"""Length of a loop where the network has a point."""
AT_STOP_LINE_M = 15.0
ZONE_M = 15.0
"""A longer area at the stop line watches two places: the line itself, and where it begins."""
STOP_ZONE_M, EDGE_M = 6.0, 2.0


class Place(NamedTuple):
    """Where a loop lies in a lane, from its start, and whose detector that is."""

    begin_m: float
    end_m: float
    owner: str


@dataclass(frozen=True)
class OwnDetectors:
    """Places by lane; `ignored` says what is not used, a line each."""

    places: dict[str, list[Place]]
    ids: frozenset[str]
    ignored: tuple[str, ...]

    def at_stop_line(self, lane: str, length_m: float) -> Place | None:
        """The place nearest to the stop line, if it is near enough; of a long area its end."""
        near = [p for p in self.places.get(lane, []) if length_m - p.end_m <= AT_STOP_LINE_M]
        found = max(near, key=lambda p: (p.end_m, p.begin_m), default=None)
        if found is None or found.end_m - found.begin_m <= ZONE_M:
            return found
        return found._replace(begin_m=found.end_m - STOP_ZONE_M)

    def upstream(self, lane: str, length_m: float, wanted_m: float, at_end: bool) -> Place | None:
        """The place nearest to a position in a lane, other than at its stop line; of a long area its beginning."""
        found = []
        for place in self.places.get(lane, []):
            long = place.end_m - place.begin_m > ZONE_M
            if long:
                found.append(place._replace(end_m=place.begin_m + EDGE_M))
            elif not (at_end and length_m - place.end_m <= AT_STOP_LINE_M):
                found.append(place)
        return min(found, key=lambda p: abs(p.begin_m - wanted_m), default=None)


NO_DETECTORS = OwnDetectors({}, frozenset(), ())


def read_own_detectors(net: Any, additional_files: Sequence[Path]) -> OwnDetectors:
    """All that the files bring. Raises `ConfigError` where one lies in a lane that is not there."""
    places: dict[str, list[Place]] = defaultdict(list)
    ids, ignored = set(), []
    for path in additional_files:
        for tag, kind in KINDS.items():
            for element in elements(path, tag):
                name = element.get("id", "")
                ids.add(name)
                if kind == "E3":
                    ignored.append(f"detector {name}: an entry-exit detector (E3) watches no place, it is not used")
                    continue
                for lane, place in _places(net, element, kind, f"{path}: {tag} {name}"):
                    places[lane].append(place)
    return OwnDetectors(dict(places), frozenset(ids), tuple(ignored))


def _places(net: Any, element: Element, kind: str, subject: str) -> list[tuple[str, Place]]:
    """(lane, place); an area over several lanes lies in each of them from end to end, but for its own two ends."""
    names = element.get("lane", element.get("lanes", "")).split()
    lengths_m = [_length_m(net, name, subject) for name in names]
    found = []
    for k, (name, length_m) in enumerate(zip(names, lengths_m, strict=True)):
        begin_m, end_m = _span_m(element, kind, length_m, subject) if len(names) == 1 else (0.0, length_m)
        if len(names) > 1 and k == 0 and "pos" in element.attrib:
            begin_m = _from_start_m(element, "pos", length_m, subject)
        if len(names) > 1 and k == len(names) - 1 and "endPos" in element.attrib:
            end_m = _from_start_m(element, "endPos", length_m, subject)
        if end_m > begin_m:
            found.append((name, Place(begin_m, end_m, f"{kind} {element.get('id', '')}")))
    return found


def _span_m(element: Element, kind: str, length_m: float, subject: str) -> tuple[float, float]:
    """Within one lane; a point becomes a loop that ends there."""
    begin_m = _from_start_m(element, "pos", length_m, subject)
    if "endPos" in element.attrib:
        end_m = _from_start_m(element, "endPos", length_m, subject)
        if "pos" not in element.attrib:
            begin_m = end_m - _number(element, "length", end_m, subject)
    else:
        end_m = begin_m + _number(element, "length", 0.0 if kind == "E1" else length_m - begin_m, subject)
    begin_m, end_m = max(0.0, begin_m), min(length_m, end_m)
    return (begin_m, end_m) if end_m > begin_m else (max(0.0, end_m - POINT_M), end_m)


def _from_start_m(element: Element, key: str, length_m: float, subject: str) -> float:
    """A negative position counts from the lane's end."""
    position_m = _number(element, key, 0.0, subject)
    return position_m if position_m >= 0 else max(0.0, length_m + position_m)


def _number(element: Element, key: str, default: float, subject: str) -> float:
    try:
        return float(element.attrib[key]) if key in element.attrib else default
    except ValueError as error:
        raise ConfigError(f"{subject}: {key} = {element.attrib[key]!r}, must be a number") from error


def _length_m(net: Any, lane: str, subject: str) -> float:
    edge, _, index = lane.rpartition("_")
    if not (net.hasEdge(edge) and index.isdigit() and int(index) < net.getEdge(edge).getLaneNumber()):
        raise ConfigError(f"{subject}: the network has no lane {lane}; correct it or remove the detector")
    return float(net.getEdge(edge).getLane(int(index)).getLength())
