"""`control.py` under a wall clock that a file sets: `python stepped_clock.py FILE run SITE …`; FILE holds seconds."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, from anywhere

STEP = Path(sys.argv[1])
true_time = time.time


def step_s() -> float:
    """How far the wall clock is from the true one now."""
    try:
        return float(STEP.read_text())
    except (OSError, ValueError):
        return 0.0


class SteppedDatetime(datetime):
    """Tells the stepped time."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> SteppedDatetime:
        told = super().now(tz) + timedelta(seconds=step_s())
        return cls.fromtimestamp(told.timestamp(), tz)


def main() -> None:
    """Have everything that asks for the time of day ask us, then run."""
    import field.audit
    import field.parts
    import field.record_log
    import field.run
    import field.supervisor

    time.time = lambda: true_time() + step_s()  # type: ignore[assignment]
    for module in (field.audit, field.parts, field.record_log, field.run, field.supervisor):
        module.datetime = SteppedDatetime  # type: ignore[attr-defined]
    from control import app

    sys.argv = ["control.py", *sys.argv[2:]]
    app()


if __name__ == "__main__":
    main()
