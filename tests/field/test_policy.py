"""A policy that nobody has approved, or that is booby-trapped, runs nowhere: one line, before anything is opened."""

from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from rich.console import Console
from typer.testing import CliRunner

import control
from field.run import Run, run_site
from field.site_file import load
from signals.controllers import digest
from signals.errors import ConfigError
from tests.field.test_site import written
from tests.signals.states import write_policy

FEATURES = ("queue", "shortest_gap")


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return write_policy(tmp_path / "policy", FEATURES)


def site(folder: Path, *lines: str, level: str = "hold") -> Path:
    controller = "\n".join(['controller = "learned:policy"', *lines])
    return written(folder, ('controller = "adaptive"', controller), ('level = "hold"', f'level = "{level}"'))


def approved(policy: Path) -> str:
    return f'policy_sha256 = "{digest("learned", policy)}"'


def signed(policy: Path, key: Ed25519PrivateKey) -> str:
    """As openssl would; the line for the site."""
    (policy / "manifest.json.sig").write_bytes(key.sign((policy / "manifest.json").read_bytes()))
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (policy.parent / "key.pem").write_bytes(pem)
    return 'policy_key = "key.pem"'


def test_the_approved_policy_is_taken(policy: Path, tmp_path: Path):
    assert load(site(tmp_path, approved(policy))).controller.startswith("learned:")


def test_in_shadow_a_policy_needs_no_approval(policy: Path, tmp_path: Path):
    """But it is refused where another was approved."""
    load(site(tmp_path, level="shadow"))
    with pytest.raises(ConfigError, match=f"policy_sha256 = {'0' * 64}, the policy there has"):
        load(site(tmp_path, f'policy_sha256 = "{"0" * 64}"', level="shadow"))


def test_without_approval_the_line_shows_what_to_approve(policy: Path, tmp_path: Path):
    with pytest.raises(ConfigError, match=f"policy_sha256 = none, the policy there has {digest('learned', policy)}"):
        load(site(tmp_path))


@pytest.mark.parametrize("file", ["policy.npz", "manifest.json"])
def test_a_policy_that_was_changed_after_its_approval_is_refused(policy: Path, tmp_path: Path, file: str):
    """Even where the manifest was made to fit the arrays."""
    line = approved(policy)
    if file == "policy.npz":
        write_policy(policy, FEATURES, score_weight=np.full(4, 2.0))
    else:
        (policy / file).write_text((policy / file).read_text() + "\n")
    with pytest.raises(ConfigError, match=r"policy_sha256 = .*, the policy there has"):
        load(site(tmp_path, line))


def test_a_signed_policy_is_taken(policy: Path, tmp_path: Path):
    load(site(tmp_path, approved(policy), signed(policy, Ed25519PrivateKey.generate())))


@pytest.mark.parametrize("bad", ["another key", "cut off", "missing", "changed", "no key", "another kind of key"])
def test_a_signature_that_does_not_fit_is_refused_in_one_line(policy: Path, tmp_path: Path, bad: str):
    """Whoever approved the digest."""
    line, signature, key = (
        signed(policy, Ed25519PrivateKey.generate()),
        policy / "manifest.json.sig",
        tmp_path / "key.pem",
    )
    pem = key.read_bytes()
    if bad == "another key":
        signed(policy, Ed25519PrivateKey.generate())
        key.write_bytes(pem)
    elif bad == "cut off":
        signature.write_bytes(signature.read_bytes()[:-1])
    elif bad == "missing":
        signature.unlink()
    elif bad == "changed":
        (policy / "manifest.json").write_text((policy / "manifest.json").read_text() + "\n")
    elif bad == "no key":
        key.write_bytes(b"-----BEGIN PUBLIC KEY-----\n")
    else:
        other = generate_private_key(SECP256R1()).public_key()
        key.write_bytes(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(ConfigError, match=r"manifest\.json\.sig: |key\.pem: policy_key is ") as refused:
        load(site(tmp_path, approved(policy), line))
    assert "\n" not in str(refused.value)


def test_a_digest_beside_another_controller_is_a_mistake(tmp_path: Path):
    with pytest.raises(ConfigError, match="controller adaptive: policy_sha256 and policy_key go with learned:DIR only"):
        load(written(tmp_path, ('controller = "adaptive"', f'policy_sha256 = "{"0" * 64}"')))


def test_nothing_runs_with_a_booby_trapped_policy(policy: Path, tmp_path: Path):
    """No cabinet is asked; on the command line it is one line and the exit status of bad input."""
    file = site(tmp_path, approved(policy))
    write_policy(policy, FEATURES, score_weight=np.array([{"a": 1}] * 4, object))

    def never(*_: object) -> None:
        raise AssertionError("a cabinet was asked")

    with pytest.raises(ConfigError, match="array score_weight: holds a pickle"):
        run_site(Run(file), Console(), never)  # type: ignore[arg-type]
    for command in ("run", "check", "describe"):
        told = CliRunner().invoke(control.app, [command, str(file)])
        assert told.exit_code == 2
        assert len(told.stderr.strip().splitlines()) == 1
        assert "holds a pickle" in told.stderr
