"""What opens a wallet on a device, without either side being able to try PINs alone.

1. The app makes from the PIN, with a key that never leaves its device, a proof and a key to
   wrap with. The server keeps a digest of the proof, and a box that only that key opens.
2. It releases the box for the right proof, and counts the wrong ones (ladder.py). What waits
   opens for nobody, and a right proof is then answered like a wrong one.
3. A device has two slots, always: the app fills the second one with random bytes.
4. Which devices and which recovery code are a wallet's, its own encrypted store knows alone.
   It is noted there before there is a row, so that no row is left that nobody could find.
5. A card is a device whose part stands on paper. Only the wallet's note of it says so. A wallet
   has one card: a new one ends the one before.
"""

from __future__ import annotations

import base64
import math
import secrets
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple, NoReturn

from sqlalchemy.exc import IntegrityError

from agent.webvh.locks import NamedLocks
from controllers.moment import now
from controllers.sealing import Seal
from controllers.store.brief import Steps
from controllers.store.database import Database
from controllers.wallet.locks.ladder import TRIES, Count, Tried, attempt, remembered
from controllers.wallet.locks.rows import (
    DEVICE_GOES,
    DEVICES_GO,
    DEVICES_THERE,
    RECOVERIES_GO,
    RECOVERIES_THERE,
    RECOVERY,
    RECOVERY_BY_DIGEST,
    RECOVERY_NEW,
    RECOVERY_SET,
    TO_FORGET,
    Device,
    DeviceRows,
    Pair,
    Slot,
    digest,
)
from controllers.wallet.notes import DEVICES, RECOVERIES, Notes
from controllers.wallet.sessions import OpenWallet
from core.errors import Conflict, InvalidInput, NotAuthenticated, NotFound, TooManyTries
from core.ports import Document
from core.secret import Secret

_MOST_DEVICES = 20
_OPENS_NOTHING = "This did not open anything."
_WAIT = "Too many wrong tries. Please wait a while."
# what a device that is not here answers: the same as one that is, at the first wrong try
_FIRST = Tried((Count(), Count()), tries_left=TRIES - 1)

type RecoveryState = Literal["none", "made", "tried"]


class Released(NamedTuple):
    """The box of the slot whose proof was shown."""

    slot: int
    box: str


class LockService:
    """Devices with their PINs, and recovery codes."""

    def __init__(self, database: Database, notes: Notes, sealing_key: Secret) -> None:
        self._database = database
        self._notes = notes
        self._devices = DeviceRows(sealing_key)
        self._seal = Seal(sealing_key, RECOVERY)
        self._turns = NamedLocks()

    # --- devices ------------------------------------------------------------------------------

    async def register(
        self, wallet: OpenWallet, device: str, slots: Pair[Slot], *, card: bool = False
    ) -> None:
        """A new device, noted as this wallet's; the same again is no error. After a new card
        the one before opens nothing.

        Raises InvalidInput for two equal proofs, Conflict for a device that is here already.
        """
        if secrets.compare_digest(slots[0].proof, slots[1].proof):
            raise InvalidInput("The two slots have to be different", code="same-slots")
        name, made = digest_of(device), Device(slots)
        async with self._turns.lock(wallet.wallet_id):
            noted = await self._notes.all(wallet.token, DEVICES)
            before = [each for each in _cards(noted) if each != name] if card else []
            if not await self._is_here(name, made):
                await self._note_new(wallet, name, noted, spared=before, card=card)
                await self._add(wallet, name, made)
            await self._end(wallet, before)  # also when an earlier try broke off before it

    async def unlock(self, device: str, proof: str, *, card: bool = False) -> Released:
        """What the slot of this proof holds. Raises NotAuthenticated, TooManyTries.

        A card that opens nothing any more is told as such, and raises NotFound. That says no
        more than asking twice does: what is not here never comes nearer to a wait.
        """

        def work(steps: Steps) -> tuple[Tried, Released | None]:
            tried, found = self._attempt(steps, digest_of(device), proof)
            if found is None and card:
                raise NotFound(
                    "This card opens nothing any more. There may be a newer one.",
                    code="card-ended",
                )
            if found is None or tried.opened is None:
                return tried, None
            return tried, Released(tried.opened, found.slots[tried.opened].box)

        tried, released = await self._database.write(work)
        return released or _refuse(tried)

    async def change_slot(
        self,
        wallet: OpenWallet,
        device: str,
        proof: str,
        number: int,
        slot: Slot,
        *,
        card: bool = False,
    ) -> None:
        """Replace one slot, for the proof of either. The device is noted as this wallet's, too.

        Raises NotAuthenticated, NotFound, TooManyTries.
        """
        name = digest_of(device)
        await self.unlock(device, proof, card=card)
        await self._notes.put(wallet.token, DEVICES, name, _noted_as(card))

        def work(steps: Steps) -> bool:
            found = self._devices.get(steps, name)
            if found is None or found.matching(digest_of(proof)) is None:
                return False  # changed or forgotten meanwhile
            self._devices.put(steps, name, found.with_slot(number, slot))
            return True

        if not await self._database.write(work):
            _refuse(_FIRST)

    async def forget(self, device: str, proof: str) -> None:
        """Its row goes. The wallet's note of it leads nowhere from then on.

        Raises NotAuthenticated, TooManyTries.
        """

        def work(steps: Steps) -> Tried:
            tried, _ = self._attempt(steps, digest_of(device), proof)
            if tried.opened is not None:
                steps.change(DEVICE_GOES, wanted=digest_of(device))
            return tried

        tried = await self._database.write(work)
        if tried.opened is None:
            _refuse(tried)

    async def forget_others(
        self, wallet: OpenWallet, device: str, only: str | None = None
    ) -> int:
        """Every other device of this wallet but its card, or only the named one of them, opens
        nothing from now; answers how many did."""
        noted = await self._notes.all(wallet.token, DEVICES)
        others = [each for each in noted if each != digest_of(device)]
        if only is not None:
            wanted = [each for each in others if each == digest_of(only)]
        else:
            wanted = [each for each in others if each not in _cards(noted)]
        return await self._end(wallet, wanted)

    async def forget_cards(self, wallet: OpenWallet) -> int:
        """No card opens this wallet from now; answers how many did."""
        noted = await self._notes.all(wallet.token, DEVICES)
        return await self._end(wallet, _cards(noted))

    async def purge(self) -> None:
        """Forget wrong tries of more than two days ago, and when they were."""

        for row in await self._database.rows(TO_FORGET, until=now()):
            await self._database.write(partial(self._forget_tries, row.device_digest))

    # --- recovery -----------------------------------------------------------------------------

    async def set_recovery(self, wallet: OpenWallet, lookup: str, box: str) -> None:
        """A recovery code, in the place of the earlier one. Raises Conflict."""
        name = digest_of(lookup)
        async with self._turns.lock(wallet.wallet_id):
            noted = await self._notes.all(wallet.token, RECOVERIES)
            if name not in noted and await self._database.row(RECOVERY_BY_DIGEST, wanted=name):
                raise Conflict(
                    "This code cannot be used. Please make another one.", code="code-taken"
                )
            earlier = [each for each in noted if each != name]
            await self._notes.put(wallet.token, RECOVERIES, name, {"tried": False})
            sealed = self._seal.seal(box, name)

            def work(steps: Steps) -> None:
                steps.change(RECOVERIES_GO, digests=earlier)
                if not steps.change(RECOVERY_SET, wanted=name, sealed=sealed):
                    steps.change(RECOVERY_NEW, lookup_digest=name, sealed=sealed)

            await self._database.write(work)
            gone = [(RECOVERIES, each) for each in earlier]
            await self._notes.change(wallet.token, delete=gone)

    async def recovery_tried(self, wallet: OpenWallet) -> None:
        """She has typed the code back in. Raises Conflict if there is none."""
        for name in await self._recoveries(wallet.token):
            await self._notes.put(wallet.token, RECOVERIES, name, {"tried": True})
            return
        raise Conflict("There is no recovery code yet.", code="no-code-yet")

    async def open_recovery(self, lookup: str) -> str:
        """What the code releases. Raises NotFound."""
        name = digest_of(lookup)
        row = await self._database.row(RECOVERY_BY_DIGEST, wanted=name)
        if row is None:
            raise NotFound(
                "This code opens nothing here. Please check every letter.", code="no-such-code"
            )
        return str(self._seal.open(row.sealed, name))

    # --- a wallet as a whole --------------------------------------------------------------

    async def setup(self, wallet: OpenWallet) -> tuple[RecoveryState, int]:
        """Whether there is a recovery code, and on how many devices the wallet is; its card is
        none of them, so that nothing tells whether there is one."""
        noted = await self._notes.all(wallet.token, DEVICES)
        devices = await self._there(set(noted) - set(_cards(noted)))
        codes = await self._recoveries(wallet.token)
        if not codes:
            return "none", len(devices)
        tried = any(note.get("tried") for note in codes.values())
        return "tried" if tried else "made", len(devices)

    async def forget_wallet(self, token: Secret) -> None:
        """Nothing releases what opens this wallet any more."""
        devices = list(await self._notes.all(token, DEVICES))
        codes = list(await self._notes.all(token, RECOVERIES))

        def work(steps: Steps) -> None:
            steps.change(DEVICES_GO, digests=devices)
            steps.change(RECOVERIES_GO, digests=codes)

        await self._database.write(work)

    # --- one step -------------------------------------------------------------------------

    def _forget_tries(self, name: str, steps: Steps) -> None:
        found = self._devices.get(steps, name)
        if found is not None:
            counts = remembered(found.counts, now())
            self._devices.put(steps, name, found.with_counts(counts))

    def _attempt(self, steps: Steps, name: str, proof: str) -> tuple[Tried, Device | None]:
        """Count a try, in the caller's unit of work: it is committed before anybody is told."""
        found = self._devices.get(steps, name)
        if found is None:
            return _FIRST, None
        tried = attempt(found.counts, found.matching(digest_of(proof)), now())
        if tried.counts != found.counts:
            self._devices.put(steps, name, found.with_counts(tried.counts))
        return tried, found

    async def _note_new(
        self,
        wallet: OpenWallet,
        name: str,
        noted: dict[str, Document],
        *,
        spared: Sequence[str],
        card: bool,
    ) -> None:
        """Note a device; the notes that lead nowhere go. `spared` are about to end, and take
        no place. Raises Conflict for one too many."""
        there = await self._there(noted)
        if len(there - set(spared)) >= _MOST_DEVICES:
            raise Conflict(
                "This wallet is on too many devices. Please forget some first.",
                code="too-many-devices",
            )
        gone = [(DEVICES, each) for each in noted if each not in there]
        new: dict[tuple[str, str], Document] = {(DEVICES, name): _noted_as(card)}
        await self._notes.change(wallet.token, put=new, delete=gone)

    async def _end(self, wallet: OpenWallet, names: Sequence[str]) -> int:
        """These devices open nothing from now; answers how many did."""
        if not names:
            return 0
        gone = await self._database.change(DEVICES_GO, digests=list(names))
        await self._notes.change(wallet.token, delete=[(DEVICES, each) for each in names])
        return gone

    async def _is_here(self, name: str, made: Device) -> bool:
        """Raises Conflict if it is here as another one."""
        found = await self._database.read(
            lambda steps: self._devices.get(steps, name, locked=False)
        )
        if found is not None and found.slots != made.slots:
            raise Conflict("This device is known already.", code="device-known")
        return found is not None

    async def _add(self, wallet: OpenWallet, name: str, made: Device) -> None:
        try:
            await self._database.write(lambda steps: self._devices.add(steps, name, made))
        except IntegrityError:
            if not await self._is_here(name, made):
                raise

    async def _there(self, noted: Iterable[str]) -> set[str]:
        rows = await self._database.rows(DEVICES_THERE, digests=list(noted))
        return {row.device_digest for row in rows}

    async def _recoveries(self, token: Secret) -> dict[str, Document]:
        """The wallet's notes of codes that there are."""
        noted = await self._notes.all(token, RECOVERIES)
        rows = await self._database.rows(RECOVERIES_THERE, digests=list(noted))
        return {row.lookup_digest: noted[row.lookup_digest] for row in rows}


def _noted_as(card: bool) -> Document:
    return {"card": True} if card else {}


def _cards(noted: Mapping[str, Document]) -> list[str]:
    """Which of the noted devices are cards."""
    return [name for name, note in noted.items() if note.get("card")]


def digest_of(text: str) -> str:
    """What a device, a proof or a recovery code is kept by."""
    return digest(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def _refuse(tried: Tried) -> NoReturn:
    if tried.wait:
        seconds = math.ceil(tried.wait.total_seconds())
        raise TooManyTries(_WAIT, code="pin-waits", wait_seconds=seconds)
    raise NotAuthenticated(_OPENS_NOTHING, code="wrong-pin", tries_left=tried.tries_left)
