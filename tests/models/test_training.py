"""A training, short but whole: learn, checkpoint, resume, export, and run the export in SUMO."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.utils import get_action_masks

from experiments.case import Case, run_case
from models.checkpoints import TrainingFolder
from models.export import PARITY, export, largest_difference
from models.settings import TrainingSettings, read_settings, settings_of, terms_of
from models.training import new_model, tasks, train, warm_start
from models.vec_env import JunctionVecEnv
from signals.controllers.learned import load, shapes
from signals.controllers.rule import rule_digest
from signals.errors import ConfigError
from signals.features import FEATURES
from signals.layout import layout
from tests.models.places import short_place
from tests.signals.fakes import crossing, protected_left

SETTINGS = TrainingSettings(
    scenarios=("single",),
    steps=250,
    workers=1,
    hidden=16,
    rollout=128,
    batch=32,
    epochs=3,
    checkpoint_steps=128,
    learning_rate=0.01,
    imitation_steps=0,
    decision_s=5.0,
    minimum_green_s=8.0,
    discount=0.97,
    evaluation_draws=0,
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy after 256 decisions."""
    out = tmp_path_factory.mktemp("policies") / "short"
    assert train(SETTINGS, out, resume=False, command="train.py") == 256
    return out


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "copy"))


@pytest.fixture(scope="module")
def recorded() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What three real junctions saw under random stages, and which were eligible."""
    env = JunctionVecEnv(tasks(SETTINGS.model_copy(update={"scenarios": ("resco:cologne3",)}), begun=0))
    random, features, masks = np.random.default_rng(0), [env.reset()], [get_action_masks(env)]
    for _ in range(60):
        lots = np.where(masks[-1], random.random(masks[-1].shape), -1.0)
        features.append(env.step(lots.argmax(axis=1))[0])
        masks.append(get_action_masks(env))
    env.close()
    yield np.concatenate(features), np.concatenate(masks)


def further(settings: TrainingSettings, steps: int) -> TrainingSettings:
    return settings.model_copy(update={"steps": steps})


def learner(out: Path) -> MaskablePPO:
    checkpoint = TrainingFolder(out).newest()
    assert checkpoint is not None
    return MaskablePPO.load(checkpoint, device="cpu")


def test_the_manifest_says_what_was_trained_and_how(trained: Path):
    """Features, sizes, versions, digests, the command and the draws: enough to make it again."""
    manifest = json.loads((trained / "manifest.json").read_text())
    assert manifest["features"] == list(FEATURES)
    assert [manifest[key] for key in ("hidden", "decision_s", "minimum_green_s")] == [16, 5.0, 8.0]
    made = manifest["training"]
    assert (made["command"], made["steps"], made["draws"]) == ("train.py", 256, [100, 199])
    assert TrainingSettings.model_validate(made["settings"]) == SETTINGS
    assert {"torch", "stable-baselines3", "sb3-contrib", "libsumo", "python"} <= made["versions"].keys()
    assert {"commit", "network_digests", "detector_digests"} <= made.keys()


def test_the_weights_have_learned_something(trained: Path):
    """Untrained, all stages score alike."""
    assert np.abs(load(trained).score_weight).max() > 1e-3


def test_the_export_drives_a_street(trained: Path, tmp_path: Path):
    """By name and folder, from loops alone, through the same accounting as every controller."""
    row = run_case(Case("single", f"learned:{trained}", demand=0.2, draw=0), tmp_path)
    assert row["completed"] > 0
    assert row["controller"] == f"learned:{trained}"


def test_it_drives_junctions_that_it_never_saw(trained: Path, tmp_path: Path):
    """One set of weights for any number of stages."""
    row = run_case(Case("resco:cologne3", f"learned:{trained}", demand=0.1, draw=0), tmp_path)
    assert row["junctions_controlled"] == 3
    assert row["completed"] > 0


def test_the_best_checkpoint_is_exported_and_the_last_beside(tmp_path: Path):
    """Each is evaluated on development draws, from the start on; a policy that gets worse is not what is kept."""
    learning = {"steps": 64, "rollout": 64, "checkpoint_steps": 64, "imitation_steps": 60, "learning_rate": 0.1}
    evaluated = {"scenarios": (short_place(tmp_path, 200),), "evaluation_draws": 1, "demand": (0.5,)}
    settings = SETTINGS.model_copy(update=learning | evaluated)
    out = tmp_path / "out"
    assert train(settings, out, resume=False, command="train.py") == 64
    table = pd.read_csv(out / "evaluations.csv")
    delays = {key: rows["delay_s"].iloc[0] for key, rows in table.groupby(["controller", "decisions"])}
    assert set(delays) == {("existing", 0), ("adaptive", 0), *(("learned", after) for after in (0, 64))}
    best = min((delays["learned", after], after) for after in (0, 64))[1]
    steps = [json.loads((folder / "manifest.json").read_text())["training"]["steps"] for folder in (out, out / "last")]
    assert steps == [best, 64]
    assert (out / "learning-curve.svg").stat().st_size > 5000


def test_fine_tuning_starts_from_a_policy_s_weights(trained: Path, tmp_path: Path):
    """Its own decisions teach the critic alone; what it was made for is taken over."""
    flags = {"out": tmp_path, "scenarios": ["single"], "workers": 1, "start_from": f"learned:{trained}"}
    settings, out = read_settings(None, flags)
    assert (settings.hidden, settings.decision_s, settings.minimum_green_s) == (16, 5.0, 8.0)
    env = JunctionVecEnv(tasks(settings, begun=0))
    model = new_model(settings, env, None)
    warm_start(model, env, settings.model_copy(update={"imitation_steps": 20}), [])
    env.close()
    policy = export(model.policy.scores, out, terms_of(settings), {})
    for name in shapes(1, 1):
        np.testing.assert_array_equal(getattr(policy, name), getattr(load(trained), name))


def test_fine_tuning_keeps_to_what_the_policy_was_made_for(trained: Path):
    with pytest.raises(ConfigError, match=r"training: decision_s = 1\.0, must be 5\.0 as in "):
        read_settings(None, {"out": "x", "scenarios": ["single"], "decision_s": 1.0, "start_from": str(trained)})
    with pytest.raises(ConfigError, match="controller learned: nowhere: no such file"):
        read_settings(None, {"out": "x", "scenarios": ["single"], "start_from": "learned:nowhere"})


def test_numpy_and_torch_agree(trained: Path, recorded: tuple[np.ndarray, np.ndarray]):
    """On what was recorded they score alike to 1e-5 and decide the same."""
    features, mask = recorded
    scores, policy = learner(trained).policy.scores, load(trained)
    assert largest_difference(scores, policy, features) <= PARITY == 1e-5
    exists = features[:, :, list(FEATURES).index("exists")] > 0
    theirs, ours = scores(torch.as_tensor(features)).detach().numpy(), policy.scores(features.astype(float), exists)
    decided = [np.where(mask, of, -np.inf).argmax(axis=1) for of in (theirs, ours)]
    np.testing.assert_array_equal(*decided)


def test_a_wrong_export_is_noticed(trained: Path, recorded: tuple[np.ndarray, np.ndarray], tmp_path: Path):
    scores = learner(trained).policy.scores
    policy = export(scores, tmp_path, terms_of(SETTINGS), {})
    scores.score.bias.data += 1e-4
    assert largest_difference(scores, policy, recorded[0]) > PARITY


def test_equal_settings_give_equal_policies(trained: Path, tmp_path: Path):
    train(SETTINGS, tmp_path, resume=False, command="train.py")
    assert (tmp_path / "policy.npz").read_bytes() == (trained / "policy.npz").read_bytes()


def test_a_training_goes_on_from_its_newest_checkpoint(copied: Path):
    """Same weights, same optimiser, more decisions."""
    before = learner(copied)
    assert train(further(SETTINGS, 300), copied, resume=True, command="train.py --resume") == 384
    after = learner(copied)
    assert (before.num_timesteps, after.num_timesteps) == (256, 384)
    steps = [int(m.policy.optimizer.state_dict()["state"][0]["step"]) for m in (before, after)]
    assert steps == [2 * 12, 3 * 12]
    assert json.loads((copied / "manifest.json").read_text())["training"]["steps"] == 384
    assert sorted(path.name for path in (copied / "checkpoints").iterdir()) == [
        "decisions-000000128.zip",
        "decisions-000000256.zip",
        "decisions-000000384.zip",
    ]


def test_a_training_that_is_through_is_exported_again(copied: Path):
    """A policy file that was lost comes back as it was, from the checkpoint."""
    before = (copied / "policy.npz").read_bytes()
    (copied / "policy.npz").unlink()
    assert train(further(SETTINGS, 256), copied, resume=True, command="train.py --resume") == 256
    assert (copied / "policy.npz").read_bytes() == before


def test_a_folder_that_holds_a_training_is_not_overwritten(copied: Path):
    with pytest.raises(ConfigError, match=r"holds a training already \(decisions-000000256.zip\); --resume goes on"):
        train(further(SETTINGS, 300), copied, resume=False, command="train.py")


def test_another_training_is_not_resumed(copied: Path):
    other = SETTINGS.model_copy(update={"seed": 5})
    with pytest.raises(ConfigError, match="was trained with seed = 0, not 5"):
        train(further(other, 300), copied, resume=True, command="train.py --resume")


def test_a_training_is_not_resumed_beside_another_rule(copied: Path):
    """Half beside one `adaptive` and half beside another, it would be exported as if of the second alone."""
    assert json.loads((copied / "manifest.json").read_text())["rule_sha256"] == rule_digest()
    (copied / "rule.sha256").write_text("0" * 64 + "\n")
    with pytest.raises(
        ConfigError, match=r"rule\.sha256: trained beside another adaptive \(000000000000, now [0-9a-f]{12}\)"
    ):
        train(further(SETTINGS, 300), copied, resume=True, command="train.py --resume")


def test_there_must_be_something_to_resume(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"settings\.json: No such file or directory; there is no training to resume"):
        train(further(SETTINGS, 300), tmp_path, resume=True, command="train.py --resume")


def test_a_broken_checkpoint_is_named(copied: Path):
    (copied / "checkpoints" / "decisions-000000999.zip").write_bytes(b"PK half")
    with pytest.raises(ConfigError, match=r"decisions-000000999\.zip: no checkpoint that fits") as refused:
        train(further(SETTINGS, 2000), copied, resume=True, command="train.py --resume")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "choices, said",
    [
        ({"demand": (0.0,)}, r"training: demand\.0: .*greater than 0 \(given: 0\.0\)"),
        ({"demand": ()}, "training: demand: .*at least 1 item"),
        ({"steps": 0}, "training: steps: .*greater than or equal to 1"),
        ({"faults": ["deaf=0.2"]}, "deaf is unknown, must be one of dead, stuck-on"),
        ({"features": ["queue"]}, "features: exists must come first"),
        ({"features": ["exists", "moon"]}, "features: moon is unknown"),
        ({"features": ["exists", "queue"]}, "imitation needs rule and current"),
        ({"workers": 0}, "training: workers: .*greater than or equal to 1"),
        ({"decision_s": 60.0}, "training: decision_s: .*less than or equal to 10"),
        ({"decision_s": 2.5}, "decision_s = 2.5, must be a multiple of tick_s = 1"),
        ({"learning_rat": 0.1}, "training: learning_rat: Extra inputs are not permitted"),
    ],
)
def test_settings_out_of_bounds_are_refused_in_one_line(choices: dict, said: str):
    with pytest.raises(ConfigError, match=said) as refused:
        settings_of(**{"scenarios": ["single"]} | choices)
    assert "\n" not in str(refused.value)


def test_a_file_says_everything_and_flags_go_over_it(tmp_path: Path):
    file = tmp_path / "training.toml"
    file.write_text('scenarios = ["single"]\nout = "there"\nsteps = 7\nclip = 0.3\ndemand = [0.8, 1.2]\n')
    settings, out = read_settings(file, {"steps": 9, "out": None, "seed": None})
    assert (settings.steps, settings.clip, settings.demand, out) == (9, 0.3, (0.8, 1.2), Path("there"))


@pytest.mark.parametrize(
    "text, said",
    [
        ("scenarios = [", "training.toml: is not TOML: "),
        ('scenarios = ["single"]\nout = "x"\nlearning_rat = 1', "training: learning_rat: Extra inputs"),
        ('scenarios = ["single"]', "training: out: no folder, must be --out FOLDER, or out in the file"),
        ('out = "x"', "training: scenarios: Field required"),
        ('out = "x"\nscenarios = ["singel"]', "scenario 'singel' is unknown; nearest: single"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_one_line(tmp_path: Path, text: str, said: str):
    (tmp_path / "training.toml").write_text(text)
    with pytest.raises(ConfigError, match=said) as refused:
        read_settings(tmp_path / "training.toml", {})
    assert "\n" not in str(refused.value)


def test_every_setting_has_a_sentence():
    assert [
        name for name, field in TrainingSettings.model_fields.items() if not (field.description or "").endswith(".")
    ] == []


def test_scores_do_not_depend_on_the_order_or_padding_of_stages(trained: Path):
    """A stage is scored for what it offers beside its rivals, not for its number."""
    policy = load(trained)
    features = np.random.default_rng(1).random((1, 3, len(FEATURES)))
    exists, order = np.ones((1, 3), bool), [2, 0, 1]
    scores = policy.scores(features, exists)
    np.testing.assert_allclose(policy.scores(features[:, order], exists), scores[:, order])
    padded = np.concatenate([features, np.zeros((1, 2, len(FEATURES)))], axis=1)
    np.testing.assert_allclose(policy.scores(padded, np.array([[1, 1, 1, 0, 0]], bool))[:, :3], scores)


def test_a_policy_fits_any_layout(trained: Path):
    mixed = layout([crossing(), protected_left()])
    assert load(trained).scores(np.zeros((2, 4, len(FEATURES))), mixed.has_stage).shape == (2, 4)
