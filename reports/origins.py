"""Where a junction's values come from: the same source for several of a kind is said once."""

from collections.abc import Mapping

NAMES = {
    "minimum_green_s": "minimum green",
    "yellow_change_s": "yellow change",
    "red_clearance_s": "red clearance",
    "saturation_flow_veh_per_h": "saturation flow",
}
KINDS = {
    "phases": "phase",
    "stages": "stage",
    "interstages": "interstage",
    "conflicts": "conflict",
    "lane_groups": "lane group",
    "detectors": "loop",
    "neighbours": "neighbour",
}
JOINED = {"interstages": " > ", "conflicts": " + "}
OVERRIDDEN = "override in "


def origins(sources: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """(value, source, whose), a row for each kind of value and source; `phases.3.yellow_change_s` is phase 3's."""
    rows: dict[tuple[str, str], list[str]] = {}
    for path, source in sources.items():
        value, whose = split_path(path)
        rows.setdefault((value, source), []).append(whose)
    return [(value, source, " ".join(whose) or "all") for (value, source), whose in sorted(rows.items())]


def split_path(path: str) -> tuple[str, str]:
    """What a path names and whose; ids of lane groups and loops have dots of their own."""
    kind, _, rest = path.partition(".")
    whose, _, value = rest.rpartition(".")
    if value in NAMES:
        return f"{KINDS.get(kind, kind)}: {NAMES[value]}", whose
    joined = (
        rest.replace(".", " > ") if kind == "interstages" else rest.replace(".", " + ") if kind == "conflicts" else rest
    )
    return (f"{KINDS.get(kind, kind)}" if rest else kind), joined
