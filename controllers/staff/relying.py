"""WebAuthn as a relying party (W3C, Level 3): questions to devices, and whether answers hold.

Nothing is kept here: whoever asks keeps the challenge, and the passkey that was made.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from core.errors import InvalidInput, NotAuthenticated

CHALLENGE = 32  # bytes, of secrets.token_bytes
# whatever a device sends that cannot be read is one thing to us: no passkey of ours
_UNREADABLE = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """A name that passkeys belong to. Keys are found without a name, and the device verifies
    who holds it."""

    rp_id: str
    origin: str
    shown_as: str

    @classmethod
    def at(cls, base_url: str, shown_as: str) -> Self:
        """The one of an address; `shown_as` stands in a device's list of passkeys."""
        parts = urlsplit(base_url)
        return cls(parts.hostname or "", f"{parts.scheme}://{parts.netloc}", shown_as)

    def to_make(self, user_id: bytes, user_name: str, challenge: bytes) -> dict[str, Any]:
        """What a device makes a passkey for, as JSON for the browser."""
        options = generate_registration_options(
            rp_id=self.rp_id,
            rp_name=self.shown_as,
            user_id=user_id,
            user_name=user_name,
            challenge=challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
        )
        made: dict[str, Any] = json.loads(options_to_json(options))
        return made

    def made(self, credential: dict[str, Any], challenge: bytes) -> VerifiedRegistration:
        """The passkey that a device made. Raises InvalidInput."""
        try:
            return verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.rp_id,
                expected_origin=self.origin,
                require_user_verification=True,
            )
        except _UNREADABLE as err:
            raise InvalidInput(
                "This cannot be kept as a passkey. Please try again.", code="no-passkey"
            ) from err

    def to_answer(self, challenge: bytes) -> dict[str, Any]:
        """A question for any passkey of ours, as JSON for the browser."""
        options = generate_authentication_options(
            rp_id=self.rp_id,
            challenge=challenge,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        made: dict[str, Any] = json.loads(options_to_json(options))
        return made

    def answered(
        self, credential: dict[str, Any], challenge: bytes, public_key: bytes, count: int
    ) -> VerifiedAuthentication:
        """What a passkey's answer says. Raises NotAuthenticated, the same for every reason."""
        try:
            return verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.rp_id,
                expected_origin=self.origin,
                credential_public_key=public_key,
                credential_current_sign_count=count,
                require_user_verification=True,
            )
        except _UNREADABLE as err:
            raise not_known() from err


def not_known() -> NotAuthenticated:
    """The one answer to a passkey that opens nothing."""
    return NotAuthenticated("This passkey is not known here", code="passkey-not-known")
