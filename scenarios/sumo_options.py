"""Which options of a user's configuration come along: those that change how traffic moves on their street.

The comparison decides the rest: seed, teleports (none), collisions, output, and what only shows or stores.
"""

from collections.abc import Mapping

TAKEN_OVER: Mapping[str, str] = {
    "step-method.ballistic": "how a step is integrated",
    "extrapolate-departpos": "where within its step a vehicle enters",
    "lateral-resolution": "vehicles beside each other in a lane",
    "lanechange.": "duration of lane changes, overtaking on the right",
    "default.": "car following, spread of desired speeds, reaction time, how vehicles enter",
    "insertion-checks": "when a vehicle may enter",
    "eager-insert": "when a vehicle may enter",
    "emergency-insert": "when a vehicle may enter",
    "sloppy-insert": "when a vehicle may enter",
    "time-to-impatience": "gap acceptance",
    "startup-wait-threshold": "start-up at a green",
    "ignore-junction-blocker": "vehicles that block a junction",
    "no-internal-links": "whether junctions have a length",
    "slope-centered": "gradients",
    "parking.maneuver": "parking",
    "use-stop-ended": "timetables",
    "use-stop-started": "timetables",
    "pedestrian.": "how people walk",
    "persontrip.": "which way people take",
    "ride.stop-tolerance": "boarding",
    "routing-algorithm": "route choice on the way",
    "weights.": "route choice on the way",
    "junction-taz": "trips from junction to junction",
    "device.rerouting.": "route choice on the way",
    "person-device.rerouting.": "route choice on the way",
    "device.taxi.": "taxis",
    "device.bluelight.": "emergency vehicles",
    "device.driverstate.": "drivers' attention",
    "device.toc.": "handing over to the driver",
    "device.glosa.": "speed advice",
    "tls.actuated.": "SUMO's own actuated programs",
    "tls.delay_based.": "SUMO's own delay-based programs",
    "tls.yellow.min-decel": "who still drives at yellow",
    "railsignal.": "trains",
    "railsignal-moving-block": "trains",
    "railway.max-train-length": "trains",
}
READ_OTHERWISE = frozenset({"scale", "ignore-route-errors"})  # by the demand, not by SUMO
ONLY_SHOW = (
    "verbose", "xml-validation", "no-", "duration-log", "gui-", "start", "quit-on-end", "delay", "demo", "game",
    "osg-view", "human-readable-time", "precision", "message-log", "error-log", "log", "window-", "report",
    "breakpoints", "tracker-interval", "registry-viewport", "aggregate-warnings",
)  # fmt: skip
NEVER = ("output", "threads")  # within a name: writes into the user's folder, or breaks the order of a run


def taken_over(given: Mapping[str, str]) -> dict[str, str]:
    """The options that a run of ours sets as the user's configuration does."""
    return {name: value for name, value in given.items() if is_taken_over(name)}


def is_taken_over(name: str) -> bool:
    """By its whole name or by its family's."""
    if any(word in name for word in NEVER):
        return False
    return name in TAKEN_OVER or any(name.startswith(family) for family in TAKEN_OVER if family.endswith("."))


def not_taken_over(given: Mapping[str, str]) -> list[str]:
    """The names that are left to us, without those that only show or tell something."""
    left = [name for name in given if not is_taken_over(name) and name not in READ_OTHERWISE]
    return [name for name in left if not name.startswith(ONLY_SHOW)]
