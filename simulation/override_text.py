"""A network's present values as a file of overrides: a start for editing that changes nothing until it is edited."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from signals.intersection import Conflict, Intersection, Stage
from simulation.network import Network

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
HEAD = """\
# What was read of each junction; change what is not as in the street, delete what is right (it is read again).
# It is taken by `--intersection FILE`, or when it stands beside the network as {beside}.
# A phase's time or a conflict less safe than the plan's needs a reason in its table: because = "..."
# A stage goes with `remove = true`, a new one comes with `green = [...]`, so do a loop with `kind` and `lane`.
"""


def dump(network: Network, beside: str) -> str:
    """The file's text; `beside` is the name under which it is found by itself."""
    return "\n".join([HEAD.format(beside=beside), *(line for i in network.intersections for line in _junction(i))])


def _junction(intersection: Intersection) -> list[str]:
    kinds = {g.id: g.kind for g in intersection.signal_groups}
    tables: list[tuple[tuple[str, str], Mapping[str, Any], str]] = []
    for phase in intersection.phases:
        of_what = ", ".join(f"{kinds[g]} signal group {g}" for g in phase.signal_groups)
        times = phase.model_dump(include={"minimum_green_s", "yellow_change_s", "red_clearance_s"})
        tables.append((("phases", str(phase.number)), times, of_what))
    tables += [(("stages", s.name), _stage(intersection, s), "") for s in intersection.stages]
    for group in intersection.lane_groups:
        flow = {"saturation_flow_veh_per_h": group.saturation_flow_veh_per_h}
        tables.append((("lane_groups", group.id), flow, f"signal groups {', '.join(group.signal_groups)}"))
    tables += [(("detectors", d.id), d.model_dump(exclude={"id"}), "") for d in intersection.detectors]
    tables += [(("neighbours", n.exit), n.model_dump(exclude={"exit"}), "") for n in intersection.neighbours]
    lines = [f"# junction {_one_line(intersection.id)}", ""]
    for path, values, remark in tables:
        lines += [_header("[{}]", intersection.id, *path) + (f"  # {_one_line(remark)}" if remark else "")]
        lines += [*_values(values), ""]
    for conflict in intersection.conflicts:
        lines += [_header("[[{}]]", intersection.id, "conflicts"), *_values(_conflict(conflict)), ""]
    return lines


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _stage(intersection: Intersection, stage: Stage) -> dict[str, Any]:
    green = [g for g in intersection.green_groups(stage) if g not in stage.permissive]
    return {
        "minimum_green_s": stage.minimum_green_s,
        "green": green,
        "permissive": stage.permissive,
        "turn_on_red": stage.turn_on_red,
    }


def _conflict(conflict: Conflict) -> dict[str, Any]:
    pair: dict[str, Any] = {"groups": (conflict.first, conflict.second)}
    if conflict.yielding_in:
        return pair | {"value": "yielding", "stages": conflict.yielding_in}
    return pair | {"value": "prohibited"}


def _header(form: str, *path: str) -> str:
    return form.format(".".join(part if BARE_KEY.fullmatch(part) else _text(part) for part in path))


def _values(values: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in values.items()]


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    return f"[{_listed(value)}]" if isinstance(value, list | tuple) else repr(float(value))


def _listed(values: Iterable[str]) -> str:
    return ", ".join(_text(value) for value in values)


def _text(text: str) -> str:
    """A JSON string is a TOML basic string, but for the character that TOML wants escaped and JSON does not."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
