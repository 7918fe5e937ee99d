"""The one path: read, estimate, decide, permit, apply. The same in training, in comparison and in the street."""

from __future__ import annotations

from typing import Protocol

from signals.layout import Layout
from signals.values import Command, Decision, Record, Snapshot, TrafficState


class Plant(Protocol):
    """Whatever `read` and `apply` talk to: SUMO, or cabinets. Serves the intersections of one `Layout`."""

    layout: Layout

    def read(self) -> Snapshot:
        """What the plant shows and its loops have seen since the last call. Raises `PlantError`."""

    def apply(self, command: Command) -> None:
        """Ask for stages. The plant owns its intervals, and drops what has expired. Raises `PlantError`."""


class Estimator(Protocol):
    """Turns readings into belief; the only memory of traffic on the path."""

    def update(self, snapshot: Snapshot) -> TrafficState:
        """Take one snapshot, in order of time, and say what is believed now."""


class Controller(Protocol):
    """Decides which stage each junction should have. Holds no reference to plant, estimator or interlock."""

    def decide(self, traffic: TrafficState) -> Decision:
        """One wish a junction, each with its reason."""


class Guard(Protocol):
    """What stands between a wish and the plant."""

    def permit(self, snapshot: Snapshot, decision: Decision) -> Command:
        """Grant, hold or release, judged from what is read back."""


class Loop:
    """One round of all junctions that a process serves; the neighbours' exchange is inside `estimator.update`.

    All junctions observe, all publish, all decide, all act: the result cannot depend on their order.
    """

    def __init__(self, plant: Plant, estimator: Estimator, controller: Controller, interlock: Guard) -> None:
        self._plant, self._estimator = plant, estimator
        self._controller, self._interlock = controller, interlock
        self._seen: tuple[Snapshot, TrafficState] | None = None

    def observe(self) -> TrafficState:
        """Read the plant and say what is believed."""
        snapshot = self._plant.read()
        traffic = self._estimator.update(snapshot)
        self._seen = snapshot, traffic
        return traffic

    def act(self, decision: Decision) -> Record:
        """Permit a decision on what was last observed, and apply it."""
        if self._seen is None:
            raise RuntimeError("act before observe: a decision needs a snapshot to be judged by")
        snapshot, traffic = self._seen
        command = self._interlock.permit(snapshot, decision)
        self._plant.apply(command)
        return Record(snapshot, traffic, decision, command)

    def tick(self) -> Record:
        """One whole step; the clock is the caller's."""
        return self.act(self._controller.decide(self.observe()))
