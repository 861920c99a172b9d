"""Overlays Capture Architecture: SAIDs, bundles in the 2.0.0 and 1.0 forms, their emission."""

from credential_defs.oca.bundle import VerifiedBundle, fill, parse, serialise, verify
from credential_defs.oca.said import (
    FORMS,
    Document,
    Form,
    bundle_digest,
    capture_base_digest,
    overlay_digest,
)

__all__ = [
    "FORMS",
    "Document",
    "Form",
    "VerifiedBundle",
    "bundle_digest",
    "capture_base_digest",
    "fill",
    "overlay_digest",
    "parse",
    "serialise",
    "verify",
]
