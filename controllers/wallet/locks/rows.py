"""What is kept of a device and of a recovery code: a digest, and beside it sealed content.

No row says whose it is. Also the counts are sealed: of a slot that is opened now and then, the
count goes back to 0 now and then, which would tell how many PINs there are.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, bindparam, delete, insert, select, update

from controllers.sealing import Seal
from controllers.store.brief import Steps, table_of
from controllers.store.models import WalletDevice, WalletRecovery
from controllers.wallet.locks.ladder import Count, Counts, remembered_until
from core.secret import Secret

DEVICE, RECOVERY = "device", "recovery"  # what the seals are for

_DEVICE = table_of(WalletDevice)
_RECOVERY = table_of(WalletRecovery)
_ONE = _DEVICE.c.device_digest == bindparam("wanted")
_NEW = insert(_DEVICE).inline()
_BY_DIGEST = select(_DEVICE).where(_ONE)
_LOCKED = _BY_DIGEST.with_for_update()
_SET = update(_DEVICE).where(_ONE)

type Pair[Each] = tuple[Each, Each]


@dataclass(frozen=True, slots=True)
class Slot:
    """The digest of a proof, and what is released for that proof."""

    proof: str
    box: str


@dataclass(frozen=True, slots=True)
class Device:
    """The two slots of a device, their counts, and which of them was written last."""

    slots: Pair[Slot]
    counts: Counts = (Count(), Count())
    newer: int = 0

    def matching(self, proof: str) -> int | None:
        """The slot of this proof. If it is that of both, the one that was written last: who
        sets one PIN learns nothing of the other."""
        first, second = (secrets.compare_digest(each.proof, proof) for each in self.slots)
        if first and second:
            return self.newer
        return 0 if first else 1 if second else None

    def with_slot(self, number: int, slot: Slot) -> Device:
        """One slot replaced, and its count forgotten."""
        slots, counts = list(self.slots), list(self.counts)
        slots[number], counts[number] = slot, Count()
        return Device((slots[0], slots[1]), (counts[0], counts[1]), number)

    def with_counts(self, counts: Counts) -> Device:
        return replace(self, counts=counts)


def digest(raw: bytes) -> str:
    """How ids, proofs and lookups are kept. Each is 32 bytes that nobody can guess."""
    return hashlib.sha256(raw).hexdigest()


class DeviceRows:
    """Reads and writes devices in a unit of work."""

    def __init__(self, sealing_key: Secret) -> None:
        self._seal = Seal(sealing_key, DEVICE)

    def add(self, steps: Steps, device_digest: str, device: Device) -> None:
        steps.change(
            _NEW,
            device_digest=device_digest,
            sealed=self._sealed(device_digest, device),
            forget_at=None,
        )

    def get(self, steps: Steps, device_digest: str, *, locked: bool = True) -> Device | None:
        """One device; locked, so that tries that come at once are each counted."""
        row = steps.row(_LOCKED if locked else _BY_DIGEST, wanted=device_digest)
        return None if row is None else self.opened(device_digest, row.sealed)

    def put(self, steps: Steps, device_digest: str, device: Device) -> None:
        steps.change(
            _SET,
            wanted=device_digest,
            sealed=self._sealed(device_digest, device),
            forget_at=remembered_until(device.counts),
        )

    def opened(self, device_digest: str, sealed: bytes) -> Device:
        """Raises NotAuthenticated if it was sealed with another key."""
        document = self._seal.open(sealed, device_digest)
        first, second = (Slot(each["proof"], each["box"]) for each in document["slots"])
        counts = [_count(each) for each in document["counts"]]
        return Device((first, second), (counts[0], counts[1]), int(document["newer"]))

    def _sealed(self, device_digest: str, device: Device) -> bytes:
        document = {
            "slots": [{"proof": each.proof, "box": each.box} for each in device.slots],
            "counts": [
                {"wrong": each.wrong, "since": each.since and each.since.isoformat()}
                for each in device.counts
            ],
            "newer": device.newer,
        }
        return self._seal.seal(document, device_digest)


def _count(document: dict[str, Any]) -> Count:
    since = document["since"]
    return Count(int(document["wrong"]), datetime.fromisoformat(since) if since else None)


# --- statements ---------------------------------------------------------------------------

_GIVEN: BindParameter[str] = bindparam("digests", expanding=True)
DEVICES_GO = delete(_DEVICE).where(_DEVICE.c.device_digest.in_(_GIVEN))
DEVICES_THERE = select(_DEVICE.c.device_digest).where(_DEVICE.c.device_digest.in_(_GIVEN))
DEVICE_GOES = delete(_DEVICE).where(_ONE)
TO_FORGET = select(_DEVICE.c.device_digest).where(_DEVICE.c.forget_at <= bindparam("until"))

RECOVERY_NEW = insert(_RECOVERY).inline()
RECOVERY_BY_DIGEST = select(_RECOVERY).where(_RECOVERY.c.lookup_digest == bindparam("wanted"))
RECOVERY_SET = update(_RECOVERY).where(_RECOVERY.c.lookup_digest == bindparam("wanted"))
RECOVERIES_GO = delete(_RECOVERY).where(_RECOVERY.c.lookup_digest.in_(_GIVEN))
RECOVERIES_THERE = select(_RECOVERY.c.lookup_digest).where(
    _RECOVERY.c.lookup_digest.in_(_GIVEN)
)
