"""A site: one cabinet, the junction that it serves, how far we may go there. A TOML file; unknown keys are errors.

Paths in it are relative to its own folder. No secret is in it: `field.secrets` reads those.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from field.cabinet import Level
from signals.controllers import split_name
from signals.intersection import Frozen


def _beside(path: Path, info: ValidationInfo) -> Path:
    return (info.context or {}).get("folder", Path()) / path


def _once(what: str, values: Sequence[object]) -> None:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"{what} {value} appears twice")


def _controller(text: str, info: ValidationInfo) -> str:
    name, file = split_name(text)
    return f"{name}:{_beside(Path(file), info)}" if file else name


FilePath = Annotated[Path, AfterValidator(_beside)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Host = Annotated[str, Field(min_length=1, max_length=253)]
Port = Annotated[int, Field(ge=1, le=65535)]
PhaseNumber = Annotated[int, Field(ge=1, le=255)]
PatternNumber = Annotated[int, Field(ge=1, le=253)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Junction(Frozen):
    """What is built: an intersection's file, with its plans, or one junction of a scenario."""

    file: FilePath | None = None
    plans: FilePath | None = None
    scenario: str | None = None
    junction: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.file is None) == (self.scenario is None):
            raise ValueError("must have a file, or a scenario and its junction")
        if (self.scenario is None) != (self.junction is None):
            raise ValueError("scenario and junction go together")
        if self.plans is not None and self.file is None:
            raise ValueError("plans go with a file; a scenario brings its own")
        return self


class Snmp(Frozen):
    """How to talk to it. v3 is authenticated and encrypted; v1 and v2c send their community in the clear.

    secrets: a file of mode 0600, or none: the environment (see `field.secrets`).
    """

    version: Literal["v1", "v2c", "v3"] = "v3"
    user: str = ""
    authentication: Literal["SHA-256", "SHA-1"] = "SHA-256"
    privacy: Literal["AES-128"] = "AES-128"
    secrets: FilePath | None = None
    allow_insecure: bool = False
    timeout_s: Annotated[float, Field(ge=0.01, le=10)] = 0.3
    retries: Annotated[int, Field(ge=0, le=5)] = 1
    max_varbinds: Annotated[int, Field(ge=1, le=128)] = 40

    @model_validator(mode="after")
    def _secure(self) -> Self:
        if self.version != "v3" and not self.allow_insecure:
            raise ValueError(f"version = {self.version} sends its community in the clear, must have allow_insecure")
        if self.version == "v3" and not self.user:
            raise ValueError("version = v3 must have a user")
        return self


class DetectorChannel(Frozen):
    """Where the cabinet has one of our loops.

    counts: vehicles from the cabinet's volume report, or from the pulses that we poll.
    """

    id: str
    channel: Annotated[int, Field(ge=1, le=255)]
    counts: Literal["report", "actuation"] = "report"


class NtcipSettings(Frozen):
    """An NTCIP 1202 cabinet. phases: ours to the cabinet's, by the same number where it is not named.

    approved: the sha256 of the phase, ring, concurrency and timing tables that `control.py check` showed and an
    engineer approved; while it is empty the site stays in shadow.
    """

    protocol: Literal["ntcip"]
    host: Host = "127.0.0.1"
    port: Port = 161
    snmp: Snmp
    phases: dict[PhaseNumber, PhaseNumber] = Field(default_factory=dict)
    detectors: tuple[DetectorChannel, ...] = ()
    actuation_polls_per_s: Annotated[int, Field(ge=0, le=10)] = 5
    max_backup_s: Annotated[int, Field(ge=1, le=600)] = 30
    approved: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")] = ""

    @model_validator(mode="after")
    def _one_to_one(self) -> Self:
        _once("phases", list(self.phases.values()))
        _once("detector", [d.id for d in self.detectors])
        _once("channel", [d.channel for d in self.detectors])
        return self


class PhaseLimit(Frozen):
    """What one phase of ours may have at level hold, beside the cabinet's own limits."""

    phase: PhaseNumber
    max_green_s: Annotated[float, Field(ge=5, le=600)] = 120.0
    max_red_s: Annotated[float, Field(ge=30, le=600)] = 240.0


class Pattern(Frozen):
    """A pattern of the cabinet's that level `pattern` may call, with the share of the cycle of each stage."""

    number: PatternNumber
    shares: Annotated[dict[str, Annotated[float, Field(gt=0, le=1)]], Field(min_length=1)]


class Hours(Frozen):
    """When we may engage, by the street's local time; `end` before `begin` goes past midnight."""

    days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WEEK
    begin: time = time(0)
    end: time = time(23, 59, 59)

    def include(self, now: datetime) -> bool:
        """Whether that moment is within."""
        today, clock = WEEK[now.weekday()], now.time()
        if self.begin <= self.end:
            return today in self.days and self.begin <= clock <= self.end
        return (today in self.days and clock >= self.begin) or (
            WEEK[now.weekday() - 1] in self.days and clock <= self.end
        )


class Broker(Frozen):
    """An MQTT broker; its password is a secret."""

    host: Host = "127.0.0.1"
    port: Port = 1883
    user: str = ""
    secrets: FilePath | None = None
    tls: bool = False


class MqttFeed(Broker):
    """Detector readings beside the cabinet's own."""

    kind: Literal["mqtt"]
    topic: Annotated[str, Field(min_length=1, max_length=256)]
    stale_s: Annotated[float, Field(gt=0, le=600)] = 5.0


class ReplayFeed(Frozen):
    """Detector readings of a recorded log."""

    kind: Literal["replay"]
    file: FilePath


Feed = Annotated[MqttFeed | ReplayFeed, Field(discriminator="kind")]


class Neighbours(Broker):
    """Where this junction's messages go and its neighbours' come from: `topic/<intersection>`."""

    topic: Annotated[str, Field(min_length=1, max_length=256)]
    stale_s: Annotated[float, Field(gt=0, le=600)] = 10.0


class Logging(Frozen):
    """Where the logs go and for how long they stay."""

    folder: FilePath = Path("logs")
    keep_days: Annotated[int, Field(ge=1, le=3660)] = 90


class Page(Frozen):
    """The live page and `/metrics`; sites that name one address share it. port: 0 finds a free one.

    secrets: a file of mode 0600 with `page_token`, by which an operator may release and acknowledge, or none: the
    environment (see `field.secrets`). Without a token nothing can be asked for there.
    """

    host: Host = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    secrets: FilePath | None = None


class Site(Frozen):
    """One site file. release_pattern: what is written to systemPatternControl on release, 0 for the cabinet's own.

    policy_sha256: of the learned policy that an engineer has approved; policy_key: a public key in PEM, where the
    policy has to be signed (see `field.policy`).
    """

    name: Name
    intersection: Junction
    cabinet: NtcipSettings
    level: Level = Level.SHADOW
    controller: Annotated[str, AfterValidator(_controller)] = "adaptive"
    policy_sha256: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")] = ""
    policy_key: FilePath | None = None
    phase_limits: tuple[PhaseLimit, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    hours: tuple[Hours, ...] = (Hours(),)
    release_pattern: Annotated[int, Field(ge=0, le=253)] = 0
    history: FilePath | None = None
    feeds: tuple[Feed, ...] = ()
    neighbours: Neighbours | None = None
    logging: Logging = Field(default=Logging(), validate_default=True)
    page: Page | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.level == Level.PATTERN and not self.patterns:
            raise ValueError("level = pattern must have at least one of patterns")
        return self

    def limit(self, phase: int) -> PhaseLimit:
        """Of one phase of ours."""
        return next((x for x in self.phase_limits if x.phase == phase), PhaseLimit(phase=phase))

    def open_at(self, now: datetime) -> bool:
        """Whether its hours of operation include that moment of its local time."""
        return any(hours.include(now) for hours in self.hours)
