"""Every reason code that the engine and the checks give. README.md explains each."""

from __future__ import annotations

from enum import StrEnum


class DenyReason(StrEnum):
    """Why `decide` said no. Stable: consoles, logs and wallets rely on the spelling."""

    UNKNOWN_PARTICIPANT = "unknown-participant"
    PARTICIPANT_NOT_CURRENT = "participant-not-current"
    UNKNOWN_CREDENTIAL = "unknown-credential"
    CREDENTIAL_NOT_ALLOWED = "credential-not-allowed"
    NOT_GRANTED = "not-granted"
    NOT_YET_VALID = "not-yet-valid"
    GRANT_ENDED = "grant-ended"
    WITHDRAWN = "withdrawn"
    UNKNOWN_PURPOSE = "unknown-purpose"
    PURPOSE_NOT_ALLOWED = "purpose-not-allowed"
    EMPTY_REQUEST = "empty-request"
    REPEATED_CREDENTIAL = "repeated-credential"
    ATTRIBUTE_NOT_ALLOWED = "attribute-not-allowed"
    PREDICATE_NOT_ALLOWED = "predicate-not-allowed"
    UNKNOWN_ISSUER = "unknown-issuer"
    UNKNOWN_SCHEMA = "unknown-schema"
    UNKNOWN_ACTION = "unknown-action"
    UNKNOWN_COMPUTATION = "unknown-computation"
    COMPUTATION_NOT_ALLOWED = "computation-not-allowed"
    NOT_RECOGNISED = "not-recognised"
    RECOGNITION_NOT_CURRENT = "recognition-not-current"
    OUTSIDE_RECOGNITION = "outside-recognition"


class CheckReason(StrEnum):
    """What one check of a presentation found."""

    OK = "ok"
    NOT_APPLICABLE = "not-applicable"
    REQUEST_UNKNOWN = "request-unknown"
    REQUEST_DIFFERS = "request-differs"
    MISSING_CREDENTIAL = "missing-credential"
    REPEATED_CREDENTIAL = "repeated-credential"
    MISSING_ATTRIBUTE = "missing-attribute"
    UNASKED_DISCLOSURE = "unasked-disclosure"
    MIXED_CREDENTIALS = "mixed-credentials"
    SHARED_CREDENTIAL = "shared-credential"
    WRONG_SCHEMA = "wrong-schema"
    MISSING_PREDICATE = "missing-predicate"
    VALUES_DIFFER = "values-differ"
    UNEXPECTED_VALUE = "unexpected-value"
    PERMISSION_NOT_SHOWN = "permission-not-shown"
