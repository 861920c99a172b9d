"""PINs, recovery codes, and what waits in a wallet."""

from __future__ import annotations

from fastapi import APIRouter

from controllers.haven import House
from controllers.problems import RESPONSES
from controllers.wallet.locks.schemas import (
    DeviceSent,
    Forgotten,
    Lookup,
    Nothing,
    OthersToForget,
    Pending,
    Proof,
    Recovered,
    RecoverySent,
    Setup,
    SlotChange,
    Unlocked,
)
from controllers.wallet.pending import pending as pending_of
from controllers.wallet.router import AcceptLanguage, Open
from controllers.wallet.schemas import Done
from controllers.words import preferred

router = APIRouter(prefix="/api/wallet", tags=["wallet"], responses=RESPONSES)


@router.post("/devices")
async def register(house: House, wallet: Open, body: DeviceSent) -> Done:
    """Let PINs on this device release what opens the wallet. A card ends the one before."""
    first, second = (each.kept() for each in body.slots)
    await house.sessions.within(
        wallet,
        lambda: house.locks.register(wallet, body.device, (first, second), card=body.card),
    )
    return Done()


@router.post("/devices/unlock")
async def unlock(house: House, body: Proof) -> Unlocked:
    """Try a PIN. A refusal says how many tries are left, or how long to wait."""
    released = await house.locks.unlock(body.device, body.proof, card=body.card)
    return Unlocked.model_validate(released._asdict())


@router.post("/devices/slot")
async def change_slot(house: House, wallet: Open, body: SlotChange) -> Done:
    """Change a PIN, or set or remove the second one."""
    await house.sessions.within(
        wallet,
        lambda: house.locks.change_slot(
            wallet, body.device, body.proof, body.slot, body.new.kept(), card=body.card
        ),
    )
    return Done()


@router.post("/devices/forget")
async def forget(house: House, body: Proof) -> Done:
    """No PIN on this device opens anything from now."""
    await house.locks.forget(body.device, body.proof)
    return Done()


@router.post("/devices/others/forget")
async def forget_others(house: House, wallet: Open, body: OthersToForget) -> Forgotten:
    """The wallet opens on this device and with its card only, from now; or on one device
    less."""
    count = await house.sessions.within(
        wallet, lambda: house.locks.forget_others(wallet, body.device, body.only)
    )
    return Forgotten(forgotten=count)


@router.post("/devices/cards/forget")
async def forget_cards(house: House, wallet: Open, body: Nothing) -> Forgotten:
    """No card opens the wallet from now."""
    count = await house.sessions.within(wallet, lambda: house.locks.forget_cards(wallet))
    return Forgotten(forgotten=count)


@router.put("/recovery")
async def set_recovery(house: House, wallet: Open, body: RecoverySent) -> Done:
    """A recovery code, in the place of the earlier one."""
    await house.sessions.within(
        wallet, lambda: house.locks.set_recovery(wallet, body.lookup, body.box)
    )
    return Done()


@router.post("/recovery/tried")
async def recovery_tried(house: House, wallet: Open, body: Nothing) -> Done:
    """The code was typed back in, so it was written down rightly."""
    await house.sessions.within(wallet, lambda: house.locks.recovery_tried(wallet))
    return Done()


@router.post("/recovery/open")
async def open_recovery(house: House, body: Lookup) -> Recovered:
    """What a recovery code releases."""
    return Recovered(box=await house.locks.open_recovery(body.lookup))


@router.get("/setup")
async def setup(house: House, wallet: Open) -> Setup:
    """What is set up, and what is still to be."""
    recovery, devices = await house.sessions.within(wallet, lambda: house.locks.setup(wallet))
    return Setup(recovery=recovery, devices=devices)


@router.get("/pending")
async def pending(house: House, wallet: Open, language: AcceptLanguage = None) -> Pending:
    """What was taken up, and is neither answered, declined nor past."""
    items = await house.sessions.within(
        wallet, lambda: pending_of(house.wallet, wallet, preferred(language))
    )
    return Pending(items=items)
