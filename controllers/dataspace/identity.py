"""A node's own folder: its signing key, its certificate, its analyst's key, its sealing key.

    node.json           DID, name, role and environment, for people to read
    identity.seed       32 bytes, hex: signs for the organisation in this space
    analyst.seed        32 bytes, hex: countersigns each run of the organisation's own plans
    sealing.key         seals cases and results that rest in the database
    peer.key, peer.crt  what the node shows its peers

The folder has mode 0700 and every file 0600; a node does not start if others may read them.
"""

from __future__ import annotations

import json
import secrets as random
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from controllers.dataspace.certificates import (
    der_of,
    fingerprint,
    make_certificate,
    require_environment,
)
from controllers.secrets import write_private
from core.errors import ConfigurationError, Conflict
from core.proof import SeedSigner
from core.secret import Secret
from dataspace.agreeing.agreement import Environment, Participant

_SEED = 32
_PRIVATE = ("node.json", "identity.seed", "analyst.seed", "sealing.key", "peer.key")


@dataclass(frozen=True, slots=True)
class Identity:
    """What a node is, and the keys it acts with. `folder` holds the files for TLS."""

    folder: Path
    did: str
    name: str
    role: str
    environment: Environment
    signer: SeedSigner
    analyst: SeedSigner
    sealing_key: Secret
    certificate: str  # PEM

    def __repr__(self) -> str:
        return f"Identity({self.did})"

    @property
    def der(self) -> bytes:
        """The certificate as its peers see it."""
        return der_of(self.certificate)

    @property
    def certificate_file(self) -> Path:
        return self.folder / "peer.crt"

    @property
    def key_file(self) -> Path:
        return self.folder / "peer.key"

    @property
    def method(self) -> str:
        """The verification method that its proofs name."""
        return method_of(self.did, self.signer.multikey)

    def participant(self, host: str, port: int, **flags: Any) -> Participant:
        """The entry of this node in the terms of an agreement."""
        return Participant(
            did=self.did,
            name=self.name,
            role=self.role,
            key=self.signer.multikey,
            certificate=fingerprint(self.der),
            host=host,
            port=port,
            **flags,
        )


def method_of(did: str, multikey: str) -> str:
    """The verification method of a key that an agreement or a plan names for a DID."""
    return f"{did}#{multikey}"


def create_identity(
    folder: Path, *, did: str, name: str, role: str, environment: Environment, at: datetime
) -> Identity:
    """Make a node's folder. Raises Conflict if there is an identity already."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (folder / "node.json").exists():
        raise Conflict("There is a node in this folder already; it keeps its identity")
    folder.chmod(0o700)
    made = make_certificate(name, environment, at)
    for file in ("identity.seed", "analyst.seed"):
        write_private(folder / file, random.token_hex(_SEED))
    write_private(folder / "sealing.key", random.token_urlsafe(_SEED))
    write_private(folder / "peer.key", made.key.decode())
    write_private(folder / "peer.crt", made.certificate.decode())
    about = {"did": did, "name": name, "role": role, "environment": environment.value}
    write_private(folder / "node.json", json.dumps(about, indent=1, ensure_ascii=False))
    return load_identity(folder)


def load_identity(folder: Path) -> Identity:
    """The identity that was made before.

    Raises ConfigurationError (there is none, or others may read it), VerificationError (its
    certificate is one of the other environment).
    """
    _require_private(folder)
    try:
        about = json.loads((folder / "node.json").read_text())
        environment = Environment(about["environment"])
        pem = (folder / "peer.crt").read_text()
        require_environment(der_of(pem), environment)
        return Identity(
            folder=folder,
            did=about["did"],
            name=about["name"],
            role=about["role"],
            environment=environment,
            signer=SeedSigner(_seed(folder / "identity.seed")),
            analyst=SeedSigner(_seed(folder / "analyst.seed")),
            sealing_key=Secret((folder / "sealing.key").read_text()),
            certificate=pem,
        )
    except OSError as err:
        raise ConfigurationError(
            f"{Path(err.filename).name} is missing in this node's folder; take it from a backup"
        ) from err
    except (KeyError, ValueError) as err:
        raise ConfigurationError(
            "A file of this node's folder is damaged; take the folder from a backup"
        ) from err


def _seed(path: Path) -> bytes:
    seed = bytes.fromhex(path.read_text())
    if len(seed) != _SEED:
        raise ValueError("a seed has 32 bytes")
    return seed


def _require_private(folder: Path) -> None:
    if not (folder / "node.json").exists():
        raise ConfigurationError(
            "There is no node in this folder yet; `haven dataspace node init` makes one"
        )
    open_to_others = [
        name
        for name in _PRIVATE
        if (folder / name).exists() and (folder / name).stat().st_mode & 0o077
    ]
    if folder.stat().st_mode & 0o077 or open_to_others:
        raise ConfigurationError(
            "This node's folder can be read by others; "
            f"`chmod -R go-rwx {folder}` closes it and every file in it"
        )
