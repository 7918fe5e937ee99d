"""The interlock: what must never happen, judged from what is read back.

What may live here: rules, each a pure function with its source, timers, and the stage last granted. What may not: any
choice of a stage, any estimate of traffic, any trust in what was asked for, and any import of `signals.sequencer` or
`signals.controllers`. It is a second opinion beside the cabinet's own conflict monitor, never in its place. Its limits
are in `signals.limits`, what it watches in `signals.watch`; nobody else uses these two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from math import inf, isfinite
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from signals.errors import ConfigError
from signals.layout import Layout
from signals.limits import Limits, heads_in, limits_of, milliseconds
from signals.values import TRANSITION, Command, Decision, Mode, Snapshot
from signals.watch import Clock, Heads, Reading, Waits, fits

HOLD, GO, RELEASE = int(Mode.HOLD), int(Mode.GO), int(Mode.RELEASE)
LIFETIME_S = 10.0
"""How long a command lives: three losses of a heartbeat of 3 s (NTCIP 1202 unitBackupTime, 10 to 30 s is usual)."""
UNREADABLE = b"\xff"
"""In place of a head's aspect that is no aspect at all."""


class Awaited(Enum):
    """In place of the stage last granted: none is awaited, or local control is."""

    NOTHING = "nothing"
    LOCAL = "local control"


class Wish(NamedTuple):
    """What is asked of one junction, beside what it showed; granted: the stage last granted, while it is awaited."""

    mode: int | None
    stage: int
    granted: int | Awaited
    steady: bool
    now_ms: int
    reading: Reading


View = TypeVar("View")


class Rule(NamedTuple, Generic[View]):
    """`source` says who demands it."""

    wording: str
    source: str
    broken: Callable[[View, Limits], bool]


def prohibited_together(reading: Reading, limits: Limits) -> bool:
    """Two heads are green that must not be green together in the stage that stands."""
    foes, green = limits.foes[reading.stage], reading.shown.green
    return any(foes[head] & green for head in heads_in(reading.fresh))


def too_much_way(reading: Reading, limits: Limits) -> bool:
    """A head is protected where its stage has it yield, or may turn on red where its stage has it wait."""
    if reading.stage == TRANSITION:
        return False
    stage, shown = limits.shows[reading.stage], reading.shown
    return bool(shown.protected & stage.green & ~stage.protected | shown.turning & ~stage.turning & ~stage.green)


def short_yellow(reading: Reading, limits: Limits) -> bool:
    """A head went from green to red in less than its yellow change."""
    for head in heads_in(reading.closed):
        if reading.most_ms - reading.green_until_ms[head] < limits.yellow_change_ms[head]:
            return True
    return False


def short_clearance(reading: Reading, limits: Limits) -> bool:
    """A head turned green before the yellow change and red clearance of a foe were over."""
    foes, yellow = limits.foes[reading.stage], reading.shown.yellow
    for head in heads_in(reading.opened):
        for foe in heads_in(foes[head]):
            if yellow >> foe & 1 or reading.most_ms - reading.green_until_ms[foe] < limits.clearance_ms[foe]:
                return True
    return False


def unknown_mode(wish: Wish, _: Limits) -> bool:
    """The mode is none of hold, go, release."""
    return wish.mode != GO


def unknown_stage(wish: Wish, limits: Limits) -> bool:
    """The junction has no stage of that number."""
    return not 0 <= wish.stage < len(limits.shows)


def unsteady_clock(wish: Wish, _: Limits) -> bool:
    """The plant's time stood, went back, or leapt further than a command lives."""
    return not wish.steady


def lost_reading(wish: Wish, _: Limits) -> bool:
    """A head or the stage cannot be read."""
    return wish.reading.lost


def change_of_mind(wish: Wish, _: Limits) -> bool:
    """No stage stands, or what was granted is not confirmed, and another stage is asked for."""
    return wish.stage != wish.granted and (wish.reading.stage == TRANSITION or wish.granted != Awaited.NOTHING)


def short_green(wish: Wish, limits: Limits) -> bool:
    """A head would lose its green, or its protection, before its minimum green."""
    minimum_ms, turned_ms = limits.minimum_green_ms, wish.reading.turned_ms
    return any(wish.now_ms - turned_ms[head] < minimum_ms[head] for head in heads_in(_losing(wish, limits)))


def foe_clearing(wish: Wish, limits: Limits) -> bool:
    """A head might turn green, or has just done so, while a foe clears that has ended: a crossing's clearance is long.

    It turns green no sooner than the foes are cleared that lose their green to it, at once where there are none.
    """
    losing, green, turned_ms = _losing(wish, limits), wish.reading.shown.green, wish.reading.turned_ms
    for head in heads_in(limits.shows[wish.stage].green):
        is_green, foes = green >> head & 1, limits.foes[wish.stage][head]
        if is_green and turned_ms[head] < wish.now_ms:
            continue
        after_ms = 0 if is_green else max((limits.clearance_ms[foe] for foe in heads_in(foes & losing)), default=0)
        for foe in heads_in(foes):
            ended_ms = wish.now_ms if green >> foe & 1 else turned_ms[foe]
            if wish.now_ms + after_ms - ended_ms < limits.clearance_ms[foe]:
                return True
    return False


def _losing(wish: Wish, limits: Limits) -> int:
    stage, shown = limits.shows[wish.stage], wish.reading.shown
    return shown.green & ~stage.green | shown.protected & ~stage.protected


TRIPS: tuple[Rule[Reading], ...] = (
    Rule(
        "tripped: prohibited heads green together",
        "MUTCD 2009 4D.05; conflict monitoring of NEMA TS 2; NTCIP 1202 phaseConcurrency",
        prohibited_together,
    ),
    Rule("tripped: right of way that the stage does not give", "MUTCD 2009 4D.05, 4D.17 to 4D.25", too_much_way),
    Rule("tripped: short yellow change", "MUTCD 2009 4D.26; NTCIP 1202 phaseYellowChange", short_yellow),
    Rule("tripped: short clearance of a foe", "MUTCD 2009 4D.26; NTCIP 1202 phaseRedClear", short_clearance),
)
"""Judged on what is read back; each releases its junction until a person acknowledges."""

REFUSALS: tuple[Rule[Wish], ...] = (
    Rule("unknown mode", "signals.values.Mode has hold, go, release", unknown_mode),
    Rule("unknown stage", "the timing sheet's stages; NTCIP 1202 phaseEnabled", unknown_stage),
    Rule("the clock is not steady", "a timer is worth what was seen of it", unsteady_clock),
    Rule("the read-back is lost", "a command needs the state that it changes", lost_reading),
    Rule("what was granted is awaited", "NTCIP 1202 phaseStatusGroupPhaseNexts is latched", change_of_mind),
)
"""Judged on every wish but hold and release; each holds. Local control is always granted."""

CHANGES: tuple[Rule[Wish], ...] = (
    Rule("minimum green", "STM 2nd ed. (NCHRP 812) ch. 6; NTCIP 1202 phaseMinimumGreen", short_green),
    Rule("a foe's clearance", "MUTCD 2009 4D.26; NTCIP 1202 phaseRedClear", foe_clearing),
)
"""Judged on a wish for another stage than the one that stands; each holds."""

STARVED = "released: a head has waited for the maximum red"
UNREAD = "released: the read-back is lost for too long"
WORDING = (
    "granted",
    *(rule.wording for rule in TRIPS),
    *(rule.wording for rule in REFUSALS),
    *(rule.wording for rule in CHANGES),
    STARVED,
    UNREAD,
)
CODE = {wording: code for code, wording in enumerate(WORDING)}


def first_broken(rules: Sequence[Rule[View]], view: View, limits: Limits) -> int:
    """The first rule that is broken, as its place in `WORDING`; 0 where none is."""
    for rule in rules:
        if rule.broken(view, limits):
            return CODE[rule.wording]
    return 0


class Answer(NamedTuple):
    """What a junction is told; it stands for as long as the junction shows, and is asked, the same."""

    mode: int
    stage: int
    refusal: int
    stands: bool


class Junction:
    """What is remembered of one junction: its heads, what was granted, and what keeps it from being controlled."""

    def __init__(self, limits: Limits, lifetime_ms: int, lost_ms: int, release_ms: int) -> None:
        self.limits = limits
        self._lifetime_ms, self._lost_ms, self._release_ms = lifetime_ms, lost_ms, release_ms
        self._heads = Heads(limits)
        self._granted: int | Awaited = Awaited.NOTHING
        self._granted_ms: int
        self._trip = 0
        self._tripped_s: float
        self._lost_since_ms, self._released_until_ms = inf, -inf

    def look(self, aspects: bytes, stage: int, local: bool, clock: Clock, steady: bool, time_s: float) -> int:
        """Take what it shows, and trip if that must not be. Under its own plan a junction is watched, not judged."""
        reading = self._reading = self._heads.update(aspects[: self.limits.heads], stage, local, clock, steady)
        trip = first_broken(TRIPS, reading, self.limits)
        if trip and not (reading.local or self._trip):
            self._trip, self._tripped_s = trip, time_s
        self._lost_since_ms = min(self._lost_since_ms, clock.least_ms) if reading.lost else inf
        return reading.shown.green

    def judge(self, mode: int | None, stage: int, steady: bool, now_ms: int) -> Answer:
        """What was granted, and is asked again of the same street, stays granted; what was refused is judged anew."""
        self._forget(now_ms)
        refused = 0 if mode in (HOLD, RELEASE) else self._refusal(mode, stage, steady, now_ms)
        forced = self._forced(now_ms)
        stands = not (forced or refused or self._reading.lost)
        if forced:
            answer = Answer(RELEASE, TRANSITION, 0 if mode == RELEASE else forced, stands)
        elif refused:
            answer = Answer(HOLD, TRANSITION, refused, stands)
        elif mode == GO:
            answer = Answer(GO, stage, 0, stands)
        else:
            answer = Answer(HOLD if mode == HOLD else RELEASE, TRANSITION, 0, stands)
        self._await(answer.mode, answer.stage, now_ms)
        return answer

    def starve(self, now_ms: int) -> None:
        """A head has waited for too long: local control, which serves everybody, for a while."""
        if not self._reading.local:
            self._released_until_ms = now_ms + self._release_ms

    def acknowledge(self, time_s: float) -> None:
        """What tripped until then was seen to."""
        if self._trip and self._tripped_s <= time_s:
            self._trip = 0

    def forget(self) -> None:
        """What was granted was not passed on: nothing is awaited."""
        self._granted = Awaited.NOTHING

    def _refusal(self, mode: int | None, stage: int, steady: bool, now_ms: int) -> int:
        wish = Wish(mode, stage, self._granted, steady, now_ms, self._reading)
        refused = first_broken(REFUSALS, wish, self.limits)
        if refused or self._reading.stage in (stage, TRANSITION):
            return refused
        return first_broken(CHANGES, wish, self.limits)

    def _forced(self, now_ms: int) -> int:
        if self._trip:
            return self._trip
        if now_ms < self._released_until_ms:
            return CODE[STARVED]
        return CODE[UNREAD] if now_ms - self._lost_since_ms > self._lost_ms else 0

    def _await(self, mode: int, stage: int, now_ms: int) -> None:
        """Remember what is now to come about, and since when."""
        awaited = self._granted
        if mode == GO and stage != self._reading.stage:
            awaited = stage
        elif mode == RELEASE and not self._reading.local:
            awaited = Awaited.LOCAL
        if awaited != self._granted:
            self._granted, self._granted_ms = awaited, now_ms

    def _forget(self, now_ms: int) -> None:
        """What was granted is awaited until it is confirmed, or its command is dead and some stage stands."""
        reading = self._reading
        if self._granted == Awaited.NOTHING:
            return
        confirmed = reading.local if self._granted == Awaited.LOCAL else reading.stage == self._granted
        dead = reading.stage != TRANSITION and now_ms - self._granted_ms >= self._lifetime_ms
        if confirmed or dead:
            self._granted = Awaited.NOTHING


class Interlock:
    """Grants, holds or releases what is asked of some junctions.

    lifetime_s: how long a command lives, and the longest span between two readings that counts for a timer;
    maximum_red_s: for all junctions or one each; lost_s: unread for longer, a junction is released; release_s: for how
    long it is where a head was starved.
    """

    def __init__(
        self,
        layout: Layout,
        lifetime_s: float = LIFETIME_S,
        maximum_red_s: float | Sequence[float] = 240.0,
        lost_s: float = 10.0,
        release_s: float = 120.0,
    ) -> None:
        junctions, self._width = layout.has_head.shape
        maximum_s = list(maximum_red_s) if isinstance(maximum_red_s, Sequence) else [maximum_red_s] * junctions
        _check("lifetime_s", lifetime_s)
        _check("maximum_red_s", *maximum_s)
        _check("lost_s", lost_s)
        _check("release_s", release_s)
        self._lifetime_s, self._time_s = lifetime_s, -inf
        self._clock = Clock(milliseconds(lifetime_s))
        self._junctions = [
            Junction(limits_of(i), milliseconds(lifetime_s), milliseconds(lost_s), milliseconds(release_s))
            for i in layout.intersections
        ]
        served = [junction.limits.served for junction in self._junctions]
        self._waits = Waits(layout, served, [milliseconds(s) for s in maximum_s])
        self._read: tuple[bytes, bytes, bytes] = b"", b"", b""
        self._shown: list[tuple[bytes, int, bool]] = []
        self._settled: list[tuple[int | None, int] | None] = [None] * junctions
        self._put({})

    def permit(self, snapshot: Snapshot, decision: Decision) -> Command:
        """The answer to every junction's wish."""
        steady = self._clock.advance(snapshot.time_s)
        if isfinite(snapshot.time_s):
            self._time_s = snapshot.time_s
        read = snapshot.aspects.tobytes(), snapshot.stage.tobytes(), snapshot.local.tobytes()
        if read != self._read or not steady:
            self._read = read
            self._look(snapshot, steady)
        now_ms = self._clock.least_ms
        for late in self._waits.update(snapshot, now_ms):
            self._junctions[late].starve(now_ms)
            self._settled[late] = None
        wishes = self._wishes(decision)
        if wishes != self._settled:
            self._judge(wishes, steady, now_ms)
        expires_s = self._time_s + self._lifetime_s
        return Command(snapshot.time_s, expires_s, self._mode, self._stage, self._refusal, WORDING)

    def acknowledge(self, time_s: float) -> None:
        """A person has seen to all that tripped until `time_s`; those junctions may be controlled again."""
        for junction in self._junctions:
            junction.acknowledge(time_s)

    def forget(self) -> None:
        """In shadow, or after a release: the last answer goes nowhere, so that the next follows what is read back."""
        for k, junction in enumerate(self._junctions):
            junction.forget()
            self._settled[k] = None

    def _look(self, snapshot: Snapshot, steady: bool) -> None:
        before, self._shown = self._shown, self._legible(snapshot)
        for k, shown in enumerate(self._shown):
            if not steady or not before or shown != before[k]:
                self._waits.turn(k, self._junctions[k].look(*shown, self._clock, steady, self._time_s))
                self._settled[k] = None

    def _judge(self, wishes: list[tuple[int | None, int]], steady: bool, now_ms: int) -> None:
        """Answer anew where something else is asked, or the answer does not stand."""
        answers = self._answers.copy()
        for k, wish in enumerate(wishes):
            if wish != self._settled[k]:
                answers[k] = self._junctions[k].judge(*wish, steady, now_ms)
                self._settled[k] = wish if answers[k].stands else None
        if answers != self._answers:
            self._put(answers)

    def _put(self, answers: dict[int, Answer]) -> None:
        """As arrays of their own, since a record may keep those before; in order, since at first all were answered."""
        self._answers = answers
        self._mode = np.array([answer.mode for answer in answers.values()], np.int8)
        self._stage = np.array([answer.stage for answer in answers.values()], np.int64)
        self._refusal = np.array([answer.refusal for answer in answers.values()], np.int64)

    def _legible(self, snapshot: Snapshot) -> list[tuple[bytes, int, bool]]:
        """Aspects, stage and local of each junction, or nothing of any where these arrays are not as they should be."""
        junctions, width, (image, _, _) = len(self._junctions), self._width, self._read
        if not (
            fits(snapshot.aspects, (junctions, width), "i")
            and len(image) == junctions * width
            and fits(snapshot.stage, (junctions,), "i")
            and fits(snapshot.local, (junctions,), "b")
        ):
            return [(UNREADABLE * width, TRANSITION, False)] * junctions
        stage, local = snapshot.stage.tolist(), snapshot.local.tolist()
        return [(image[k * width :][:width], stage[k], local[k]) for k in range(junctions)]

    def _wishes(self, decision: Decision) -> list[tuple[int | None, int]]:
        """Mode and stage asked of each junction; no mode where these arrays are not as they should be."""
        junctions = len(self._junctions)
        if fits(decision.mode, (junctions,), "i") and fits(decision.stage, (junctions,), "i"):
            return [*zip(decision.mode.tolist(), decision.stage.tolist(), strict=True)]
        return [(None, TRANSITION)] * junctions


def _check(name: str, *times_s: float) -> None:
    for time_s in times_s:
        if not 0 < time_s < inf:
            raise ConfigError(f"interlock: {name} = {time_s}, must be above 0 and finite")
