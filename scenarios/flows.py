"""SUMO's flows as the departures that they stand for, counted as SUMO counts them."""

import math

import numpy as np
from numpy.typing import NDArray

from signals.errors import ConfigError

RATE_KEYS = ("vehsPerHour", "perHour", "personsPerHour", "containersPerHour")
FLOW_KEYS = frozenset({"begin", "end", "number", "period", "probability", *RATE_KEYS})
RANDOM_FLOW_STREAM = 7_310_001  # key of the generator that random flows are expanded with, once for all draws


def parse_time_s(text: str, subject: str) -> float:
    """Seconds, or SUMO's [days:]hours:minutes:seconds."""
    parts = text.strip().split(":")
    try:
        weights = (86400.0, 3600.0, 60.0, 1.0)[-len(parts) :] if len(parts) in (1, 3, 4) else ()
        seconds = sum(weight * float(part) for weight, part in zip(weights, parts, strict=True))
        if math.isfinite(seconds):
            return seconds
    except ValueError:
        pass  # told below, with whatever else is no time
    raise ConfigError(f"{subject}: time = {text!r}, must be seconds or hh:mm:ss")


def flow_departures_s(
    flow: dict[str, str], subject: str, begin_s: float, end_s: float, stream: int
) -> NDArray[np.float64]:
    """All departures of one flow; one without an end lasts until `end_s`, a random one is drawn from its own stream."""
    begin = parse_time_s(flow["begin"], subject) if "begin" in flow else begin_s
    end = parse_time_s(flow["end"], subject) if "end" in flow else end_s
    random = np.random.Generator(np.random.Philox(key=[RANDOM_FLOW_STREAM, stream]))
    if "probability" in flow:
        return _bernoulli(begin, end, _number(flow, "probability", subject), random)
    period = flow.get("period", "")
    if period.startswith("exp("):
        return _poisson(begin, end, positive(period[4:].rstrip(")"), "period", subject), random)
    number = int(_number(flow, "number", subject)) if "number" in flow else None
    return _regular(begin, end, _period_s(flow, subject), number, subject)


def _period_s(flow: dict[str, str], subject: str) -> float | None:
    if "period" in flow:
        return positive(flow["period"], "period", subject)
    for key in RATE_KEYS:
        if key in flow:
            rate_per_h = _number(flow, key, subject)
            return 3600.0 / rate_per_h if rate_per_h > 0 else math.inf
    return None


def _regular(begin: float, end: float, period: float | None, number: int | None, subject: str) -> NDArray[np.float64]:
    """SUMO departs a vehicle every period as long as the end has not come; a number takes the end's place."""
    if number is None and period is None:
        raise ConfigError(f"{subject}: a flow needs a number, period, vehsPerHour or probability")
    if number is None:
        number = max(0, math.ceil((end - begin) / period - 1e-9)) if period and math.isfinite(period) else 0
    if period is None:
        period = (end - begin) / max(1, number)
    return np.asarray(begin + (period if math.isfinite(period) else 0.0) * np.arange(number), dtype=np.float64)


def _bernoulli(begin: float, end: float, probability: float, random: np.random.Generator) -> NDArray[np.float64]:
    seconds = np.arange(begin, end, dtype=np.float64)
    return seconds[random.random(len(seconds)) < probability]


def _poisson(begin: float, end: float, rate_per_s: float, random: np.random.Generator) -> NDArray[np.float64]:
    expected = max(0.0, end - begin) * rate_per_s
    gaps = random.exponential(1.0 / rate_per_s, size=int(expected + 10 * np.sqrt(expected) + 20))
    departures: NDArray[np.float64] = begin + np.cumsum(gaps)
    return departures[departures < end]


def _number(flow: dict[str, str], key: str, subject: str) -> float:
    try:
        value = float(flow[key])
    except ValueError:
        value = -1.0
    if not value >= 0:
        raise ConfigError(f"{subject}: {key} = {flow[key]!r}, must be a number and not below 0")
    return value


def positive(text: str, key: str, subject: str) -> float:
    """A number above 0, or one line that says whose it is."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise ConfigError(f"{subject}: {key} = {text!r}, must be a number above 0")
    return value
