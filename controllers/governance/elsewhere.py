"""Signing a draft away from the installation: a signer keeps her key to herself.

1. `export` writes the draft's document and the version that it follows.
2. The signer sees what it means, worked out on her own machine from these two, and signs.
3. `add-proof` brings her signature back; it is verified before it is kept.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from controllers.governance.consequences import Consequences, consequences
from core.errors import InvalidInput
from core.proof import SeedSigner
from governance import documents
from governance.engine import parse_framework
from governance.signing import digest_of, sign


@dataclass(frozen=True, slots=True)
class Exported:
    """A draft as a signer gets it."""

    draft: str
    before: dict[str, Any]
    document: dict[str, Any]


def write_json(file: Path, content: dict[str, Any]) -> None:
    """A new file. Raises InvalidInput if it is there already, or cannot be written."""
    try:
        with file.open("x", encoding="utf-8") as opened:
            json.dump(content, opened, ensure_ascii=False, indent=2)
            opened.write("\n")
    except FileExistsError as err:
        raise InvalidInput("This file is there already") from err
    except OSError as err:
        raise InvalidInput("This file cannot be written") from err


def read_json(file: Path) -> dict[str, Any]:
    """Raises InvalidInput."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as err:
        raise InvalidInput("This file cannot be read as JSON") from err
    if not isinstance(content, dict):
        raise InvalidInput("This file does not hold a JSON object")
    return content


def read_exported(file: Path) -> Exported:
    """Raises InvalidInput if it is no draft, or does not follow the version beside it."""
    content = read_json(file)
    try:
        found = Exported(str(content["draft"]), content["before"], content["document"])
        follows = found.document["previous"]["digest"] == digest_of(found.before)
    except (KeyError, TypeError, AttributeError) as err:
        raise InvalidInput("This file is not an exported draft") from err
    if not follows:
        raise InvalidInput("This draft does not follow the version that came with it")
    return found


def meaning(exported: Exported) -> Consequences:
    """What it changes, worked out here. Raises InvalidInput."""
    before, after = (
        parse_framework(documents.serialise(each))
        for each in (exported.before, exported.document)
    )
    return consequences(before, after)


def proof_by(
    exported: Exported, key_file: Path, method: str, created: datetime
) -> dict[str, Any]:
    """Sign with an Ed25519 key (PKCS #8, PEM). Raises InvalidInput."""
    if not method.startswith("did:") or "#" not in method:
        raise InvalidInput("The method is the DID URL of the key, such as did:web:a.example#k1")
    try:
        key = load_pem_private_key(key_file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as err:
        raise InvalidInput("This is not an Ed25519 key in a PEM file without password") from err
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidInput("This key is not an Ed25519 key")
    signer = SeedSigner(key.private_bytes_raw())
    return sign(exported.document, signer, method=method, created=created)
