"""One of several by its weight, the same one whenever it is asked for again."""

from collections.abc import Sequence

import numpy as np

from signals.errors import ConfigError


def weights(subject: str, texts: Sequence[str], members: int) -> list[float]:
    """A distribution's probabilities; they need not add up to 1."""
    try:
        found = [max(0.0, float(text)) for text in texts]
    except ValueError as error:
        raise ConfigError(f"{subject}: its probabilities are {' '.join(texts)}") from error
    if len(found) != members or not sum(found) > 0:
        raise ConfigError(f"{subject}: has {members} members and {len(found)} probabilities, their sum above 0")
    return found


def pick(of: Sequence[float], stream: int, index: int) -> int:
    """The position that number `index` of a stream falls on."""
    uniform = np.random.Generator(np.random.Philox(key=[stream, index])).random()
    cumulated = np.cumsum(of)
    return int(np.searchsorted(cumulated, uniform * cumulated[-1], side="right"))
