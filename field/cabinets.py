"""Cabinets by protocol."""

from __future__ import annotations

from collections.abc import Callable

from field.cabinet import Cabinet
from field.site import Site
from signals.layout import Layout


def connect(
    site: Site,
    place: Layout,
    now: Callable[[], float],
    speed: float = 1.0,
    utc: Callable[[], float] | None = None,
) -> Cabinet:
    """The site's cabinet, looked over once. Raises `PlantError` where it does not answer, `ConfigError` by its secrets.

    now: the street's time in s, which goes `speed` times as fast as ours; utc: seconds since 1970, to compare its clock
    with.
    """
    from field.ntcip.cabinet import NtcipCabinet  # only a site that speaks it needs its library

    return NtcipCabinet(site, place, now, speed, utc)
