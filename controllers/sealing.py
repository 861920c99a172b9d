"""Values that rest in the database are sealed: AES-256-GCM, a key per use, bound to their row.

What a database alone shows is ciphertext; the key is in the installation's secrets. Wallet
sessions are sealed the same way, but kept by the holder's device and not by us.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.errors import NotAuthenticated
from core.secret import Secret

_NONCE = 12


class Seal:
    """Seals JSON documents for one use (`purpose`), each bound to a context (a row id)."""

    def __init__(self, key: Secret, purpose: str) -> None:
        material = HKDF(SHA256(), 64, salt=None, info=purpose.encode()).derive(
            key.reveal().encode()
        )
        self._aead = AESGCM(material[:32])
        self._mac_key = material[32:]

    def seal(self, document: Any, context: str) -> bytes:
        """Ciphertext of a JSON document; only `open` with the same context reads it."""
        nonce = secrets.token_bytes(_NONCE)
        plain = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
        return nonce + self._aead.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> Any:
        """The document. Raises NotAuthenticated if it was changed, or sealed elsewhere."""
        try:
            plain = self._aead.decrypt(sealed[:_NONCE], sealed[_NONCE:], context.encode())
        except (InvalidTag, ValueError) as err:
            raise NotAuthenticated("This was not sealed here") from err
        return json.loads(plain)

    def seal_text(self, document: Any, context: str) -> str:
        """The same as a URL-safe text."""
        return base64.urlsafe_b64encode(self.seal(document, context)).decode().rstrip("=")

    def open_text(self, sealed: str, context: str) -> Any:
        """The document behind `seal_text`."""
        try:
            raw = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
        except ValueError as err:
            raise NotAuthenticated("This was not sealed here") from err
        return self.open(raw, context)

    def pseudonym(self, value: str) -> str:
        """A keyed digest: equal for equal values, and nothing without the key."""
        return hmac.new(self._mac_key, value.encode(), hashlib.sha256).hexdigest()
