"""A fake cabinet that lives by the street's clock, for runs on the wall's."""

from collections.abc import Callable

from field.cabinet import Level
from signals.values import Snapshot
from tests.field.fake_cabinet import FakeCabinet


class ClockedCabinet(FakeCabinet):
    """Lives by the street's clock."""

    def __init__(self, level: Level, now: Callable[[], float]) -> None:
        super().__init__(level)
        self._now, self._plant.time_s = now, now()
        self._plant._local_since_s = [self._plant.time_s]
        self._plant.history = [[shown._replace(time_s=self._plant.time_s) for shown in self._plant.history[0]]]
        self.backup_s = 600.0

    def read(self) -> Snapshot:
        self.wait(max(0, round(self._now() - self.time_s)))
        return super().read()
