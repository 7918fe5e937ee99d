"""sumo-rl over libsumo, with random actions: a measurement in a process of its own.

It is run by `overhead.py`, where need be by the Python of another environment, so it imports nothing of ours.
"""

import json
import sys
import time

import sumo_rl
import traci  # which is libsumo, by LIBSUMO_AS_TRACI


def measure(net_file: str, route_file: str, begin_s: int, seconds: int, decision_s: int) -> dict[str, float]:
    """Wall time of sumo-rl's loop in its default settings, and the part of it inside SUMO's own steps."""
    if not traci.isLibsumo():
        raise SystemExit("traci is not libsumo: LIBSUMO_AS_TRACI must be set, and libsumo installed")
    own_step_s, step = 0.0, traci.simulationStep

    def timed_step(*arguments: float) -> object:
        nonlocal own_step_s
        started_s = time.perf_counter()
        result = step(*arguments)
        own_step_s += time.perf_counter() - started_s
        return result

    traci.simulationStep = timed_step
    environment = sumo_rl.SumoEnvironment(
        net_file=net_file,
        route_file=route_file,
        begin_time=begin_s,
        num_seconds=seconds,
        delta_time=decision_s,
        sumo_seed=0,
        sumo_warnings=False,
        additional_sumo_cmd="--no-step-log true --duration-log.disable true --xml-validation never",
    )
    environment.reset()
    spaces = {name: environment.action_spaces(name) for name in environment.ts_ids}
    for number, space in enumerate(spaces.values()):
        space.seed(number)
    own_step_s = 0.0
    started_s = time.perf_counter()
    done, steps = False, 0
    while not done:
        _, _, dones, _ = environment.step({name: space.sample() for name, space in spaces.items()})
        done, steps = dones["__all__"], steps + 1
    loop_s = time.perf_counter() - started_s
    vehicles = traci.vehicle.getIDCount()
    environment.close()
    return {"loop_s": loop_s, "own_step_s": own_step_s, "steps": steps, "vehicles_at_end": vehicles}


if __name__ == "__main__":
    net, routes, begin, span, decision = sys.argv[1:]
    print("\n" + json.dumps(measure(net, routes, int(begin), int(span), int(decision))))
