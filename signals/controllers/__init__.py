"""Strategies by name. A controller is built from a layout, the plans that the place brings, and its own file."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable
from pathlib import Path

from signals import plans
from signals.controllers.actuated import Actuated, ActuatedSettings
from signals.controllers.adaptive import Adaptive, AdaptiveSettings
from signals.controllers.common import load_settings
from signals.controllers.existing import Existing
from signals.controllers.fixed_time import FixedTime
from signals.controllers.learned import MANIFEST_FILE, POLICY_FILE, Learned, policy_folder
from signals.controllers.learned import doubts as doubts_of_policy
from signals.controllers.learned import load as load_policy
from signals.controllers.max_pressure import MaxPressure, MaxPressureSettings
from signals.controllers.sighted import Sighted
from signals.errors import ConfigError
from signals.intersection import Frozen
from signals.layout import Layout
from signals.loop import Controller
from signals.plans import PlanFile

Builder = Callable[[Layout, PlanFile, Path | None], Controller]


def _existing(layout: Layout, _: PlanFile, __: Path | None) -> Controller:
    return Existing(layout)


def _fixed_time(layout: Layout, existing: PlanFile, file: Path | None) -> Controller:
    return FixedTime(layout, existing if file is None else plans.load(file))


def _actuated(layout: Layout, _: PlanFile, file: Path | None) -> Controller:
    return Actuated(layout, load_settings(ActuatedSettings, file))


def _max_pressure(layout: Layout, _: PlanFile, file: Path | None) -> Controller:
    return MaxPressure(layout, load_settings(MaxPressureSettings, file))


def _adaptive(layout: Layout, _: PlanFile, file: Path | None) -> Controller:
    return Adaptive(layout, load_settings(AdaptiveSettings, file))


def _learned(layout: Layout, _: PlanFile, file: Path | None) -> Controller:
    if file is None:
        raise ConfigError("controller learned: no policy, must be learned:DIR with the folder that train.py wrote")
    return Learned(layout, load_policy(file))


def file_of(name: str, file: str | None) -> Path | None:
    """A controller's own file; a policy may be named that comes along. Raises `ConfigError` where it is not there."""
    if file is None:
        return None
    if name == "learned":
        return policy_folder(file)
    if not Path(file).exists():
        raise ConfigError(f"controller {name}: {file}: no such file")
    return Path(file)


SETTINGS: dict[str, type[Frozen]] = {
    "actuated": ActuatedSettings,
    "max-pressure": MaxPressureSettings,
    "adaptive": AdaptiveSettings,
}
"""What a controller's FILE holds, where that is settings."""

CONTROLLERS: dict[str, tuple[str, Builder]] = {
    "existing": ("the network's own plan, left to itself and observed", _existing),
    "fixed-time": ("a timing plan by file (the network's own without one), driven through the stage port", _fixed_time),
    "actuated": ("stages in order: gap-out, max-out, passage time, skipped without a call", _actuated),
    "max-pressure": ("the stage that serves most within a short horizon, lost time paid for", _max_pressure),
    "adaptive": ("serves until nobody comes, then whoever is worth most; greens grow as the streets fill", _adaptive),
    "learned": ("a policy that train.py exported, by folder: learned:DIR, or by name: learned:generalist", _learned),
}


BLINDLY = ("existing", "fixed-time")
"""Those that follow a plan, whatever the loops say; all others leave a junction that they cannot see to its own."""


def split_name(controller: str) -> tuple[str, str | None]:
    """ "NAME:FILE" in two; the file is None where there is none."""
    name, _, file = controller.partition(":")
    return name, file or None


def check_controller(controller: str) -> None:
    """Raise `ConfigError` for a controller that is not there, with the nearest names, or a file that is not."""
    name, file = split_name(controller)
    if name not in CONTROLLERS:
        near = difflib.get_close_matches(name, CONTROLLERS, n=3, cutoff=0.3) or sorted(CONTROLLERS)
        raise ConfigError(f"controller {name}: unknown, nearest are {', '.join(near)}")
    file_of(name, file)


def doubts(controller: str) -> list[str]:
    """What to warn of before "NAME:FILE" is run: a policy that was trained beside another rule. See decision 0016."""
    name, file = split_name(controller)
    return doubts_of_policy(policy_folder(file)) if name == "learned" and file else []


def build(controller: str, layout: Layout, existing: PlanFile) -> Controller:
    """The controller that "NAME:FILE" says, for these junctions and the plans that the place brings."""
    check_controller(controller)
    name, file = split_name(controller)
    _, builder = CONTROLLERS[name]
    built = builder(layout, existing, file_of(name, file))
    return built if name in BLINDLY else Sighted(layout, built)


def digest(name: str, file: Path | None) -> str:
    """sha256 of what decides a controller's behaviour beside the code: its name and its file, or its policy's two."""
    file = policy_folder(str(file)) if name == "learned" and file is not None else file
    files = [file] if file is not None else []
    if file is not None and file.is_dir():
        files = [file / POLICY_FILE, file / MANIFEST_FILE]
    content = b"".join(each.read_bytes() for each in files if each.is_file())
    return hashlib.sha256(name.encode() + b"\0" + content).hexdigest()
