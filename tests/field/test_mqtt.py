"""Feeds over a broker: what is hostile, old or twice is not taken and counted; what is silent tells nothing."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from field.mqtt.feed import FeedState
from field.mqtt.messages import Refusal
from field.mqtt.neighbours import Exchange, Hearing
from field.replayed_feed import ReplayedFeed
from signals.flow import FlowEstimator
from signals.layout import layout
from signals.values import NeighbourMessage, Snapshot
from tests.field.fake_cabinet import Bench
from tests.signals.fakes import FakePlant, crossing, protected_left

LAYOUT = layout([crossing()])
STOP, ADVANCE = "crossing.main.stop_line", "crossing.main.advance"
PLACE = {name: place for place, (_, name) in enumerate(LAYOUT.loops)}
NOW_S = 1.8e9


def message(sequence: Any, time_s: Any = NOW_S, **detectors: Any) -> bytes:
    named = {STOP if name == "stop" else ADVANCE if name == "advance" else name: v for name, v in detectors.items()}
    return json.dumps({"time": time_s, "sequence": sequence, "detectors": named}).encode()


def snapshot() -> Snapshot:
    return FakePlant([crossing()]).read()


@pytest.fixture
def feed() -> FeedState:
    feed = FeedState(LAYOUT, stale_s=5.0)
    feed.accept(message(100, NOW_S - 1, stop={"on": False}), NOW_S - 1)
    feed.fill(snapshot(), NOW_S - 1)
    return feed


HOSTILE: list[tuple[bytes, Refusal]] = [
    (b"", Refusal.NOT_JSON),
    (b"{", Refusal.NOT_JSON),
    (b"\xff\xfe", Refusal.NOT_JSON),
    (b"[" * 50_000, Refusal.NOT_JSON),
    (b"x" * 10_000_000, Refusal.TOO_LARGE),
    (message(101, stop={"on": True})[:-1] + b', "more": 1}', Refusal.MALFORMED),
    (b"[]", Refusal.MALFORMED),
    (b"null", Refusal.MALFORMED),
    (message(101, float("nan"), stop={"on": True}), Refusal.NOT_JSON),
    (message(101, stop={"volume": float("nan"), "occupancy": 0.1}), Refusal.NOT_JSON),
    (message(101, stop={"volume": float("inf"), "occupancy": 0.1}), Refusal.NOT_JSON),
    (message(101, stop={"volume": -1, "occupancy": 0.1}), Refusal.MALFORMED),
    (message(101, stop={"volume": 1, "occupancy": 1.1}), Refusal.MALFORMED),
    (message(101, stop={"volume": "1", "occupancy": 0.1}), Refusal.MALFORMED),
    (message(101, stop={"volume": 1e9, "occupancy": 0.1}), Refusal.MALFORMED),
    (message(101, stop={"volume": 1}), Refusal.MALFORMED),
    (message(101, stop={"on": 1}), Refusal.MALFORMED),
    (message(101, stop={"on": True, "volume": 1, "occupancy": 1}), Refusal.MALFORMED),
    (message("101", stop={"on": True}), Refusal.MALFORMED),
    (message(-1, stop={"on": True}), Refusal.MALFORMED),
    (message(101, "now", stop={"on": True}), Refusal.MALFORMED),
    (message(100, stop={"on": True}), Refusal.DUPLICATE),
    (message(99, stop={"on": True}), Refusal.OUT_OF_ORDER),
    (message(101, NOW_S - 2, stop={"on": True}), Refusal.OUT_OF_ORDER),
    (message(101, NOW_S + 3600, stop={"on": True}), Refusal.FUTURE),
    (message(101, NOW_S - 3600, stop={"on": True}), Refusal.OLD),
    (message(101, other={"on": True}), Refusal.UNKNOWN),
    (message(101, stop={"volume": 30, "occupancy": 0.1}), Refusal.IMPOSSIBLE),
]


@pytest.mark.parametrize(("payload", "reason"), HOSTILE)
def test_what_is_hostile_changes_nothing_and_is_counted(feed: FeedState, payload: bytes, reason: Refusal):
    """By its reason; the loops stay as they were."""
    feed.accept(payload, NOW_S)
    filled = feed.fill(snapshot(), NOW_S)
    assert feed.refused == {reason: 1}
    assert filled.volume_veh.sum() == 0 and filled.occupancy.sum() == 0 and not filled.presence.any()
    assert filled.healthy.all()


def test_pulses_become_counts_and_occupancy(feed: FeedState):
    """Two pulses between two snapshots: two vehicles, and the share of the time that they covered it."""
    for k, (at_s, on) in enumerate([(0.1, True), (0.3, False), (0.5, True), (0.6, False)]):
        feed.accept(message(101 + k, NOW_S - 1 + at_s, stop={"on": on}), NOW_S - 1 + at_s)
    filled = feed.fill(snapshot(), NOW_S)
    assert filled.volume_veh[PLACE[STOP]] == 2 and not filled.presence[PLACE[STOP]]
    assert filled.occupancy[PLACE[STOP]] == pytest.approx(0.3, abs=1e-3)
    assert feed.fill(snapshot(), NOW_S + 1).volume_veh[PLACE[STOP]] == 0


def test_a_loop_that_stays_covered_is_so_in_every_snapshot(feed: FeedState):
    """Without another message; the same "on" twice is one vehicle."""
    feed.accept(message(101, NOW_S - 0.5, stop={"on": True}), NOW_S - 0.5)
    feed.accept(message(102, NOW_S - 0.4, stop={"on": True}), NOW_S - 0.4)
    first, second = feed.fill(snapshot(), NOW_S), feed.fill(snapshot(), NOW_S + 1)
    place = PLACE[STOP]
    assert (first.volume_veh[place], second.volume_veh[place]) == (1, 0)
    assert (first.occupancy[place], second.occupancy[place]) == (pytest.approx(0.5, abs=1e-3), pytest.approx(1.0))
    assert first.presence[place] and second.presence[place]


def test_counts_are_summed(feed: FeedState):
    """Of all messages since the last snapshot; a loop that was never told of stays the cabinet's."""
    for k in range(2):
        feed.accept(message(101 + k, NOW_S - 0.5 + k / 10, stop={"volume": 1, "occupancy": 0.25}), NOW_S)
    filled = feed.fill(snapshot()._replace(volume_veh=np.full(len(PLACE), 7.0)), NOW_S)
    assert filled.volume_veh[PLACE[STOP]] == 2 and filled.volume_veh[PLACE[ADVANCE]] == 7


def test_gaps_are_counted_and_a_source_may_begin_anew(feed: FeedState):
    feed.accept(message(104, NOW_S, stop={"on": False}), NOW_S)
    assert feed.gaps == 3
    feed.accept(message(0, NOW_S + 1, stop={"on": True}), NOW_S + 1)
    assert feed.taken == 3 and feed.gaps == 3
    feed.accept(message(1, NOW_S - 1, stop={"on": True}), NOW_S + 1)
    assert feed.refused == {Refusal.OUT_OF_ORDER: 1}


@pytest.mark.parametrize("how", ["silence", "last will", "clock back"])
def test_a_silent_source_is_believed_in_nothing(feed: FeedState, how: str):
    """Until it speaks again."""
    feed.accept(message(101, NOW_S, stop={"on": True}), NOW_S)
    now_s = {"silence": NOW_S + 5.1, "last will": NOW_S, "clock back": NOW_S - 3600}[how]
    if how == "last will":
        feed.status(b"offline")
    filled = feed.fill(snapshot(), now_s)
    place = PLACE[STOP]
    assert not filled.healthy[place] and not filled.presence[place] and filled.volume_veh[place] == 0
    assert filled.healthy[PLACE[ADVANCE]]
    feed.accept(message(102, now_s, stop={"on": False}), now_s)
    assert feed.fill(snapshot(), now_s).healthy[place]


def test_a_recorded_log_is_a_feed(tmp_path: Path):
    """At twice its speed each reading is two of the log's; at its end nothing is healthy."""
    bench = Bench(tmp_path / "a").run(40)
    log = next((tmp_path / "a/records").iterdir())
    feed, plant, found = ReplayedFeed(log, LAYOUT), FakePlant([crossing()]), []
    for _ in range(22):
        found.append(feed.fill(plant.read()))
        plant.wait(2)
    assert sum(float(s.volume_veh.sum()) for s in found) == sum(
        sum(count for _, count in json.loads(line).get("volume_veh", [])) for line in log.read_text().splitlines()[1:]
    )
    assert found[10].healthy.all() and not found[-1].healthy.any()
    assert bench.state == "active"


PAIR = layout([crossing("a"), protected_left("b")])


def word(value: float) -> NeighbourMessage:
    return NeighbourMessage(NOW_S, *(np.full(PAIR.shape, value + k) for k in range(3)))


def test_neighbours_hear_what_was_said():
    """And a word that is stale, or none, is unknown: no number of vehicles, any room."""
    here, there = Exchange(PAIR, ["a"], 10.0), Exchange(PAIR, ["b"], 10.0)
    nothing = here.heard(word(5.0), NOW_S)
    assert np.isnan(nothing.discharge_veh_per_h[1]).all() and np.isinf(nothing.room_veh[1]).all()
    assert nothing.queue_veh[0].tolist() == [6.0] * PAIR.shape[1]
    for junction, said in there.say(word(50.0), NOW_S).items():
        here.accept(junction, said, NOW_S)
    heard = here.heard(word(5.0), NOW_S + 9)
    assert heard.discharge_veh_per_h[1].tolist() == [50.0] * 4 and heard.room_veh[1].tolist() == [52.0] * 4
    assert np.isnan(here.heard(word(5.0), NOW_S + 11).discharge_veh_per_h[1]).all()


def test_nobody_speaks_for_us():
    """A message in our own name, or of a junction that nobody knows, changes nothing."""
    here = Exchange(PAIR, ["a"], 10.0)
    said = here.say(word(50.0), NOW_S)["a"]
    here.accept("a", said, NOW_S)
    here.accept("x", said, NOW_S)
    here.accept("b", b"{}", NOW_S)
    assert here.heard(word(5.0), NOW_S).discharge_veh_per_h[0].tolist() == [5.0] * PAIR.shape[1]
    assert here.refused == {Refusal.UNKNOWN: 1, Refusal.MALFORMED: 1}


def test_the_estimator_takes_what_is_heard_and_says_its_own():
    """Every three seconds a message each; its belief goes on where nobody answers."""
    sent: list[str] = []
    plant = FakePlant([crossing("a"), protected_left("b")])
    exchange = Exchange(plant.layout, ["a", "b"], 10.0)
    hearing = Hearing(FlowEstimator(plant.layout), exchange, list, lambda to, _: sent.append(to), lambda: plant.time_s)
    for _ in range(9):
        plant.wait(1)
        hearing.update(plant.read())
    assert sent == ["a", "b"] * 3


@pytest.fixture
def broker(needs_program, tmp_path: Path) -> Iterator[int]:
    """Mosquitto on a free port of loopback."""
    program = needs_program("mosquitto", package="mosquitto")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "mosquitto.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    process = subprocess.Popen([str(program), "-c", str(tmp_path / "mosquitto.conf")], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait(5)


def until(condition: Any) -> None:
    """Wait for another process, for as long as it takes up to 5 s."""
    end_s = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end_s, "nothing came within 5 s"
        time.sleep(0.01)


def test_through_a_real_broker(broker: int):
    """A reading, then the source's last will when it dies without a word, then its return."""
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    from field.mqtt.client import open_feed
    from field.site import MqttFeed as Settings

    feed = open_feed(Settings(kind="mqtt", host="127.0.0.1", port=broker, topic="loops/crossing"), LAYOUT)

    def healthy() -> bool:
        return bool(feed.fill(snapshot()).healthy[PLACE[STOP]]) and feed.state.taken > 0

    def source(sequence: int) -> Client:
        client = Client(CallbackAPIVersion.VERSION2)
        client.will_set("loops/crossing/status", b"offline", qos=1)
        client.connect("127.0.0.1", broker)
        client.loop_start()
        for k in range(200):
            client.publish("loops/crossing", message(sequence + k, time.time(), stop={"on": True}), qos=1)
            if healthy():
                break
            time.sleep(0.02)
        return client

    first = source(100)
    until(healthy)
    first.loop_stop()
    line = first.socket()
    assert line is not None
    line.close()  # no farewell: the broker speaks its will
    until(lambda: not healthy())
    second = source(1)
    until(healthy)
    assert feed.words().startswith("mqtt: live, ")
    second.disconnect()
    second.loop_stop()
    feed.close()


def test_a_broker_that_is_not_there_is_waited_for():
    """Nothing is raised, nothing waits; the cabinet's own loops stay in place."""
    from field.mqtt.client import open_feed
    from field.site import MqttFeed as Settings

    feed = open_feed(Settings(kind="mqtt", host="127.0.0.1", port=1, topic="loops"), LAYOUT)
    assert feed.fill(snapshot()).healthy.all() and feed.words().startswith("mqtt: stale, 0 messages")
    feed.close()


@pytest.mark.parametrize("how", [{"volume": 1, "occupancy": 0.1}, {"volume": 10, "occupancy": 0.1}, "pulses"])
def test_more_vehicles_than_a_lane_can_pass_are_nobodys(feed: FeedState, how: dict[str, float] | str):
    """Told in any number of well-formed messages, no more than 3,000 veh/h and a bunch of two come of it."""
    for k in range(600):
        told = {"on": k % 2 == 0} if how == "pulses" else how
        at_s = NOW_S + k / 10
        feed.accept(message(101 + k, at_s, stop=told), at_s)
    assert feed.refused[Refusal.IMPOSSIBLE] > 200
    counted = feed.fill(snapshot(), NOW_S + 60).volume_veh[PLACE[STOP]]
    assert counted <= 60 / 1.2 + 2
    assert counted == (0 if how == {"volume": 10, "occupancy": 0.1} else pytest.approx(60 / 1.2, abs=3))


def test_a_lane_at_its_capacity_is_believed(feed: FeedState):
    """1,800 veh/h, by the message of each second."""
    for k in range(60):
        feed.accept(message(101 + k, NOW_S + k, stop={"volume": k % 2, "occupancy": 0.3}), NOW_S + k)
    assert not feed.refused
    assert feed.fill(snapshot(), NOW_S + 60).volume_veh[PLACE[STOP]] == 30
