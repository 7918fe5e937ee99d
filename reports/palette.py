"""One colour and one marker per controller, the same in every chart, told apart without colour vision."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    colour: str
    marker: str


# After Okabe and Ito, orange and yellow darkened until each has 3:1 against white and against the dark page.
LOOKS = {
    "existing": Look("#777d86", "o"),
    "fixed-time": Look("#96703c", "h"),
    "optimised-fixed": Look("#b87700", "X"),
    "actuated": Look("#d55e00", "s"),
    "max-pressure": Look("#1f7fc4", "D"),
    "adaptive": Look("#009270", "^"),
    "learned": Look("#b8639a", "P"),
    "sumo-actuated": Look("#6a70d0", "v"),
    "sumo-delay-based": Look("#3d8a96", "<"),
    "sumo-nema": Look("#a8564e", ">"),
}
COMPLETED, INSIDE, NEVER_ENTERED = "#6f9bc0", "#b87700", "#d5402b"


def looks(controllers: tuple[str, ...]) -> dict[str, Look]:
    """Each strategy has its own look; a second setting of the same strategy takes one that nobody here uses."""
    chosen: dict[str, Look] = {}
    for controller in controllers:
        own = LOOKS.get(controller.partition(":")[0])
        if own is not None and own not in chosen.values():
            chosen[controller] = own
    spare = [look for look in LOOKS.values() if look not in chosen.values()] or list(LOOKS.values())
    rest = [controller for controller in controllers if controller not in chosen]
    return chosen | {controller: spare[place % len(spare)] for place, controller in enumerate(rest)}
