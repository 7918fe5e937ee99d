"""What a detector should have seen, by those that see the same traffic, and where its count leaves that for good.

As in Chen, Kwon, Rice, Skabardonis and Varaiya (2003) a detector is judged by its neighbours. Who they are is told by
the data: those whose changes from period to period go with its own; where nobody's do, all of the group.
"""

from dataclasses import dataclass

import numpy as np

from signals.values import Floats

NEIGHBOURS, CORRELATION, DAYS_FOR_A_PROFILE = 3, 0.5, 5
WINDOWS, LEAST_VEH, LEAST_S = 240, 30.0, 1800.0
RATIO, CLEAR, LEAST_SCATTER = 1.18, 12.0, 0.15
FROM_THE_START = 0.4  # of two parts, the later one is taken for the faulty one unless the first is much the shorter
DAY_S, HOUR_S = 86_400.0, 3600.0


@dataclass(frozen=True)
class Shift:
    """From `first` to `last` (places on the grid) a detector counted `ratio` times what it did else.

    `gain` is its log-likelihood ratio; `clear` where that is much, and beyond chance.
    """

    first: int
    last: int
    ratio: float
    gain: float
    clear: bool


def related(volume_veh: Floats) -> list[np.ndarray]:
    """For each column those that go with it, the closest first; empty where nobody does."""
    changes = np.diff(np.sqrt(np.clip(volume_veh, 0.0, None)), axis=0)
    known = np.isfinite(changes)
    centred = np.where(known, changes - np.nanmean(np.where(known.any(axis=0), changes, 0.0), axis=0), 0.0)
    size = np.sqrt((centred**2).sum(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        together = np.nan_to_num(centred.T @ centred / np.outer(size, size))
    np.fill_diagonal(together, 0.0)
    order = np.argsort(-together, axis=1)[:, :NEIGHBOURS]
    return [own[together[place, own] >= CORRELATION] for place, own in enumerate(order)]


def expected(volume_veh: Floats, place: int, neighbours: np.ndarray) -> Floats:
    """Median of the neighbours' volumes, each in multiples of its own mean; the scale is still open.

    The means are of the periods of which all are known, so that it makes no step where one drops out.
    """
    others = neighbours if len(neighbours) >= 2 else np.delete(np.arange(volume_veh.shape[1]), place)
    others = others[np.isfinite(volume_veh[:, others]).any(axis=0)]
    seen = volume_veh[:, others]
    common = np.isfinite(seen).all(axis=1)
    means = seen[common].mean(axis=0) if common.any() else np.nanmean(seen, axis=0)
    middle, known = np.full(len(volume_veh), np.nan), np.isfinite(seen).any(axis=1) & bool((means > 0).any())
    if known.any():
        middle[known] = np.nanmedian(seen[known][:, means > 0] / means[means > 0], axis=1)
    return middle


def by_hour(volume_veh: Floats, reference: Floats, begin_s: Floats, learn: np.ndarray) -> Floats:
    """The reference with this detector's own share at that hour of the day, where there are days enough to know it.

    Saturdays and Sundays have their own; 1970 began on a Thursday. `learn` are the periods to learn it from.
    """
    if not has_days(begin_s):
        return reference
    known = learn & np.isfinite(volume_veh) & np.isfinite(reference)
    weekend = (begin_s // DAY_S).astype(int) % 7 // 2 == 1
    hours = (begin_s % DAY_S // HOUR_S).astype(int) + 24 * weekend
    own = np.bincount(hours[known], volume_veh[known], 48)
    others = np.bincount(hours[known], reference[known], 48)
    return reference * ((own + 1e-3) / (others + 1e-3))[hours]


def has_days(begin_s: Floats) -> bool:
    return float(np.ptp(begin_s)) >= DAYS_FOR_A_PROFILE * DAY_S


def shift(volume_veh: Floats, reference: Floats, period_s: float, begin_s: Floats) -> Shift | None:
    """The span in which the ratio to the reference differs most clearly: a likelihood ratio of Poisson counts.

    It is divided by the scatter that the detector has anyway, so that an uneven detector is not blamed for it and a
    pair that sees the same vehicles is judged sharply. Where there are days enough, days are compared, as within one
    traffic shifts for other reasons; the hours' shares are then learned again without the span.
    """
    usual = by_hour(volume_veh, reference, begin_s, np.ones(len(begin_s), bool))
    found = _shift(volume_veh, usual, period_s, begin_s)
    if found is not None and has_days(begin_s):
        places = np.arange(len(begin_s))
        outside = (places < found.first) | (places >= found.last)
        again = _shift(volume_veh, by_hour(volume_veh, reference, begin_s, outside), period_s, begin_s)
        found = again or found
    return found if found and found.clear else None


def _shift(volume_veh: Floats, reference: Floats, period_s: float, begin_s: Floats) -> Shift | None:
    known = np.isfinite(volume_veh) & np.isfinite(reference)
    least_s = DAY_S if has_days(begin_s) else LEAST_S
    step = int(DAY_S // period_s) if has_days(begin_s) else max(1, int(np.ceil(len(known) / WINDOWS)))
    starts = np.arange(0, len(known), step)
    seen = np.add.reduceat(np.where(known, volume_veh, 0.0), starts)
    meant = np.add.reduceat(np.where(known, reference, 0.0), starts)
    if seen.sum() < 2 * LEAST_VEH or meant.sum() <= 0:
        return None
    meant = meant * seen.sum() / meant.sum()
    first, last, gain = _best_span(seen, meant, int(np.ceil(least_s / (period_s * step))))
    if gain <= 0:
        return None
    inside = np.zeros(len(seen), bool)
    inside[first:last] = True
    rates = [seen[part].sum() / meant[part].sum() for part in (inside, ~inside)]
    fitted = np.maximum(meant * np.where(inside, *rates), 1e-9)
    scatter = float(np.mean((seen - fitted) ** 2 / np.maximum(fitted, 1.0)))
    ratio = max(rates[0], 1e-9) / max(rates[1], 1e-9)
    share = (last - first) / len(seen)
    if first == 0 and share >= FROM_THE_START:
        first, last, ratio = last, len(seen), 1 / ratio
    elif last == len(seen) and share > 1 - FROM_THE_START:
        first, last, ratio = 0, first, 1 / ratio
    clear = not 1 / RATIO < ratio < RATIO and gain / max(LEAST_SCATTER, scatter) >= CLEAR
    return Shift(int(first * step), int(min(last * step, len(known))), float(ratio), gain, clear)


def _best_span(seen: Floats, meant: Floats, least: int) -> tuple[int, int, float]:
    """The most telling span and the gain in log-likelihood that a rate of its own brings."""
    x, m = np.append(0.0, np.cumsum(seen)), np.append(0.0, np.cumsum(meant))
    x1, m1 = x[None, :] - x[:, None], m[None, :] - m[:, None]
    x2, m2 = x[-1] - x1, m[-1] - m1
    place = np.arange(len(x))
    allowed = (place[None, :] - place[:, None] >= least) & (m1 >= LEAST_VEH) & (m2 >= LEAST_VEH)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.where(x1 > 0, x1 * np.log(x1 / m1), 0.0) + np.where(x2 > 0, x2 * np.log(x2 / m2), 0.0)
    gain = np.where(allowed, gain - x[-1] * np.log(x[-1] / m[-1]), -1.0)
    best = int(np.argmax(gain))
    first, last = np.unravel_index(best, gain.shape)
    return int(first), int(last), float(gain[first, last])
