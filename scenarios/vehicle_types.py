"""Vehicle types picked from distributions: a vehicle has one type, and a route that this can take, in every draw."""

from xml.etree.ElementTree import Element

from scenarios.picking import pick, weights

TYPE_CHOICE_STREAM = 7_310_003  # key of the generator that picks from type distributions, once for all draws
DEFAULT_TYPE = "DEFAULT_VEHTYPE"
CAR = '<vType id="car" vClass="passenger" speedFactor="normc(1.00,0.10,0.70,1.30)"/>'

ON_RAILS = frozenset({"tram", "rail", "rail_urban", "rail_electric", "rail_fast", "subway"})

Types = dict[str, tuple[list[str], list[float]]]


def type_distributions(element: Element) -> Types:
    """The members of a type distribution with their weights; nothing for any other element."""
    if element.tag != "vTypeDistribution":
        return {}
    name, own = element.get("id", ""), element.findall("vType")
    named = element.get("vTypes", "").split()
    listed = element.get("probabilities", "").split() or ["1"] * len(named)
    texts = listed + [member.get("probability", "1") for member in own]
    members = named + [member.get("id", "") for member in own]
    return {name: (members, weights(f"type distribution '{name}'", texts, len(members)))}


def rail_types(element: Element) -> set[str]:
    """Ids of the types in an element that run on rails: they have a timetable, also where no stop is written down."""
    return {found.get("id", "") for found in element.iter("vType") if found.get("vClass") in ON_RAILS}


def picked_type(types: Types, vehicle: Element, index: int) -> str | None:
    """The type of the traveller with that index; None where its type is no distribution."""
    found = types.get(vehicle.get("type", DEFAULT_TYPE))
    return found[0][pick(found[1], TYPE_CHOICE_STREAM, index)] if found else None
