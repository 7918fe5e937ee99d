"""Faults put into real detector data on purpose, one detector at a time, with the kind that ought to be found."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from reports.detectors.collect import Group, event_group
from reports.detectors.diagnosis import Health, diagnose
from reports.detectors.edges import OFF, ON, repair
from signals.values import Floats

SEED, SHARE, LOST = 20260101, 0.3, 0.2
STARTS_S, STUCK_S, SILENT_FROM_S, MISCOUNT_FROM_S = 2400.0, 1800.0, 4800.0, 3600.0
BUSY_VEH_PER_H, BUSY_VEH_PER_PERIOD, DAY_PERIODS = 150.0, 10.0, 96
Log = tuple[Floats, np.ndarray]  # times, codes
MISCOUNTS = ("over-counting", "under-counting", "count changed")


def _stuck_on(log: Log, start_s: float, _random: np.random.Generator) -> Log:
    """On from the first vehicle after a time, and not off again for half an hour."""
    times, codes = log
    first = float(times[(times >= start_s + STARTS_S) & (codes == ON)][0])
    keep = (times <= first) | (times > first + STUCK_S)
    return _sorted(np.append(times[keep], first + STUCK_S), np.append(codes[keep], OFF))


def _stuck_off(log: Log, start_s: float, _random: np.random.Generator) -> Log:
    times, codes = log
    before, after = times < start_s + STARTS_S, times >= start_s + STARTS_S + STUCK_S
    return _joined(_left_free(times[before], codes[before]), (times[after], codes[after]))


def _silent(log: Log, start_s: float, _random: np.random.Generator) -> Log:
    times, codes = log
    before = times < start_s + SILENT_FROM_S
    return _left_free(times[before], codes[before])


def _left_free(times: Floats, codes: np.ndarray) -> Log:
    """Without an on event at the end, as a detector that stays on is another fault."""
    end = len(times) - int(codes[-1] == ON)
    return times[:end], codes[:end]


def _joined(first: Log, second: Log) -> Log:
    return np.append(first[0], second[0]), np.append(first[1], second[1])


def _chatter(log: Log, start_s: float, random: np.random.Generator) -> Log:
    """Thirty times in the second half a burst of six actuations instead of one vehicle."""
    times, codes = log
    ons = times[(codes == ON) & (times > start_s + MISCOUNT_FROM_S)]
    chosen = random.choice(ons, min(30, len(ons)), replace=False)
    bursts = (chosen[:, None] + np.arange(1, 12) * 0.1).ravel()
    alternating = np.tile(np.where(np.arange(11) % 2, ON, OFF), len(chosen))
    return _sorted(np.append(times, bursts), np.append(codes, alternating))


def _under(log: Log, start_s: float, random: np.random.Generator) -> Log:
    """Three in ten vehicles of the second half are not seen at all."""
    times, codes = log
    missed = (codes == ON) & (times > start_s + MISCOUNT_FROM_S) & (random.random(len(times)) < SHARE)
    return times[~(missed | _ends_of(missed))], codes[~(missed | _ends_of(missed))]


def _over(log: Log, start_s: float, random: np.random.Generator) -> Log:
    """Behind three in ten vehicles of the second half a second one that was not there."""
    times, codes = log
    ends = (codes == OFF) & (times > start_s + MISCOUNT_FROM_S) & (random.random(len(times)) < SHARE)
    extra = times[ends]
    added = np.append(extra + 0.4, extra + 0.7)
    return _sorted(np.append(times, added), np.append(codes, np.repeat([ON, OFF], len(extra))))


def _lost(log: Log, _start_s: float, random: np.random.Generator) -> Log:
    times, codes = log
    keep = (codes == ON) | (random.random(len(times)) >= LOST)
    return times[keep], codes[keep]


def _ends_of(missed: np.ndarray) -> np.ndarray:
    return np.append(False, missed[:-1])


def _sorted(times: Floats, codes: np.ndarray) -> Log:
    order = np.argsort(times, kind="stable")
    return times[order], codes[order]


EVENT_FAULTS: dict[str, tuple[Callable[[Log, float, np.random.Generator], Log], tuple[str, ...]]] = {
    "stuck on for 30 min": (_stuck_on, ("stuck on",)),
    "stuck off for 30 min": (_stuck_off, ("stuck off",)),
    "silent from 80 min on": (_silent, ("silent",)),
    "chatter, 30 bursts": (_chatter, ("chatter",)),
    "30 % missed in the second hour": (_under, MISCOUNTS),
    "30 % too many in the second hour": (_over, MISCOUNTS),
    "20 % of off events lost": (_lost, ("lost edges",)),
}


def plant_in_events(group: Group, logs: dict[str, Log], start_s: float, end_s: float) -> dict[str, tuple[int, int]]:
    """Per fault how many were planted, and how many found for what they are; only in detectors with traffic enough."""
    busy = [name for name, log in logs.items() if (log[1] == ON).sum() * 3600.0 / (end_s - start_s) >= BUSY_VEH_PER_H]
    found = {}
    for fault, (plant, kinds) in EVENT_FAULTS.items():
        hits = 0
        for name in busy:
            times, codes = plant(logs[name], start_s, np.random.default_rng([SEED, int(name)]))
            edges = group.edges | {name: repair(times, codes, start_s, end_s)}
            planted = event_group(edges, group.begin_s, group.faulty, [])
            hits += _named(diagnose(planted), name, kinds)
        found[fault] = (len(busy), hits)
    return found


def _named(healths: list[Health], name: str, kinds: tuple[str, ...]) -> bool:
    health = next(each for each in healths if each.detector == name)
    return any(reason.kind in kinds for reason in health.reasons)


def _last_days(volume_veh: Floats, begin: float, end: float = 0.0) -> np.ndarray:
    """From so many days before the last period until so many."""
    before = np.arange(len(volume_veh))[::-1]
    return (before < begin * DAY_PERIODS) & (before >= end * DAY_PERIODS)


def _counting(factor: float) -> Callable[[Floats], Floats]:
    """Off by a factor for the last three days."""
    return lambda volume_veh: np.where(_last_days(volume_veh, 3), np.round(volume_veh * factor), volume_veh)


COUNT_FAULTS: dict[str, tuple[Callable[[Floats], Floats], tuple[str, ...]]] = {
    "stuck off for a day": (lambda volume: np.where(_last_days(volume, 6, 5), 0.0, volume), ("stuck off",)),
    "no rows for the last two days": (lambda volume: np.where(_last_days(volume, 2), np.nan, volume), ("silent",)),
    "30 % missed for the last three days": (_counting(1 - SHARE), MISCOUNTS),
    "30 % too many for the last three days": (_counting(1 + SHARE), MISCOUNTS),
    "flat for six hours": (lambda volume: np.where(_last_days(volume, 6, 5.75), 33.0, volume), ("flat",)),
}


def plant_in_counts(group: Group) -> dict[str, tuple[int, int]]:
    """As in events; only in detectors that nothing is found in as they are."""
    clean = {health.detector for health in diagnose(group) if not health.reasons}
    used = np.nanmean(group.volume_veh, axis=0) >= BUSY_VEH_PER_PERIOD
    busy = [place for place, name in enumerate(group.names) if used[place] and name in clean]
    found = {}
    for fault, (plant, kinds) in COUNT_FAULTS.items():
        hits = 0
        for place in busy:
            volume = group.volume_veh.copy()
            volume[:, place] = plant(volume[:, place])
            hits += _named(diagnose(replace(group, volume_veh=volume)), group.names[place], kinds)
        found[fault] = (len(busy), hits)
    return found
