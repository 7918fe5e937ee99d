"""A street whose signals run a plan from the first second, driven by `fixed-time` with it; prints every trip.

`python -m tests.experiments.planned_street NAME SECONDS PLAN PROGRAM`, in a process of its own, as in
`tests.simulation.streets`.
"""

import sys
from dataclasses import fields
from pathlib import Path

from simulation.network import Network
from simulation.overrides import read_network
from simulation.street import Place
from tests.simulation.streets import drive, place_and_demand


class Planned(Place):
    """A place that brings a program, with the junctions that it has without it."""

    @property
    def network(self) -> Network:
        return read_network(self.net_file, (), self.override_files)


def planned(place: Place, program: Path) -> Place:
    values = {field.name: getattr(place, field.name) for field in fields(Place)}
    return Planned(**values | {"additional_files": (program,)})


if __name__ == "__main__":
    name, seconds, plan, program_file = sys.argv[1:]
    street, demand = place_and_demand(name, float(seconds))
    sys.stdout.write(drive(planned(street, Path(program_file)), demand, f"fixed-time:{plan}"))
