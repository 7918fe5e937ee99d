"""The unit's alarm octets (NTCIP 1202 v2, 2.4.8 to 2.4.10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from field.virtual.machine import FlashStatus, Machine


def alarm_1(m: Machine) -> int:
    """unitAlarmStatus1: cycle fault (coordinated) or fail (free), MMU flash, local flash, free or coordinated."""
    coordinated = m.coordinator.pattern is not None
    return _bits(
        {
            0: m.rings.cycle_fault and coordinated,
            3: m.rings.cycle_fault and not coordinated,
            4: m.flash == FlashStatus.MMU,
            5: m.flash == FlashStatus.LOCAL_MANUAL,
            6: not coordinated,
            7: coordinated,
        }
    )


def alarm_2(m: Machine) -> int:
    """unitAlarmStatus2: stop time, offset transition."""
    return _bits({4: m.stopped, 5: any(p.green and not m.coordinator.open(n) for n, p in m.phases.items())})


def short_alarm(m: Machine) -> int:
    """shortAlarmStatus: preempt, flash, local cycle zero, local override, coordination, detector fault, critical."""
    return _bits(
        {
            0: m.preempted > 0,
            1: m.flash != FlashStatus.NOT_FLASH,
            2: m.coordinator.pattern is not None and m.coordinator.position_s < 1,
            3: m.manual or m.coordinator.operational_mode != 0,
            4: m.rings.cycle_fault,
            5: any(d.fault for d in m.detectors),
            7: m.stopped,
        }
    )


def mask_of(numbers: Iterable[int]) -> int:
    """Phases as bits, n - 1 for phase n."""
    return sum(1 << (n - 1) for n in numbers)


def _bits(bits: Mapping[int, bool]) -> int:
    return sum(1 << bit for bit, on in bits.items() if on)
