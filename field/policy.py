"""Whether a learned policy is the one that somebody answers for: by its digest, and by a signature where one is asked.

The manifest holds the sha256 of the arrays, so that the digest and a signature of it stand for both. A signature is
Ed25519's over the manifest, as `openssl pkeyutl -sign -rawin -inkey KEY -in manifest.json -out manifest.json.sig` makes
it.
"""

from __future__ import annotations

from pathlib import Path

from field.cabinet import Level
from field.site import Site
from signals.controllers import digest, split_name
from signals.controllers.learned import MANIFEST_FILE
from signals.controllers.learned import load as load_policy
from signals.errors import ConfigError

LEARNED, SIGNATURE_FILE = "learned", "manifest.json.sig"


def check_policy(site: Site) -> None:
    """Raises `ConfigError` where the site's policy is not a sound one, not the approved one or not signed."""
    name, file = split_name(site.controller)
    if name != LEARNED or file is None:
        if site.policy_sha256 or site.policy_key:
            raise ConfigError(f"controller {name}: policy_sha256 and policy_key go with {LEARNED}:DIR only")
        return
    folder = Path(file)
    load_policy(folder)
    found = digest(name, folder)
    if site.policy_sha256 != found and (site.policy_sha256 or site.level != Level.SHADOW):
        approved = site.policy_sha256 or "none"
        raise ConfigError(f"controller {site.controller}: policy_sha256 = {approved}, the policy there has {found}")
    if site.policy_key:
        _check_signature(folder, site.policy_key)


def _check_signature(folder: Path, key_file: Path) -> None:
    from cryptography.exceptions import InvalidSignature  # only a site that demands a signature needs it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    pem, signature, manifest = (_read(f) for f in (key_file, folder / SIGNATURE_FILE, folder / MANIFEST_FILE))
    try:
        key = load_pem_public_key(pem)
    except ValueError as error:
        raise ConfigError(f"{key_file}: policy_key is no public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(f"{key_file}: policy_key is another kind of key, must be Ed25519")
    try:
        key.verify(signature, manifest)
    except InvalidSignature as error:
        raise ConfigError(f"{folder / SIGNATURE_FILE}: not a signature of {MANIFEST_FILE} by {key_file}") from error


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
