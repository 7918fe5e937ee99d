"""What each measure means, in words a reader can check, and the source of its definition."""

import math
from dataclasses import dataclass

ACCOUNTING = "The comparison protocol of this project, 'same accounting'"
FHWA = "FHWA-HOP-13-031"
HCM = "Highway Capacity Manual, level of service at signals"
SUMO = "SUMO tripinfo output"

LOS_LIMITS_S = (("A", 10.0), ("B", 20.0), ("C", 35.0), ("D", 55.0), ("E", 80.0))


@dataclass(frozen=True)
class Measure:
    """A column of the results with its plain title, unit, definition and source."""

    name: str
    title: str
    unit: str
    definition: str
    source: str


MEASURES = (
    Measure(
        "delay_s",
        "Mean delay",
        "s per vehicle",
        "Mean over every vehicle scheduled in the counted window of time lost on the way plus time waited to enter. "
        "Vehicles still inside or never entered count with what they had accrued at the end of the drain, so that "
        "locking vehicles out cannot lower it.",
        f"{ACCOUNTING}; {SUMO}: timeLoss + departDelay",
    ),
    Measure(
        "delay_per_signal_s",
        "Delay per signal",
        "s per vehicle and signal",
        "Delay of the window's vehicles divided by the number of signalised stop lines on their routes. "
        "The level of service is read from it: A up to 10 s, B 20, C 35, D 55, E 80, F above.",
        HCM,
    ),
    Measure(
        "delay_at_signals_s",
        "Delay at signals",
        "s per vehicle",
        "The part of the mean delay that arises on approaches of controlled signals, in queues spilling back from "
        "them, or waiting to enter behind them.",
        ACCOUNTING,
    ),
    Measure(
        "worst_junction_delay_s",
        "Worst junction's delay",
        "s per vehicle",
        "Delay on a controlled junction's approaches, per vehicle that passed it; where it is largest.",
        HCM,
    ),
    Measure("delay_p95_s", "95th percentile of delay", "s", "One vehicle in twenty had more.", ACCOUNTING),
    Measure(
        "wait_max_s",
        "Longest wait",
        "s",
        "Largest time that one vehicle stood, including its wait to enter.",
        f"{SUMO}: waitingTime + departDelay",
    ),
    Measure(
        "starve_max_s",
        "Longest starvation",
        "s",
        "Longest time that a movement with a waiting vehicle, or a crossing with a waiting person, had no green at a "
        "controlled signal.",
        ACCOUNTING,
    ),
    Measure(
        "bicycle_delay_s",
        "Bicycles' delay",
        "s per bicycle",
        "Mean delay of those of the window's vehicles that are bicycles; they are in the mean of all vehicles too. "
        "Empty where there are none.",
        f"{SUMO}: timeLoss + departDelay of vClass bicycle",
    ),
    Measure(
        "person_delay_s",
        "Persons' delay",
        "s per person",
        "Mean over every person scheduled in the counted window of the time that the walks took beyond their length at "
        "the person's own speed. It holds waiting at signals, and also giving way to others and swaying, which takes "
        "about a tenth of the time walked, and more where a sidewalk is crowded. Rides do not count. A walk that was "
        "not over at the end of the drain counts with the time stood, the least lost. Empty where nobody walks.",
        f"{SUMO}: personinfo, timeLoss of walks",
    ),
    Measure(
        "person_wait_s",
        "Persons' wait at crossings",
        "s per person",
        "Mean over the same persons of the time that each stood before crossings of controlled signals that were not "
        "green, all of them together, sampled every 5 s. Empty where nobody walks.",
        ACCOUNTING,
    ),
    Measure(
        "person_wait_max_s",
        "Longest wait at a crossing",
        "s",
        "Longest time that one of these persons stood before a crossing of a controlled signal and had no green, seen "
        "every 5 s. Empty where nobody walks.",
        ACCOUNTING,
    ),
    Measure("persons", "Persons", "persons", "Persons whose departure falls in the counted window.", ACCOUNTING),
    Measure(
        "vehicles_controlled_share",
        "Vehicles under control",
        "share of passages",
        "Of all times that the window's vehicles are to pass a signal, the share at signals that were controlled; "
        "the others kept their own plan.",
        ACCOUNTING,
    ),
    Measure(
        "throughput_veh_per_h",
        "Throughput",
        "veh/h",
        "Vehicles scheduled in the counted window that ended their trip in it, per hour. Demand bounds it while "
        "nearly all get through.",
        f"{FHWA}: volume served",
    ),
    Measure("scheduled", "Scheduled", "veh", "Vehicles whose departure falls in the counted window.", ACCOUNTING),
    Measure("completed", "Completed", "veh", "Those of them that arrived before the window ended.", FHWA),
    Measure(
        "inside",
        "Inside",
        "veh",
        "Those that had entered and were still on the road when the window ended.",
        ACCOUNTING,
    ),
    Measure("never_entered", "Never entered", "veh", "Those still waiting to enter when the window ended.", ACCOUNTING),
    Measure("served", "Served", "%", "Completed of scheduled.", FHWA),
    Measure(
        "clear_time_s",
        "Time to clear",
        "s",
        "From the window's start until its last vehicle is out; until the end of the drain where one is not.",
        f"{FHWA}: time to process equivalent volume",
    ),
    Measure("stops_per_veh", "Stops", "per vehicle", "How often a vehicle came to a stand.", SUMO),
    Measure(
        "queue_mean_veh",
        "Mean queue",
        "veh",
        "Time that the window's vehicles stood, divided by the window's length: how many stood at a time.",
        ACCOUNTING,
    ),
    Measure(
        "co2_kg",
        "CO2",
        "kg",
        "Carbon dioxide of the window's vehicles over their whole trips.",
        "SUMO emission model (HBEFA4)",
    ),
    Measure(
        "gridlock",
        "Gridlock",
        "share of draws",
        "More than 5 % of the window's vehicles were not out when the drain ended, one hour after the window. "
        "These draws stay in every mean with what they had accrued.",
        ACCOUNTING,
    ),
)


def level_of_service(delay_per_signal_s: float) -> str:
    """HCM letter for a mean delay per signal; '' where there is none to judge."""
    if math.isnan(delay_per_signal_s):
        return ""
    return next((letter for letter, limit_s in LOS_LIMITS_S if delay_per_signal_s <= limit_s), "F")
