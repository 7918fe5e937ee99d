"""The environment: gymnasium's own promises, and that an agent acts on what it saw, over the loop of the street."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from experiments.case import place_of
from experiments.demand import draw_demand
from scenarios.catalogue import find
from signals.errors import ConfigError
from signals.features import Encoder
from signals.values import Mode
from simulation.env import JunctionEnv, adaptive
from simulation.faults import FaultRates
from simulation.practice import Practice, Terms, handed_in
from simulation.rewards import Reward, edges_by_junction
from simulation.street import Demand, Place

DRAWS = range(100, 103)


def place_and_demand(name: str, folder: Path, multiple: float = 1.0) -> tuple[Place, Callable[[int], Demand]]:
    scenario = find(name)

    def demand(draw: int) -> Demand:
        drawn = draw_demand(scenario, multiple, draw, folder)
        return Demand(drawn.route_file, drawn.vehicles)

    return place_of(scenario), demand


@pytest.fixture
def env(tmp_path: Path) -> Iterator[JunctionEnv]:
    """cologne1, to be driven as a whole."""
    made = JunctionEnv(*place_and_demand("resco:cologne1", tmp_path), DRAWS)
    yield made
    made.close()


def test_gymnasium_finds_nothing_to_say(env: JunctionEnv):
    """Spaces, seeds and signatures are as its checker wants them."""
    check_env(env, skip_render_check=True)


def test_equal_seeds_give_equal_episodes(env: JunctionEnv):
    """The seed chooses the draw; nothing else is left to chance."""
    first, second = ([env.reset(seed=7)[0], *(env.step(np.int64(k % 4))[0] for k in range(30))] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_draws_are_those_that_were_given(env: JunctionEnv):
    drawn = {env.reset(seed=seed)[1]["draw"] for seed in range(20)}
    assert drawn == set(DRAWS)
    assert env.reset(options={"draw": 101})[1]["draw"] == 101


def test_a_stage_that_is_not_eligible_is_held_with_the_reason(env: JunctionEnv):
    env.reset(seed=1)
    info = {"action_mask": env.action_masks()}
    while info["action_mask"].all():
        _, _, _, _, info = env.step(np.int64(2))
    refused = int(np.flatnonzero(~info["action_mask"])[0])
    _, _, _, _, info = env.step(np.int64(refused))
    assert info["reason"] in (f"agent: stage {refused} is not eligible, held", "interstage")


def test_the_action_acts_on_the_state_that_was_seen(env: JunctionEnv):
    """What is asked for is what the interlock grants, at the time of the observation."""
    _, seen = env.reset(seed=1)
    stage = int(np.flatnonzero(seen["action_mask"])[-1])
    _, _, _, _, info = env.step(np.int64(stage))
    assert (info["reason"], info["command"]) == (f"agent: stage {stage}", "granted")
    assert info["time_s"] == seen["time_s"] + 5.0


def test_an_episode_is_cut_off_at_the_end_of_the_window(tmp_path: Path):
    """Never lost or won, so that a learner values what comes after."""
    place, demand = place_and_demand("single", tmp_path, multiple=0.3)
    short = JunctionEnv(Place(place.net_file, place.additional_files, place.begin_s, 60.0), demand, DRAWS)
    short.reset(seed=1)
    ends = [short.step(np.int64(0))[2:4] for _ in range(12)]
    short.close()
    assert ends == [(False, False)] * 11 + [(False, True)]


def test_one_junction_among_others_is_driven_alone(tmp_path: Path):
    """The others follow a controller of their own; an unknown one is named with those that are there."""
    place, demand = place_and_demand("resco:cologne3", tmp_path)
    env = JunctionEnv(place, demand, DRAWS, junction="360086")
    assert (env.observation_space.shape, env.action_space.n) == ((4, 19), 4)  # type: ignore[attr-defined]
    env.reset(seed=1)
    reasons = [env._decision(0).reason(row) for row in range(3)]
    env.close()
    assert reasons[1].startswith("agent: ")
    assert not any(reason.startswith("agent: ") for reason in (reasons[0], reasons[2]))
    with pytest.raises(ConfigError, match="junction X: not in the network, must be one of 360082, 360086, GS_"):
        JunctionEnv(place, demand, DRAWS, junction="X")


@pytest.mark.parametrize(
    "terms, said",
    [
        ({"reward": "applause"}, "reward = applause, must be one of waiting, delay"),
        ({"decision_s": 5.0, "tick_s": 2.0}, "decision_s = 5, must be a multiple of tick_s = 2"),
        ({"decision_s": 5.0, "tick_s": 0.0}, "decision_s = 5, must be a multiple of tick_s = 0"),
    ],
)
def test_terms_that_make_no_sense_are_refused(terms: dict, said: str):
    with pytest.raises(ConfigError, match=said):
        Terms(**terms)


def test_between_decisions_nothing_is_asked_for(tmp_path: Path):
    """Ticks in between only hold: no stage stands that no decision asked for."""
    practice = Practice(*place_and_demand("resco:cologne1", tmp_path), Terms())
    traffic = practice.begin(100)
    asked, stood = {int(traffic.last_stage[0])}, set()
    for k in range(24):
        decision = handed_in(traffic, np.array([k % 3]))
        if decision.mode[0] == Mode.GO:
            asked.add(int(decision.stage[0]))
        traffic, _, _, _ = practice.act(decision)
        stood.add(int(traffic.last_stage[0]))
    practice.close()
    assert stood == asked == {0, 1, 2}


def test_broken_loops_are_the_episode_s(tmp_path: Path):
    """Those of the next one work again."""
    practice = Practice(*place_and_demand("resco:cologne1", tmp_path), Terms(tick_s=5.0, decision_s=5.0))
    came = []
    for dead in (1.0, 0.0):
        traffic = practice.begin(100, faults=FaultRates(dead=dead))
        for _ in range(24):
            traffic, *_ = practice.act(handed_in(traffic, traffic.last_stage))
        came.append(float(traffic.arrived_veh.sum()))
    practice.close()
    assert came[1] > 20
    assert came[0] < came[1] / 2


@pytest.mark.parametrize("kind", ["waiting", "delay"])
def test_locking_vehicles_out_costs_as_much_as_letting_them_wait(kind: str, tmp_path: Path):
    """Who holds one stage for ever is paid less and less, long after the approaches are full."""
    place, demand = place_and_demand("resco:cologne1", tmp_path, multiple=2.0)
    practice = Practice(place, demand, Terms(tick_s=5.0, reward=kind))
    traffic, paid = practice.begin(100), []
    for _ in range(200):
        traffic, reward, _, _ = practice.act(handed_in(traffic, traffic.last_stage))
        paid.append(float(reward[0]))
    outside = waiting_outside(practice)
    practice.close()
    quarters = [float(part.mean()) for part in np.split(np.array(paid), 4)]
    assert outside > 50
    assert quarters == sorted(quarters, reverse=True)
    assert paid[-1] < -outside / 100


def waiting_outside(practice: Practice) -> int:
    street = practice._street
    assert street is not None
    return sum(street.sumo.waiting_outside(edge) for edge in street.network.edges if not edge.startswith(":"))


def test_each_junction_pays_for_the_vehicles_on_their_way_to_it(tmp_path: Path):
    """An edge counts for the stop line that its vehicles meet next, and for no other."""
    place, demand = place_and_demand("arterial", tmp_path)
    network = place.network
    routes = demand(100).vehicles.edges
    owner = edges_by_junction(network, routes)
    assert set(owner) == {i.id for i in network.intersections}
    edges = [edge for of in owner.values() for edge in of]
    assert len(set(edges)) == len(edges)
    for junction, approaches in network.approach_edges.items():
        assert set(approaches) <= set(owner[junction])
    met = {edge for route in routes for edge in route.split()}
    last = {edge for route in routes for edge in route.split()[-1:]}
    assert met - set(edges) <= last  # only exits belong to nobody


def test_the_reward_is_the_mean_over_the_ticks(tmp_path: Path):
    place, demand = place_and_demand("resco:cologne1", tmp_path)
    practice = Practice(place, demand, Terms())
    practice.begin(100)
    street = practice._street
    assert street is not None
    reward = Reward(street.sumo, street.network, demand(100).vehicles.edges, "waiting")
    samples = []
    for _ in range(40):
        street.sumo.step_to(street.sumo.time_s + 5.0)
        reward.sample()
        standing = sum(street.sumo.edge_halting(e) + street.sumo.waiting_outside(e) for e in reward._edges[0])
        samples.append(standing)
    practice.close()
    assert max(samples) > 3
    assert reward.settle() == pytest.approx([-np.mean(samples) / 100])
    assert reward.settle() == pytest.approx([0.0])


def test_observations_are_what_observe_sees(env: JunctionEnv):
    """`features.py` of the same `TrafficState`, in the learner's number format, and nothing else."""
    observation, _ = env.reset(seed=3)
    own = Encoder(env._practice.layout, adaptive(env._practice.layout)).encode(env._traffic)[0]
    np.testing.assert_array_equal(observation, own.astype(np.float32))
