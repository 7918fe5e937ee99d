"""Signal performance measures from a log of high-resolution events, real or simulated: `evaluate.py measures`."""
