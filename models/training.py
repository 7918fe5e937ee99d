"""One training from its settings to the exported policy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from zipfile import BadZipFile

import torch
from sb3_contrib import MaskablePPO

from experiments.console import complain, errors, list_warnings
from experiments.engine import Engine, stop_requests
from models.checkpoints import LAST, TrainingFolder
from models.curve import draw_curve
from models.evaluations import Evaluations, Judge
from models.export import start_from
from models.exporter import Exporter
from models.imitation import follow_policy, follow_rule, imitate, teach_returns, watch
from models.network import StagePolicy
from models.settings import TRAINING_DRAWS, TrainingSettings, terms_of
from models.simulations import Simulation
from models.vec_env import JunctionVecEnv
from models.watch import Watch
from models.worker import Task
from signals.controllers.learned import doubts, load, policy_folder
from signals.errors import ConfigError


def train(settings: TrainingSettings, out: Path, resume: bool, command: str, engine: Engine | None = None) -> int:
    """Train, keep and evaluate checkpoints, export the best into `out` and the last beside; the decisions taken.

    Ctrl-C ends it early, with a checkpoint and an export of what is there; KeyboardInterrupt is raised then.
    engine: where simulations and evaluations run; None: here.
    """
    torch.set_num_threads(1)  # the networks are small: more threads cost more than they bring
    training = Training(settings, TrainingFolder(out), command, engine)
    checkpoint = training.folder.begin(settings, resume)
    with stop_requests() as stops:
        model = training.learn(checkpoint, stops)
    training.export(model)
    if stops:
        complain(
            f"stopped after {model.num_timesteps} decisions, saved and exported in {out}; --resume goes on from there"
        )
        raise KeyboardInterrupt
    return int(model.num_timesteps)


class Training:
    """One training and its folder."""

    def __init__(
        self,
        settings: TrainingSettings,
        folder: TrainingFolder,
        command: str,
        engine: Engine | None = None,
        judge: Judge | None = None,
    ) -> None:
        """judge: told the delay in s after so many decisions; whatever it raises ends the training."""
        self.settings, self.folder, self._judge = settings, folder, judge
        self._simulation = simulations(engine)
        self._evaluations = Evaluations(folder.out, settings, engine)
        self._exporter = Exporter(settings, command)

    def learn(self, checkpoint: Path | None, stops: list[int]) -> MaskablePPO:
        """The learner after all its decisions, or fewer where `stops` has something."""
        begun = 0 if checkpoint is None else int(checkpoint.stem.removeprefix("decisions-"))
        env = JunctionVecEnv(tasks(self.settings, begun), self._simulation)
        try:
            model = self._new(env, stops) if checkpoint is None else _resumed(checkpoint, env)
            if begun < self.settings.steps:
                self._practise(model, begun, stops)
        finally:
            env.close()
        return model

    def _new(self, env: JunctionVecEnv, stops: Sequence[int]) -> MaskablePPO:
        model = new_model(self.settings, env, self.folder.out / "tensorboard")
        warm_start(model, env, self.settings, stops)
        if stops:
            complain("stopped before anything was learned; the same command begins again")
            raise KeyboardInterrupt
        return model

    def _practise(self, model: MaskablePPO, begun: int, stops: list[int]) -> None:
        more = self.settings.steps - begun
        rollout = model.n_steps * model.n_envs  # one that is begun is finished
        through = begun + math.ceil(more / rollout) * rollout
        evaluate = (lambda: self._evaluate(model)) if self._evaluations.wanted else None
        with Watch(self.folder, self.settings.checkpoint_steps, begun, through, stops, evaluate) as watch:
            model.learn(more, callback=watch, reset_num_timesteps=not begun)
            watch.save()

    def _evaluate(self, model: MaskablePPO) -> str:
        """What the policy is worth now, in words; for TensorBoard too."""
        last, evaluations = self.folder.out / LAST, self._evaluations
        self._exporter.write(model, last)
        evaluations.baselines()
        delay_s = evaluations.policy(last, model.num_timesteps)
        model.logger.record("evaluation/delay_s", delay_s)
        if self._judge:
            self._judge(model.num_timesteps, delay_s)
        others = ", ".join(f"{name} {of:.1f} s" for name, of in evaluations.of_baselines().items())
        is_best = evaluations.best() == model.num_timesteps
        best = "the best so far" if is_best else f"best {evaluations.curve().min():.1f} s"
        return f"delay {delay_s:.1f} s, {best} ({others})"

    def export(self, model: MaskablePPO) -> None:
        """The last checkpoint, and the best one; without evaluations that is the last."""
        recorded = model.rollout_buffer.observations.reshape(-1, *model.observation_space.shape)
        self._exporter.write(model, self.folder.out / LAST, recorded)
        best = self._evaluations.best()
        file = self.folder.checkpoint(model.num_timesteps if best is None else best)
        self._exporter.write(_loaded(file) if file.is_file() else model, self.folder.out, recorded)
        if best is not None:
            draw_curve(self._evaluations, self.folder.out / "learning-curve.svg")


def simulations(engine: Engine | None) -> Callable[[Task], Simulation] | None:
    """What opens each simulation; None for a process here. Connects before anybody else listens for Ctrl-C."""
    if engine is None:
        return None
    from models.ray_simulations import RaySimulation

    engine.connect()
    return RaySimulation


def warm_start(model: MaskablePPO, env: JunctionVecEnv, settings: TrainingSettings, stops: Sequence[int]) -> None:
    """Begin with a policy's weights, or with what the rule does; and with what its decisions are worth."""
    policy: StagePolicy = model.policy
    if settings.start_from:
        folder = policy_folder(settings.start_from)
        list_warnings(doubts(folder))
        start_from(policy.scores, load(folder))
    if not settings.imitation_steps or stops:
        return
    choose = follow_policy(policy) if settings.start_from else follow_rule(settings.features)
    errors.print(f"follows {settings.start_from or 'the rule'} for {settings.imitation_steps} decisions", markup=False)
    examples = watch(env, choose, settings.imitation_steps, settings.discount, stops)
    if not settings.start_from:
        alike = imitate(policy, examples, settings.imitation_doubt, settings.seed)
        errors.print(f"imitates the rule in {alike:.1%} of its choices", markup=False)
    teach_returns(policy, examples, settings.seed)


def tasks(settings: TrainingSettings, begun: int) -> list[Task]:
    """What each worker practises."""
    terms = terms_of(settings)
    return [
        Task(
            settings.scenarios,
            settings.demand,
            settings.faults,
            settings.features,
            TRAINING_DRAWS,
            settings.episode_s,
            terms,
            settings.seed,
            number,
            begun,
        )
        for number in range(settings.workers)
    ]


def new_model(settings: TrainingSettings, env: JunctionVecEnv, tensorboard: Path | None) -> MaskablePPO:
    """An untrained learner."""
    return MaskablePPO(
        StagePolicy,
        env,
        learning_rate=falling(settings.learning_rate),
        n_steps=max(1, settings.rollout // env.num_envs),
        batch_size=settings.batch,
        n_epochs=settings.epochs,
        gamma=settings.discount,
        gae_lambda=settings.advantage_decay,
        clip_range=settings.clip,
        ent_coef=settings.entropy,
        seed=settings.seed,
        policy_kwargs={"hidden": settings.hidden},
        tensorboard_log=str(tensorboard) if tensorboard else None,
        device="cpu",
    )


def _resumed(checkpoint: Path, env: JunctionVecEnv) -> MaskablePPO:
    model = _loaded(checkpoint, env)
    model.set_random_seed(model.seed + model.num_timesteps)  # not the explorations of its beginning once more
    return model


def _loaded(checkpoint: Path, env: JunctionVecEnv | None = None) -> MaskablePPO:
    try:
        return MaskablePPO.load(checkpoint, env=env, device="cpu")
    except (ValueError, OSError, KeyError, EOFError, RuntimeError, BadZipFile) as error:
        raise ConfigError(f"{checkpoint}: no checkpoint that fits: {' '.join(str(error).split())}") from error


def falling(first: float) -> Callable[[float], float]:
    """A step size that falls linearly to 0; its argument is the share of the training that remains."""
    return lambda remaining: first * remaining
