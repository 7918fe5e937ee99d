"""A controller that can be told to let go."""

from __future__ import annotations

from signals.controllers.existing import Existing
from signals.layout import Layout
from signals.loop import Controller
from signals.values import Decision, TrafficState


class Releasing:
    """Decides as its controller does until `let_go`; from then on every junction is left to its own plan."""

    def __init__(self, layout: Layout, controller: Controller) -> None:
        self._controller, self._left_alone = controller, Existing(layout)
        self.released = False

    def let_go(self) -> None:
        """Give the street back; there is no way to take it again."""
        self.released = True

    def decide(self, traffic: TrafficState) -> Decision:
        """What the controller in charge wishes."""
        return self._left_alone.decide(traffic) if self.released else self._controller.decide(traffic)
