"""`NtcipCabinet`: an NTCIP 1202 cabinet as a plant. It writes only between `engage` and `release`, by its level.

The cabinet runs free (systemPatternControl = 254) while we hold or call; its yellows, clearances, minimum greens and
pedestrians are its own. It goes back to its own plan when its backup timer runs out, whatever becomes of us.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from field.cabinet import CabinetStatus, Commander, Finding, Level, Write
from field.ntcip import objects
from field.ntcip.detectors import Detectors
from field.ntcip.limits import limits_of
from field.ntcip.masks import Masks, Seen
from field.ntcip.patterns import PatternChoice
from field.ntcip.poller import Poller
from field.ntcip.preflight import findings
from field.ntcip.probe import Asking, members, probe
from field.ntcip.stages import Lamps, Stages
from field.ntcip.status import BACKUP, SYSTEM_CONTROL, Raw, StatusReader, hands_off, lockout
from field.ntcip.transport import SnmpTransport, UdpTransport
from field.ntcip.writer import Writer
from field.site import Site
from signals.errors import PlantError
from signals.layout import Layout
from signals.values import TRANSITION, Command, Mode, Snapshot

UP_TIME_WRAP = 2**32
WRAPS_WITHIN = 100 * 3600
REST_S = 15.0
"""Longer than an interstage: who shows no stage for so long rests in red, or in phases of no stage."""
FREE_LEVELS = (Level.CALLS, Level.HOLD)


class NtcipCabinet:
    """One cabinet of one junction. Connecting probes it. Raises `PlantError`, `ConfigError`.

    now: the street's time in s, which goes `speed` times as fast as ours; utc: seconds since 1970, to compare its clock
    with. connect: makes a transport, one for the decisions and one for the detectors.
    """

    def __init__(
        self,
        site: Site,
        place: Layout,
        now: Callable[[], float],
        speed: float = 1.0,
        utc: Callable[[], float] | None = None,
        connect: Callable[[], SnmpTransport] | None = None,
    ) -> None:
        settings, (intersection,) = site.cabinet, place.intersections
        self.layout, self.level, self._site = place, site.level, site
        self._now, self._utc = now, utc
        connect = connect or (lambda: UdpTransport(settings.host, settings.port, settings.snmp))
        name = f"{settings.host}:{settings.port}"
        self._stages = Stages(intersection, settings.phases)
        self._transport = connect()
        try:
            asking = Asking(self._transport, name)
            self._asking, self._probed = asking, probe(asking)
            self._reader = StatusReader(asking, self._probed, self._stages.pedestrians)
            self._writer = Writer(self._transport, asking, self._probed, now)
            watching = connect()
        except BaseException:
            self._transport.close()
            raise
        loops = [loop for _, loop in self.layout.loops]
        detectors = Detectors(Asking(watching, name), self._probed, loops, settings.detectors)
        self._poller = Poller(detectors, watching, now, settings.actuation_polls_per_s, speed)
        self._masks = Masks(site.level, self._probed.phases, limits_of(site, self._stages, self._probed))
        self._patterns = PatternChoice(site.patterns, [s.name for s in intersection.stages])
        self._engaged = self._standing_down = self._rebooted = False
        self._expires_s = np.inf
        self._offset_s: float | None = None
        self._raw: Raw | None = None
        self._read_s, self._lamps = now(), Lamps(0, 0, 0)
        self._last_stage, self._stage_seen_s = TRANSITION, now()
        self._asked: int | None = None
        self._status: CabinetStatus | None = None

    def preflight(self) -> tuple[Finding, ...]:
        """Look it over, reading only."""
        self._probed = probe(self._asking)
        raw = StatusReader(self._asking, self._probed, self._stages.pedestrians).read()
        return findings(self._asking, self._site, self._stages, self._probed, raw, self._clock_offset(raw))

    def read(self) -> Snapshot:
        """Lamps, detectors and state as they are now. Raises `PlantError` also where ours is not in force any more."""
        raw = self._reader.read()
        if self._conflict(raw):
            raw = self._reader.read()  # lamps are told one after another: a change between two looks like a conflict
        self._read_s = now_s = self._now()
        self._lamps = lamps = raw.lamps(self._stages.pedestrians)
        stage = self._stages.confirmed(lamps)
        if stage != TRANSITION:
            self._last_stage, self._stage_seen_s = stage, now_s
        self._rebooted = self._has_rebooted(raw)
        self._raw = raw
        self._status = self._status_of(raw)
        if now_s > self._expires_s and self._in_force():
            self._stand_down()
        self._writer.had_effect(self._masks.follow(self._seen()))
        seen = self._poller.take()
        aspects = self._stages.aspects(lamps, stage, self._last_stage)
        return Snapshot(
            now_s,
            seen.volume_veh,
            seen.occupancy,
            seen.presence,
            seen.healthy,
            np.array([stage]),
            aspects[None],
            np.array([self._standing_down or not self._in_force()]),
            self._calls(raw)[None],
        )

    def look(self) -> None:
        """One more look at the detectors before the next `read`, for a site that polls by no thread."""
        self._poller.poll()

    def _conflict(self, raw: Raw) -> str:
        return self._stages.green_conflict(raw.lamps(self._stages.pedestrians))

    def _seen(self) -> Seen:
        raw = self._last_raw()
        return Seen.of(self._read_s, raw, self._lamps.greens)

    def _last_raw(self) -> Raw:
        if self._raw is None:
            raise RuntimeError("nothing was read yet: read comes first")
        return self._raw

    def _in_force(self) -> bool:
        """By the last reading: backup, another central or a mask that is gone end it."""
        return self._engaged and self._status is not None and self._status.command == Commander.OURS

    def _calls(self, raw: Raw) -> np.ndarray:
        """Latched calls of crossings: those that the cabinet has for their phases."""
        calls = raw.masks.get(objects.PED_CALLS, 0) | raw.masks.get(objects.VEH_CALLS, 0) & self._stages.pedestrians
        kinds = [g.kind for g in self._stages.intersection.signal_groups]
        return np.array(
            [bool(calls & bit) and kind != "vehicle" for bit, kind in zip(self._stages.heads, kinds, strict=True)]
        )

    def _has_rebooted(self, raw: Raw) -> bool:
        """Its up-time has gone back, and not because it wrapped."""
        if self._raw is None:
            return False
        before, now = (r.units.get(objects.SYS_UP_TIME, 0) for r in (self._raw, raw))
        return now < before < UP_TIME_WRAP - WRAPS_WITHIN

    def _status_of(self, raw: Raw) -> CabinetStatus:
        return CabinetStatus(
            time_s=self._read_s,
            command=self._commander(raw),
            hands_off=hands_off(raw),
            lockout=lockout(raw, self._conflict(raw)),
            rebooted=self._rebooted,
            backup_time_s=float(raw.units[objects.UNIT_BACKUP_TIME]),
            written=self._words(),
            clock_offset_s=self._clock_offset(raw),
        )

    def _clock_offset(self, raw: Raw) -> float | None:
        """As of the last time that its clock was read."""
        told = raw.units.get(objects.GLOBAL_TIME)
        if raw.whole and told is not None and self._utc is not None:
            self._offset_s = told - self._utc()
        return self._offset_s

    def _commander(self, raw: Raw) -> Commander:
        """Who is in force, by what is read back rather than by unitControlStatus alone."""
        pattern = raw.units[objects.SYSTEM_PATTERN_CONTROL]
        masks = {what: raw.masks.get(what, 0) for what in (objects.PHASE_OMIT, objects.HOLD, objects.VEH_CALL)}
        control = raw.units[objects.UNIT_CONTROL_STATUS]
        if control == BACKUP:
            return Commander.BACKUP
        if not self._engaged:
            foreign = pattern not in (objects.STANDBY, self._site.release_pattern) or any(masks.values())
            return Commander.OTHER if foreign else Commander.LOCAL
        ours = {what: self._writer.masks.get(what, 0) for what in masks}
        wanted = self._writer.pattern_in_force
        if pattern not in (wanted, objects.STANDBY) or any(masks[w] & ~ours[w] for w in masks):
            return Commander.OTHER
        if pattern != wanted or masks != ours:
            return Commander.LOCAL
        free = raw.units[objects.COORD_PATTERN_STATUS] == objects.FREE
        in_force = free if self.level in FREE_LEVELS else control == SYSTEM_CONTROL
        return Commander.OURS if in_force or pattern == objects.STANDBY else Commander.LOCAL

    def _words(self) -> str:
        masks = {w.name.removeprefix("phaseControlGroup"): m for w, m in self._writer.masks.items() if m}
        parts = [f"{name} {' '.join(map(str, members(mask)))}" for name, mask in masks.items()]
        if self._engaged:
            parts.insert(0, f"pattern {self._writer.pattern_in_force}")
        return ", ".join(parts)

    def engage(self) -> None:
        """Zero masks first, which arms the backup timer, then free running. Raises `PlantError`, having let go."""
        if self.level == Level.SHADOW:
            raise PlantError(f"site {self._site.name}: level = shadow, must be pattern, calls or hold to engage")
        self._masks.clear()
        self._patterns.clear()
        self._engaged, self._standing_down, self._asked, self._expires_s = True, False, None, np.inf
        try:
            self._writer.set_masks(dict.fromkeys(objects.MASKS, 0), again=True)
            self._writer.set_pattern(self._engaged_pattern(), again=True)
        except PlantError:
            self.release()
            raise

    def _engaged_pattern(self) -> int:
        return objects.FREE if self.level in FREE_LEVELS else self._patterns.called

    def apply(self, command: Command) -> None:
        """Ask for the stage, by the level's means; nothing before `engage`, after `release`, or once it is lost."""
        if not self._in_force():
            return
        mode, stage = int(command.mode[0]), int(command.stage[0])
        self._expires_s = command.expires_s
        if mode == Mode.RELEASE or self._read_s > command.expires_s:
            self._stand_down()
        elif mode == Mode.GO:
            self._ask(stage)
        else:
            self._keep()

    def _ask(self, stage: int) -> None:
        self._asked = stage
        if self._standing_down:
            self._standing_down = False
            self._masks.clear()
        if self.level == Level.PATTERN:
            self._writer.set_pattern(self._patterns.update(self._read_s, stage))
            return
        wanted = self._masks.want(self._stages.stages[stage], self._seen())
        self._writer.set_pattern(objects.FREE)
        self._writer.set_masks(wanted)

    def _keep(self) -> None:
        """What was asked last, until it is there. Whoever rests in no stage at all is asked for the last one."""
        if self._standing_down:
            return
        if self._asked is None and self._read_s - self._stage_seen_s > REST_S:
            self._asked = max(self._last_stage, 0)
        if self._asked is not None:
            self._ask(self._asked)

    def _stand_down(self) -> None:
        """The cabinet's own plan, while we stay: nothing of ours but the standby is in force."""
        if not self._standing_down:
            self._standing_down, self._asked = True, None
            self._masks.clear()
            self._writer.set_masks(dict.fromkeys(objects.MASKS, 0))
            self._writer.set_pattern(self._site.release_pattern)

    def renew(self) -> None:
        """Set again what is in force; what is lost is not taken back."""
        if self._in_force():
            self._writer.renew()

    def release(self) -> bool:
        """Zeros and the release pattern, once, then no write; the cabinet's timer does the rest if they are lost."""
        if not self._engaged:
            return True
        self._engaged = False
        self._masks.clear()
        return self._writer.clear(self._site.release_pattern)

    def status(self) -> CabinetStatus:
        """What came with the last `read`."""
        if self._status is None:
            raise RuntimeError("nothing was read yet: read comes first")
        return self._status

    def writes(self) -> tuple[Write, ...]:
        """What was set since this was last asked; a force-off comes again, confirmed, once its phase has left green."""
        return self._writer.taken()

    def close(self) -> None:
        """Let the sockets go. What is in force stays until it is released, or the backup timer runs out."""
        self._poller.close()
        self._transport.close()
