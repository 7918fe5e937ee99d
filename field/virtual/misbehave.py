"""What a cabinet, its street and its line may do that no central would like: at random, or when a test says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from field.virtual.answers import Answers
from field.virtual.machine import Machine
from field.virtual.wire import Wire
from signals.errors import ConfigError
from signals.intersection import Aspect

EVERY_S, LASTS_S = 90.0, 15.0
"""Mean time between two episodes, and the length of one, of the street's time."""
LATE_S = 0.6
CLOCK_STEPS_S = (-3600.0, -5.0, 5.0, 3600.0)
OTHER_CENTRAL = 254
WRONG_TYPES = {"integer": "gauge", "octet": "string"}


class BadAnswers:
    """Answers with faults."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.ignore_sets = False
        """A SET is acknowledged and nothing comes of it."""
        self.wrong_types = False
        """INTEGER comes as Gauge32."""

    def __call__(self, verb: str, arguments: list[str]) -> list[str]:
        """The lines of one answer."""
        if verb == "set" and self.ignore_sets:
            return ["DONE"]
        told = self._answers(verb, arguments)
        if self.wrong_types and len(told) == 3:
            told[1] = WRONG_TYPES.get(told[1], told[1])
        return told


@dataclass
class Peer:
    """All that can be spoilt."""

    machine: Machine
    answers: BadAnswers
    wire: Wire
    stuck: dict[int, bool] = field(default_factory=dict)
    """Detectors (by their place) that say this, whatever passes."""


Act = Callable[[Peer, np.random.Generator, bool], None]


def _silent(peer: Peer, _: np.random.Generator, begins: bool) -> None:
    peer.wire.silent = begins


def _deaf(peer: Peer, _: np.random.Generator, begins: bool) -> None:
    peer.wire.deaf = begins


def _late(peer: Peer, _: np.random.Generator, begins: bool) -> None:
    peer.wire.delay_s = LATE_S if begins else 0.0


def _twice(peer: Peer, _: np.random.Generator, begins: bool) -> None:
    peer.wire.twice = begins


def _too_big(peer: Peer, _: np.random.Generator, begins: bool) -> None:
    peer.wire.most_varbinds = 1  # as Econolite's do, and for good


def _ignored(peer: Peer, _: np.random.Generator, begins: bool) -> None:
    peer.answers.ignore_sets = begins


def _wrong_types(peer: Peer, _: np.random.Generator, begins: bool) -> None:
    peer.answers.wrong_types = begins


def _reboot(peer: Peer, _: np.random.Generator, begins: bool) -> None:
    if begins:
        peer.machine.power_up()


def _other_central(peer: Peer, _: np.random.Generator, begins: bool) -> None:
    peer.machine.set_pattern(OTHER_CENTRAL if begins else 0)
    peer.machine.set_control("hold", 1, 0xFF if begins else 0)


def _clock_step(peer: Peer, random: np.random.Generator, begins: bool) -> None:
    if begins:
        peer.machine.step_clock(float(random.choice(CLOCK_STEPS_S)))


def _stuck_detector(peer: Peer, random: np.random.Generator, begins: bool) -> None:
    peer.stuck.clear()
    if begins and peer.machine.detectors:
        peer.stuck[int(random.integers(len(peer.machine.detectors)))] = bool(random.integers(2))


def _preempt(peer: Peer, random: np.random.Generator, begins: bool) -> None:
    peer.machine.preempt_input = int(random.integers(len(peer.machine.tables.stages))) + 1 if begins else 0


def _mmu_flash(peer: Peer, _: np.random.Generator, begins: bool) -> None:
    """A load switch sticks in green; the monitor finds it; at the end somebody comes, mends and resets."""
    groups = sorted(peer.machine.tables.group_of)
    peer.machine.stuck_lamps = dict.fromkeys(groups, Aspect.GREEN) if begins else {}
    if not begins:
        peer.machine.reset_monitor()


def _flash(peer: Peer, _: np.random.Generator, begins: bool) -> None:
    peer.machine.flash_switch = begins


def _manual(peer: Peer, _: np.random.Generator, begins: bool) -> None:
    peer.machine.manual = begins


def _stop_time(peer: Peer, _: np.random.Generator, begins: bool) -> None:
    peer.machine.stop_time = begins


MISBEHAVIOURS: dict[str, Act] = {
    "silent": _silent,
    "deaf": _deaf,
    "late": _late,
    "twice": _twice,
    "too-big": _too_big,
    "ignored-sets": _ignored,
    "wrong-types": _wrong_types,
    "reboot": _reboot,
    "other-central": _other_central,
    "clock-step": _clock_step,
    "stuck-detector": _stuck_detector,
    "preempt": _preempt,
    "mmu-flash": _mmu_flash,
    "flash": _flash,
    "manual": _manual,
    "stop-time": _stop_time,
}


def check_names(names: Sequence[str]) -> None:
    """Raise `ConfigError` for a name that is not one of them."""
    for name in names:
        if name not in MISBEHAVIOURS:
            raise ConfigError(f"misbehave = {name}, must be one of {', '.join(MISBEHAVIOURS)}")


class Misbehaviour:
    """Episodes of what is named, one at a time each, by a seed; `too-big` is there from the start."""

    def __init__(self, names: Sequence[str], peer: Peer, seed: int, every_s: float = EVERY_S) -> None:
        check_names(names)
        self._peer, self._random = peer, np.random.default_rng(seed)
        self._names, self._every_s = tuple(dict.fromkeys(names)), every_s
        self._next_s: dict[str, float] = {}
        self._ends_s: dict[str, float] = {}

    def tick(self, time_s: float) -> list[str]:
        """Begin and end what is due; what it did, in words."""
        said = []
        for name in self._names:
            due_s = self._next_s.setdefault(name, time_s + float(self._random.exponential(self._every_s)))
            if name in self._ends_s and time_s >= self._ends_s[name]:
                del self._ends_s[name]
                self.act(name, False)
                said.append(f"{name} ends")
            elif name not in self._ends_s and time_s >= due_s:
                self._ends_s[name] = time_s + LASTS_S
                self._next_s[name] = time_s + LASTS_S + float(self._random.exponential(self._every_s))
                self.act(name, True)
                said.append(f"{name} begins")
        return said

    def act(self, name: str, begins: bool) -> None:
        """Begin or end one of them now."""
        MISBEHAVIOURS[name](self._peer, self._random, begins)
