"""Many answers at the same moment: a hundred wallets, and one wallet sixteen times."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from controllers.bench.exchanges import Batch, Timing, answer, check, look_at_check, run
from controllers.bench.figures import Report
from controllers.bench.people import Desk, Phone
from controllers.story.people import Json

_LOOKING_AT_ONCE, FROM_ONE_WALLET = 8, 16


async def crowd(report: Report, desk: Desk, phones: Sequence[Phone]) -> Batch[Timing]:
    """Everybody has looked at a request of her own; then all say yes at the same moment."""
    looking = [partial(_looked, desk, phone) for phone in phones]
    looked = await run(looking, _LOOKING_AT_ONCE)
    answers = [partial(answer, desk, *each) for each in looked.done]
    answered = await run(answers, len(answers))
    answered.lost += looked.lost
    missing = len(phones) - len(answered.done)
    report.add("crowd.wallets", len(phones), "", "answer at the same moment")
    report.add("crowd.wallets.lost", missing, "", answered.why)
    report.add("crowd.wallets.all_judged", answered.seconds, "s", "after the first yes")
    return answered


async def one_wallet(report: Report, desk: Desk, phone: Phone) -> Batch[Timing]:
    """One wallet looks at sixteen requests and answers them, all at once."""
    works = [partial(check, desk, phone)] * FROM_ONE_WALLET
    batch = await run(works, FROM_ONE_WALLET)
    missing = FROM_ONE_WALLET - len(batch.done)
    report.add("crowd.one_wallet", FROM_ONE_WALLET, "", "presentations at once")
    report.add("crowd.one_wallet.lost", missing, "", batch.why)
    report.add("crowd.one_wallet.all_judged", batch.seconds, "s")
    return batch


async def _looked(desk: Desk, phone: Phone) -> tuple[Phone, str, Json]:
    return (phone, *await look_at_check(desk, phone))
