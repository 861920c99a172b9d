"""Keys in the form that ACA-Py's stores and tokens take."""

from __future__ import annotations

import jwt
from aries_askar import Store

from core.secret import Secret


def raw_wallet_key(seed: bytes | None = None) -> Secret:
    """A raw store key (base58 of 32 bytes), derived from `seed` (32 bytes) or random."""
    return Secret(str(Store.generate_raw_key(seed)))


def tenant_token(jwt_secret: Secret, wallet_id: str, issued_at: int) -> Secret:
    """The admin API token of a managed tenant.

    ACA-Py accepts a token whose `iat` is the one it noted for the tenant, so a replica needs
    nothing but that number to speak for the tenant: no token is stored anywhere.
    """
    claims = {"wallet_id": wallet_id, "iat": issued_at}
    return Secret(jwt.encode(claims, jwt_secret.reveal(), algorithm="HS256"))


def token_issued_at(token: str) -> int:
    """The `iat` of a token that ACA-Py just handed out (not verified: it came from there)."""
    return int(jwt.decode(token, options={"verify_signature": False})["iat"])


def session_token(jwt_secret: Secret, wallet_id: str, session_id: str) -> Secret:
    """The admin API token of a wallet's session; it counts only while the session is open."""
    claims = {"wallet_id": wallet_id, "sid": session_id}
    return Secret(jwt.encode(claims, jwt_secret.reveal(), algorithm="HS256"))
