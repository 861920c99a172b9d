"""What devices and recovery codes send and are answered. Boxes say nothing to the server."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from controllers.wallet.locks.rows import Slot
from controllers.wallet.locks.service import digest_of
from controllers.wallet.schemas import OfferPreview, RequestPreview

_PATTERN = r"^[A-Za-z0-9_-]+$"
_BYTES = Field(
    min_length=43, max_length=43, pattern=_PATTERN, description="32 bytes, base64url"
)
_BOX = Field(min_length=40, max_length=400, pattern=_PATTERN, description="base64url")

Bytes = Annotated[str, _BYTES]
Box = Annotated[str, _BOX]
SlotNumber = Literal[0, 1]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SlotSent(_Body):
    """A slot: what it is opened with, and what is released then."""

    proof: Bytes
    box: Box

    def kept(self) -> Slot:
        return Slot(digest_of(self.proof), self.box)


Card = Annotated[bool, Field(description="a card of paper, and not a phone")]


class DeviceSent(_Body):
    """A device and its two slots. Where there is one PIN, the second one is random."""

    device: Bytes
    card: Card = False
    slots: list[SlotSent] = Field(min_length=2, max_length=2)


class Proof(_Body):
    """A try to open a slot of a device."""

    device: Bytes
    proof: Bytes
    card: Card = False


class Unlocked(BaseModel):
    """What the slot of this proof holds."""

    slot: SlotNumber
    box: str


class SlotChange(Proof):
    """A new content for one slot, with the proof of either."""

    slot: SlotNumber
    new: SlotSent


class OthersToForget(_Body):
    """This device, which stays; and one of the others, if it is only about that one. Without
    `only`, cards stay, too."""

    device: Bytes
    only: Bytes | None = None


class Forgotten(BaseModel):
    """How many devices were forgotten."""

    forgotten: int


class Lookup(_Body):
    """What a recovery code is found by."""

    lookup: Bytes


class RecoverySent(Lookup):
    """What a recovery code is found by, and what is released then."""

    box: Box


class Nothing(_Body):
    """There is nothing to say."""


class Recovered(BaseModel):
    """What the recovery code releases."""

    box: str


class Setup(BaseModel):
    """Whether there is a recovery code that was typed back in; how many devices there are, its
    card not counted."""

    recovery: Literal["none", "made", "tried"]
    devices: int


class Pending(BaseModel):
    """What was taken up and waits for a yes or a no."""

    items: list[OfferPreview | RequestPreview]
