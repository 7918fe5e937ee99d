"""SUMO's flows as the departures that they stand for, counted as SUMO counts them."""

import numpy as np
from numpy.typing import NDArray

from signals.errors import ConfigError

FLOW_KEYS = frozenset({"begin", "end", "number", "period", "vehsPerHour", "perHour", "personsPerHour", "containersPerHour", "probability"})
RATE_KEYS = ("vehsPerHour", "perHour", "personsPerHour", "containersPerHour")
RANDOM_FLOW_STREAM = 7_310_001  # the key of the counter-based generator that random flows are expanded with, once for all draws


def parse_time_s(text: str, subject: str) -> float:
    """Seconds, or SUMO's [days:]hours:minutes:seconds."""
    parts = text.strip().split(":")
    try:
        if len(parts) == 1:
            return float(parts[0])
        weights = (86400.0, 3600.0, 60.0, 1.0)[-len(parts) :]
        if len(parts) in (3, 4):
            return sum(weight * float(part) for weight, part in zip(weights, parts, strict=True))
    except ValueError:
        pass
    raise ConfigError(f"{subject}: time = {text!r}, must be seconds or hh:mm:ss")


def flow_departures_s(flow: dict[str, str], subject: str, begin_s: float, end_s: float, number_seed: int) -> NDArray[np.float64]:
    """All departures of one flow; a flow without an end lasts until `end_s`, a random one is drawn from its own fixed stream."""
    begin = parse_time_s(flow["begin"], subject) if "begin" in flow else begin_s
    end = parse_time_s(flow["end"], subject) if "end" in flow else end_s
    random = np.random.Generator(np.random.Philox(key=[RANDOM_FLOW_STREAM, number_seed]))
    if "probability" in flow:
        return _bernoulli(begin, end, _number(flow, "probability", subject), random)
    period = flow.get("period", "")
    if period.startswith("exp("):
        return _poisson(begin, end, _positive(period[4:].rstrip(")"), "period", subject), random)
    number = int(_number(flow, "number", subject)) if "number" in flow else None
    return _regular(begin, end, _period_s(flow, subject), number, subject)


def _period_s(flow: dict[str, str], subject: str) -> float | None:
    if "period" in flow:
        return _positive(flow["period"], "period", subject)
    for key in RATE_KEYS:
        if key in flow:
            rate_per_h = _number(flow, key, subject)
            return 3600.0 / rate_per_h if rate_per_h > 0 else np.inf
    return None


def _regular(begin: float, end: float, period: float | None, number: int | None, subject: str) -> NDArray[np.float64]:
    if number is None:
        if period is None:
            raise ConfigError(f"{subject}: a flow needs a number, period, vehsPerHour or probability")
        number = 0 if np.isinf(period) else max(0, round((end - begin) / period))
        period = 1.0 if np.isinf(period) else period
    elif period is None:
        period = (end - begin) / max(1, number)
    return begin + period * np.arange(number)


def _bernoulli(begin: float, end: float, probability: float, random: np.random.Generator) -> NDArray[np.float64]:
    seconds = np.arange(begin, end)
    return seconds[random.random(len(seconds)) < probability]


def _poisson(begin: float, end: float, rate_per_s: float, random: np.random.Generator) -> NDArray[np.float64]:
    expected = max(0.0, end - begin) * rate_per_s
    gaps = random.exponential(1.0 / rate_per_s, size=int(expected + 10 * np.sqrt(expected) + 20))
    departures = begin + np.cumsum(gaps)
    return departures[departures < end]


def _number(flow: dict[str, str], key: str, subject: str) -> float:
    try:
        value = float(flow[key])
    except ValueError:
        value = -1.0
    if not value >= 0:
        raise ConfigError(f"{subject}: {key} = {flow[key]!r}, must be a number and not below 0")
    return value


def _positive(text: str, key: str, subject: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise ConfigError(f"{subject}: {key} = {text!r}, must be a number above 0")
    return value
