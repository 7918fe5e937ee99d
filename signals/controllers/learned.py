"""`learned`: a trained policy, run with numpy alone from the files that `train.py` exports.

The policy scores every stage and the best eligible one is asked for, every `decision_s` as in training; in between it
holds. Where it has no usable decision (a score that is no number), `adaptive` decides instead, and says so.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

import numpy as np
from pydantic import Field, ValidationError

from signals.controllers.adaptive import Adaptive, AdaptiveSettings
from signals.controllers.choices import Choices
from signals.controllers.common import stage_or_hold
from signals.controllers.rule import rule_digest
from signals.errors import ConfigError
from signals.features import FEATURES, Encoder
from signals.intersection import Frozen, first_error
from signals.layout import Layout
from signals.values import TRANSITION, Bools, Decision, Floats, Mode, TrafficState

FORMAT = 1
RULE = "rule"
"""The feature that is the wish of `adaptive`."""
SHIPPED = Path(__file__).resolve().parents[2] / "policies"
POLICY_FILE, MANIFEST_FILE = "policy.npz", "manifest.json"
MOST_HIDDEN = 1024
MOST_BYTES = {POLICY_FILE: 64 << 20, MANIFEST_FILE: 1 << 20}
MOST_HEADER_BYTES = 4096
"""Of one array in the archive, before its numbers."""
SUFFIX, WIDEST_BYTES = ".npy", 16
NOT_ARRAYS = (ValueError, OSError, EOFError, BadZipFile, AttributeError, NotImplementedError, RuntimeError, zlib.error)
"""What zipfile and numpy raise of archives that are broken, encrypted or packed in another way."""
WORDING = (
    "interstage",
    "learned: holds, {number:.0f} s since its decision",
    "learned: keeps green, score {number:.2f}",
    "learned: stage {stage} scores {number:.2f}, the best",
    "learned: keeps green, {number:.0f} s so far, no other is eligible",
    "learned: stage {stage}, no other is eligible",
)
HOLDS, KEEPS, BEST, ALONE, FORCED = range(1, 6)
REPLACED = "learned: replaced by adaptive, "


class Manifest(Frozen):
    """What a policy needs to be run, and in `training` where it comes from, which nothing here reads.

    rule_sha256: the `adaptive` that it was trained beside, see `rule_digest`; empty where nothing says which.
    """

    format: Literal[1]
    features: Annotated[tuple[str, ...], Field(min_length=1)]
    hidden: Annotated[int, Field(ge=1, le=MOST_HIDDEN)]
    decision_s: Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)]
    minimum_green_s: Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)]
    policy_sha256: str
    rule_sha256: str = ""
    training: Annotated[dict[str, Any], Field(default_factory=dict)]


@dataclass(frozen=True)
class Policy:
    """A policy's manifest and weights, checked; `scores` has the formula."""

    manifest: Manifest
    embed_weight: Floats  # [F, H]
    embed_bias: Floats  # [H]
    compare_own_weight: Floats  # [H, H] of the stage's own embedding
    compare_rivals_weight: Floats  # [H, H] of the mean over all stages
    compare_bias: Floats  # [H]
    score_weight: Floats  # [H]
    score_bias: Floats  # []

    def scores(self, features: Floats, has_stage: Bools) -> Floats:
        """[J, S, F] → [J, S]: each stage embedded, compared with the mean of its junction's, scored."""
        exists = has_stage[:, :, None]
        with np.errstate(over="ignore", invalid="ignore"):  # a score that is no number is for the caller to replace
            embedded = np.maximum(features @ self.embed_weight + self.embed_bias, 0.0)
            rivals = (embedded * exists).sum(axis=1, keepdims=True) / np.maximum(exists.sum(axis=1, keepdims=True), 1)
            own = embedded @ self.compare_own_weight + rivals @ self.compare_rivals_weight
            scores: Floats = np.maximum(own + self.compare_bias, 0.0) @ self.score_weight + self.score_bias
        return scores


def shapes(features: int, hidden: int) -> dict[str, tuple[int, ...]]:
    """The arrays of a policy file."""
    return {
        "embed_weight": (features, hidden),
        "embed_bias": (hidden,),
        "compare_own_weight": (hidden, hidden),
        "compare_rivals_weight": (hidden, hidden),
        "compare_bias": (hidden,),
        "score_weight": (hidden,),
        "score_bias": (),
    }


class Learned:
    """Runs a policy; remembers when it last decided."""

    def __init__(self, layout: Layout, policy: Policy) -> None:
        self._layout, self._policy = layout, policy
        self._rule = Adaptive(layout, AdaptiveSettings())
        self._encoder = Encoder(layout, self._rule, policy.manifest.features)
        self._choices = Choices(layout, policy.manifest.minimum_green_s)
        self._rows = np.arange(len(layout.intersections))
        self._decided_s = -np.inf
        self._hold = np.full(self._rows.size, np.int8(Mode.HOLD))

    def decide(self, traffic: TrafficState) -> Decision:
        """The best eligible stage, or the one that stands between two decisions."""
        since_s = traffic.time_s - self._decided_s
        if 0 <= since_s < self._policy.manifest.decision_s:
            return self._holds(traffic, since_s)
        self._decided_s, traffic = traffic.time_s, self._choices.narrow(traffic)
        scores = self._policy.scores(self._encoder.encode(traffic), self._layout.has_stage)
        allowed = traffic.eligible & self._layout.has_stage
        usable = self._usable(scores, allowed)
        decided = self._best(traffic, scores, allowed)
        return decided if usable.all() else self._replaced(traffic, decided, ~usable)

    def _holds(self, traffic: TrafficState, since_s: float) -> Decision:
        why = np.where(traffic.stage == TRANSITION, 0, HOLDS)
        number = np.full(self._rows.size, since_s)
        return Decision(traffic.time_s, self._hold, traffic.last_stage, why, number, WORDING)

    def _usable(self, scores: Floats, allowed: Bools) -> Bools:
        """Where [J] every stage has a number and some stage may be asked for."""
        scored = np.isfinite(scores) | ~self._layout.has_stage
        usable: Bools = np.logical_and.reduce(scored, axis=1) & np.logical_or.reduce(allowed, axis=1)
        return usable

    def _best(self, traffic: TrafficState, scores: Floats, allowed: Bools) -> Decision:
        stage = np.where(allowed, scores, -np.inf).argmax(axis=1)
        alone, stays = allowed.sum(axis=1) == 1, stage == traffic.last_stage
        why = np.where(alone, np.where(stays, ALONE, FORCED), np.where(stays, KEEPS, BEST))
        number = np.where(why == ALONE, traffic.elapsed_green_s, scores[self._rows, stage])
        return stage_or_hold(traffic, stage, why, number, WORDING)

    def _replaced(self, traffic: TrafficState, decided: Decision, lost: Bools) -> Decision:
        """The rule's decision where the policy's is lost, under its own reason."""
        rule = self._rule.decide(traffic)
        return Decision(
            traffic.time_s,
            np.where(lost, rule.mode, decided.mode),
            np.where(lost, rule.stage, decided.stage),
            np.where(lost, rule.why + len(WORDING), decided.why),
            np.where(lost, rule.number, decided.number),
            WORDING + tuple(REPLACED + reason for reason in rule.wording),
        )


def policy_folder(name: str) -> Path:
    """The folder of that path, or the policy of that name that comes along. Raises `ConfigError` for neither."""
    for folder in (Path(name), SHIPPED / name):
        if folder.exists():
            return folder
    shipped = sorted(path.parent.name for path in SHIPPED.glob(f"*/{MANIFEST_FILE}"))
    raise ConfigError(f"controller learned: {name}: no such file, and none of those that come along: {shipped}")


def load(folder: Path) -> Policy:
    """Read an exported policy. Raises `ConfigError` in one line for whatever does not fit."""
    manifest = _manifest(folder / MANIFEST_FILE)
    content = _read(folder / POLICY_FILE)
    if hashlib.sha256(content).hexdigest() != manifest.policy_sha256:
        raise ConfigError(f"{folder / POLICY_FILE}: not the file that {MANIFEST_FILE} describes: its sha256 differs")
    return Policy(manifest, **_arrays(folder / POLICY_FILE, content, manifest))


def doubts(folder: Path) -> list[str]:
    """What speaks against a policy without forbidding it: that `adaptive` is not the one that it was trained beside."""
    manifest = load(folder).manifest
    if RULE not in manifest.features or manifest.rule_sha256 == rule_digest():
        return []
    then = f"{manifest.rule_sha256:.12}" if manifest.rule_sha256 else "of which nothing is said"
    return [f"{folder}: trained beside another adaptive ({then}, now {rule_digest():.12}): what it is worth is unknown"]


def _manifest(path: Path) -> Manifest:
    try:
        manifest = Manifest.model_validate(json.loads(_read(path)))
    except (ValueError, RecursionError) as error:  # pydantic's, json's, and of brackets without an end
        detail = first_error(error) if isinstance(error, ValidationError) else f"is not JSON: {error}"
        raise ConfigError(f"{path}: {detail}") from error
    unknown = [name for name in manifest.features if name not in FEATURES]
    if unknown:
        raise ConfigError(f"{path}: feature {unknown[0]}: unknown, must be one of {', '.join(FEATURES)}")
    return manifest


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MOST_BYTES[path.name]:
            raise ConfigError(f"{path}: {size} bytes, must be at most {MOST_BYTES[path.name]}")
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def _arrays(path: Path, content: bytes, manifest: Manifest) -> dict[str, Floats]:
    """The weights. Nothing is unpickled, and nothing unpacked that is not as large as the manifest says."""
    wanted = {f"{name}{SUFFIX}": shape for name, shape in shapes(len(manifest.features), manifest.hidden).items()}
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            members = archive.namelist()
            for member in sorted(wanted.keys() ^ members):
                raise _StrangeError(f"{member.removesuffix(SUFFIX)}: {'missing' if member in wanted else 'unknown'}")
            if len(members) != len(wanted):
                raise _StrangeError(f"{max(members, key=members.count).removesuffix(SUFFIX)}: appears twice")
            return {name.removesuffix(SUFFIX): _array(archive, name, shape) for name, shape in wanted.items()}
    except NOT_ARRAYS as error:
        raise ConfigError(f"{path}: not a file of plain arrays: {error}") from error
    except _StrangeError as error:
        raise ConfigError(f"{path}: array {error}") from error


class _StrangeError(Exception):
    """An array is not the one that the manifest describes."""


def _array(archive: ZipFile, member: str, shape: tuple[int, ...]) -> Floats:
    """One array, unpacked after its header was seen to be as it must. Raises `_StrangeError`, and what numpy raises."""
    name = member.removesuffix(SUFFIX)
    packed, most = archive.getinfo(member), math.prod(shape) * WIDEST_BYTES + MOST_HEADER_BYTES
    if packed.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise _StrangeError(f"{name}: packed by method {packed.compress_type}, must be {ZIP_STORED} or {ZIP_DEFLATED}")
    with archive.open(member) as stream:
        head = io.BytesIO(stream.read(MOST_HEADER_BYTES))
    version = np.lib.format.read_magic(head)
    if version != (1, 0):
        raise _StrangeError(f"{name}: version {version}, must be (1, 0)")
    found, _, dtype = np.lib.format.read_array_header_1_0(head)
    if dtype.hasobject:
        raise _StrangeError(f"{name}: holds a pickle, must be float {shape}")
    if found != shape or dtype.kind != "f":
        raise _StrangeError(f"{name}: {dtype} {found}, must be float {shape}")
    if packed.file_size > most:
        raise _StrangeError(f"{name}: {packed.file_size} bytes, must be at most {most}")
    array: Floats = np.lib.format.read_array(io.BytesIO(archive.read(member)), allow_pickle=False).astype(np.float64)
    if not np.isfinite(array).all():
        raise _StrangeError(f"{name}: {np.sum(~np.isfinite(array))} values are no number, must be 0")
    return array
