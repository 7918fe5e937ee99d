"""What `learned` promises: the best eligible stage, a rule where there is none, and no file that does not fit."""

import hashlib
import io
import json
import os
import pickle
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_LZMA, ZipFile

import numpy as np
import pytest

from signals.controllers import build, digest
from signals.controllers.adaptive import Adaptive, AdaptiveSettings
from signals.controllers.learned import Learned, load
from signals.errors import ConfigError
from signals.layout import layout
from signals.plans import PlanFile
from signals.values import TRANSITION, Mode
from tests.signals.fakes import crossing, protected_left
from tests.signals.states import calm, waiting, write_policy

ROOT = Path(__file__).resolve().parents[2]
BY_QUEUE = ("queue", "shortest_gap")
ONE, BOTH = layout([crossing()]), layout([crossing(), protected_left()])


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """Wants the stage with the longest queue."""
    return write_policy(tmp_path / "policy", BY_QUEUE)


def test_the_best_stage_is_asked_for_and_the_reason_says_so(policy: Path):
    decision = Learned(ONE, load(policy)).decide(waiting(ONE, [[2, 6]]))
    assert (decision.mode[0], decision.stage[0]) == (Mode.GO, 1)
    assert decision.reason(0) == "learned: stage 1 scores 0.60, the best"


def test_all_junctions_are_decided_at_once(policy: Path):
    """Each by its own stages, however many there are."""
    decision = Learned(BOTH, load(policy)).decide(waiting(BOTH, [[6, 2], [1, 1, 9, 1]]))
    assert decision.stage.tolist() == [0, 2]
    assert [decision.reason(row) for row in (0, 1)] == [
        "learned: keeps green, score 0.60",
        "learned: stage 2 scores 0.90, the best",
    ]


def test_what_is_not_eligible_is_never_asked_for(policy: Path):
    """Within its minimum green a stage stays, however long the queue elsewhere."""
    young = waiting(ONE, [[0, 9]], eligible=np.array([[True, False]]), elapsed_green_s=np.array([3.0]))
    decision = Learned(ONE, load(policy)).decide(young)
    assert decision.stage[0] == 0
    assert decision.reason(0) == "learned: keeps green, 3 s so far, no other is eligible"


def test_whoever_has_waited_too_long_goes_next_whatever_scores(policy: Path):
    late = waiting(ONE, [[9, 1]], red_s=np.array([[0.0, 121.0]]))
    decision = Learned(ONE, load(policy)).decide(late)
    assert (decision.mode[0], decision.stage[0]) == (Mode.GO, 1)
    assert decision.reason(0) == "learned: stage 1, no other is eligible"


def test_greens_are_no_shorter_than_in_training(policy: Path):
    """The manifest's minimum green holds where the plant would take a shorter one."""
    state = waiting(ONE, [[0, 9]], elapsed_green_s=np.array([7.0]))
    assert Learned(ONE, load(policy)).decide(state).stage[0] == 0
    assert Learned(ONE, load(policy)).decide(state._replace(elapsed_green_s=np.array([8.0]))).stage[0] == 1


def test_a_decision_stands_as_long_as_in_training(policy: Path):
    """In between it holds, so that an interstage is not taken back and no green is cut by a flicker."""
    learned, state = Learned(ONE, load(policy)), waiting(ONE, [[2, 6]])
    modes = [int(learned.decide(state._replace(time_s=1000.0 + s)).mode[0]) for s in range(11)]
    assert modes == [Mode.GO, *[Mode.HOLD] * 4, Mode.GO, *[Mode.HOLD] * 4, Mode.GO]
    assert learned.decide(state._replace(time_s=1012.0)).reason(0) == "learned: holds, 2 s since its decision"


def test_a_clock_that_goes_back_starts_anew(policy: Path):
    learned, state = Learned(ONE, load(policy)), waiting(ONE, [[2, 6]])
    learned.decide(state)
    assert learned.decide(state._replace(time_s=10.0)).mode[0] == Mode.GO


def test_an_interstage_is_held(policy: Path):
    state = waiting(ONE, [[2, 6]], stage=np.array([TRANSITION]), eligible=np.array([[True, False]]))
    decision = Learned(ONE, load(policy)).decide(state)
    assert (decision.mode[0], decision.reason(0)) == (Mode.HOLD, "interstage")


def test_where_a_score_is_no_number_the_rule_decides_instead(policy: Path):
    """Only there: the other junction keeps its policy. The reason names who decided and why the rule did."""
    gap_s = np.full(BOTH.shape, 5.0)
    gap_s[0] = np.nan
    state = waiting(BOTH, [[1, 9], [1, 1, 9, 1]], gap_s=gap_s)
    decision = Learned(BOTH, load(policy)).decide(state)
    rule = Adaptive(BOTH, AdaptiveSettings()).decide(state)
    assert decision.stage[0] == rule.stage[0]
    assert decision.reason(0) == f"learned: replaced by adaptive, {rule.reason(0)}"
    assert decision.reason(1) == "learned: stage 2 scores 0.90, the best"


def test_weights_that_overflow_leave_the_street_to_the_rule(tmp_path: Path):
    huge = write_policy(tmp_path, BY_QUEUE, embed_weight=np.full((2, 4), 1e200), compare_own_weight=np.eye(4) * 1e200)
    decision = Learned(ONE, load(huge)).decide(waiting(ONE, [[2, 6]]))
    assert decision.reason(0).startswith("learned: replaced by adaptive, ")


def test_where_nothing_is_eligible_the_rule_decides_instead(policy: Path):
    decision = Learned(ONE, load(policy)).decide(calm(ONE, eligible=np.zeros((1, 2), bool)))
    assert decision.reason(0).startswith("learned: replaced by adaptive, ")


def sealed(policy: Path, content: bytes) -> None:
    """The policy's arrays, and a manifest with the digest of them."""
    (policy / "policy.npz").write_bytes(content)
    told = json.loads((policy / "manifest.json").read_text())
    told["policy_sha256"] = hashlib.sha256(content).hexdigest()
    (policy / "manifest.json").write_text(json.dumps(told))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a weight that is no number": (
        {"embed_bias": np.array([0, 0, np.nan, 0])},
        "policy.npz: array embed_bias: 1 values are no number, must be 0",
    ),
    "an infinite weight": ({"score_bias": np.array(np.inf)}, "array score_bias: 1 values are no number"),
    "a wrong shape": (
        {"score_weight": np.ones(5)},
        r"policy.npz: array score_weight: float64 \(5,\), must be float \(4,\)",
    ),
    "whole numbers": ({"score_weight": np.ones(4, int)}, "array score_weight: int64"),
    "a missing array": ({"embed_bias": np.zeros(0)}, "policy.npz: array embed_bias: missing"),
    "an unknown array": ({"extra": np.ones(3)}, "policy.npz: array extra: unknown"),
    "a pickle in an array": (
        {"score_weight": np.array([{"a": 1}] * 4, object)},
        "policy.npz: array score_weight: holds a pickle",
    ),
    "an unknown feature": ({"features": ["queue", "moon"]}, "manifest.json: feature moon: unknown, must be one of"),
    "a feature too few": ({"features": ["queue"]}, r"array embed_weight: float64 \(2, 4\), must be float \(1, 4\)"),
    "no feature": ({"features": []}, "manifest.json: features: .*at least 1"),
    "more than fits a machine": ({"hidden": 65536}, "manifest.json: hidden: .*less than or equal to 1024"),
    "another width": ({"hidden": 8}, "policy.npz: array embed_weight"),
    "another digest": ({"policy_sha256": "0" * 64}, "policy.npz: not the file that manifest.json describes"),
    "another format": ({"format": 2}, "manifest.json: format: "),
    "a decision that never ends": ({"decision_s": float("inf")}, "manifest.json: decision_s: "),
    "an unknown key": ({"pickled": "yes"}, "manifest.json: pickled: Extra inputs are not permitted"),
}


@pytest.mark.parametrize("changes, said", REFUSED.values(), ids=REFUSED.keys())
def test_a_policy_that_does_not_fit_is_refused_in_one_line(tmp_path: Path, changes: dict[str, Any], said: str):
    with pytest.raises(ConfigError, match=said) as refused:
        load(write_policy(tmp_path, BY_QUEUE, **changes))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "content, said",
    [
        (pickle.dumps({"weights": 1}), "not a file of plain arrays"),
        (b"PK\x03\x04 cut off", "not a file of plain arrays"),
        (b"", "not a file of plain arrays"),
    ],
    ids=["a pickle", "half an archive", "nothing"],
)
def test_a_file_that_is_no_arrays_is_refused_in_one_line(policy: Path, content: bytes, said: str):
    """Even where somebody made the manifest fit it; nothing in it is run."""
    sealed(policy, content)
    with pytest.raises(ConfigError, match=said) as refused:
        load(policy)
    assert "\n" not in str(refused.value)


@contextmanager
def little_memory(more_bytes: int = 24 << 20) -> Iterator[None]:
    """No more than that beside what there is already."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def headed(shape: tuple[int, ...]) -> bytes:
    """An array's header without its numbers."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return head.getvalue()


def right_size() -> bytes:
    return headed((4,)) + bytes(32)


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="how much memory we have is read from Linux's /proc")
@pytest.mark.parametrize(
    "pack, said",
    [
        (
            lambda z: z.writestr("score_weight.npy", headed((4,)) + bytes(1 << 26)),
            "array score_weight: 67108992 bytes",
        ),
        (lambda z: z.writestr("score_weight.npy", headed((1 << 40,))), "array score_weight: float64"),
        (lambda z: z.writestr("bomb", bytes(1 << 26)), "array bomb: unknown"),
        (lambda z: z.writestr("score_weight", right_size()), "array score_weight: "),
        (lambda z: [z.writestr("score_weight.npy", right_size()) for _ in "12"], "array score_weight: appears twice"),
        (lambda z: z.writestr("score_weight.npy", right_size(), ZIP_LZMA), "array score_weight: packed by method 14"),
        (lambda z: z.writestr("score_weight.npy", b"\x93NUMPY\x03\x00"), r"array score_weight: version \(3, 0\)"),
        (lambda z: z.writestr("score_weight.npy", b"cos\nsystem\n"), "not a file of plain arrays"),
        (lambda z: z.writestr("score_weight.npy", headed((4,))), "not a file of plain arrays"),
    ],
    ids=[
        "a bomb",
        "a header that lies",
        "a strange bomb",
        "no suffix",
        "twice",
        "lzma",
        "version",
        "pickle",
        "cut off",
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_is_not_unpacked_beyond_what_the_manifest_says(
    policy: Path, pack: Callable[[ZipFile], object], said: str
):
    """A bomb of 64 MiB is refused with 24 MiB left, and the digest of the manifest fits each of them."""
    with ZipFile(policy / "policy.npz") as whole:
        kept = {name: whole.read(name) for name in whole.namelist() if name != "score_weight.npy"}
    with ZipFile(policy / "policy.npz", "w", ZIP_DEFLATED) as archive:
        for name, content in kept.items():
            archive.writestr(name, content)
        pack(archive)
    sealed(policy, (policy / "policy.npz").read_bytes())
    with little_memory(), pytest.raises(ConfigError, match=said) as refused:
        load(policy)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("file", ["policy.npz", "manifest.json"])
def test_a_file_beyond_all_measure_is_not_read(policy: Path, file: str):
    """By its size alone."""
    os.truncate(policy / file, 1 << 32)
    with little_memory(), pytest.raises(ConfigError, match=f"{file}: 4294967296 bytes, must be at most"):
        load(policy)


@pytest.mark.parametrize("content", ["", "[1, 2]", "{", "\xff", "[" * 100_000])
def test_a_manifest_that_is_none_is_refused_in_one_line(policy: Path, content: str):
    (policy / "manifest.json").write_text(content, encoding="latin-1")
    with pytest.raises(ConfigError, match=r"manifest\.json: ") as refused:
        load(policy)
    assert "\n" not in str(refused.value)


def test_a_folder_without_a_policy_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"manifest\.json: cannot be read: No such file"):
        load(tmp_path)


def test_learned_without_a_policy_says_what_to_type():
    with pytest.raises(ConfigError, match="controller learned: no policy, must be learned:DIR"):
        build("learned", ONE, PlanFile.model_construct(plan=()))


def test_it_is_built_by_name_and_folder(policy: Path):
    decision = build(f"learned:{policy}", ONE, PlanFile.model_construct(plan=())).decide(calm(ONE))
    assert decision.reason(0).startswith("learned: ")


def test_a_policy_that_comes_along_goes_by_its_name(policy: Path, monkeypatch: pytest.MonkeyPatch):
    """Everywhere that a folder may be named; who types another is told what there is."""
    monkeypatch.setattr("signals.controllers.learned.SHIPPED", policy.parent)
    decision = build(f"learned:{policy.name}", ONE, PlanFile.model_construct(plan=())).decide(calm(ONE))
    assert decision.reason(0).startswith("learned: ")
    assert digest("learned", Path(policy.name)) == digest("learned", policy)
    with pytest.raises(ConfigError, match=r"learned: genius: no such file, and none .* come along: \['policy'\]"):
        build("learned:genius", ONE, PlanFile.model_construct(plan=()))


@pytest.mark.parametrize("file", ["policy.npz", "manifest.json"])
def test_the_digest_covers_both_files(policy: Path, file: str):
    """A result is never mixed with that of another policy in the same folder."""
    before = digest("learned", policy)
    assert digest("learned", policy) == before
    (policy / file).write_bytes((policy / file).read_bytes() + b" ")
    assert digest("learned", policy) != before


def test_the_street_needs_no_torch(policy: Path):
    """Neither the core nor the analyst's door imports what only training needs."""
    lines = [
        "import sys, evaluate, pathlib",
        "from signals.controllers.learned import load",
        f"load(pathlib.Path({str(policy)!r}))",
        "print(sorted({'torch', 'gymnasium', 'stable_baselines3', 'sb3_contrib', 'models'} & set(sys.modules)))",
    ]
    result = subprocess.run([sys.executable, "-c", "\n".join(lines)], cwd=ROOT, capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr
