"""What calls to an agent are called in measurements: their route, without any id.

The words of routes are listed, because a pattern cannot tell a word from an id that somebody
chose; what is not listed is left out. A test holds the list to the calls that are made.
"""

from __future__ import annotations

_WORDS = frozenset(
    {
        "accept", "active-registry", "anoncreds", "close", "close-idle", "connections",
        "create-invitation", "create-request", "credential", "credential-definition",
        "credentials", "destroy", "frameworks", "haven", "identity", "issue",
        "issue-credential-2.0", "latest", "multitenancy", "presentations", "notes", "offers",
        "out-of-band", "pending", "present-proof-2.0", "problem-report", "ready", "received",
        "records", "requests", "revocation", "revocation-lists", "revocations", "revoked",
        "schema", "send-presentation", "services", "sessions", "sign",
        "statements", "status", "trust-lists", "vault", "verify",
        "verify-presentation", "wallet", "wallets",
    }
)  # fmt: skip
_METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "PATCH"})
_MOST_SEGMENTS = 6


def operation(method: str, path: str) -> str:
    """`POST /issue-credential-2.0/records/{}/issue`: a call's name, with no id in it."""
    segments = path.partition("?")[0].strip("/").split("/")[:_MOST_SEGMENTS]
    named = (each if each in _WORDS else "{}" for each in segments)
    return f"{method if method in _METHODS else 'OTHER'} /{'/'.join(named)}"
