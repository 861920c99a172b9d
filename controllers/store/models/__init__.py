"""Every table of the controllers' database; importing this package makes them all known."""

from controllers.store.models.exchanges import (
    Check,
    CheckRequest,
    Event,
    Issuance,
    Link,
    Reservation,
)
from controllers.store.models.organisations import (
    ApiKey,
    FrameworkDraft,
    FrameworkVersion,
    Organisation,
)
from controllers.store.models.registry import (
    DidLogEntry,
    PublishedResource,
    RestoredRegistry,
    TailsFile,
)
from controllers.store.models.staff import (
    Deed,
    DeskOption,
    DeskPlace,
    Passkey,
    Proposal,
    StaffCeremony,
    StaffDuty,
    StaffEnrolment,
    StaffMember,
    StaffSession,
)
from controllers.store.models.work import (
    InboxItem,
    RepeatableRequest,
    WalletDevice,
    WalletRecovery,
    WalletSession,
)

__all__ = [
    "ApiKey",
    "Check",
    "CheckRequest",
    "Deed",
    "DeskOption",
    "DeskPlace",
    "DidLogEntry",
    "Event",
    "FrameworkDraft",
    "FrameworkVersion",
    "InboxItem",
    "Issuance",
    "Link",
    "Organisation",
    "Passkey",
    "Proposal",
    "PublishedResource",
    "RepeatableRequest",
    "Reservation",
    "RestoredRegistry",
    "StaffCeremony",
    "StaffDuty",
    "StaffEnrolment",
    "StaffMember",
    "StaffSession",
    "TailsFile",
    "WalletDevice",
    "WalletRecovery",
    "WalletSession",
]
