"""After the story: something for a person to do with the wallet app herself."""

from __future__ import annotations

from rich.console import Console

from controllers.secrets import load_or_create
from controllers.settings import Settings
from controllers.story.cast import gather_cast
from controllers.story.issuing import eligibility
from controllers.story.telling import Teller


async def invite(settings: Settings, console: Console) -> None:
    """A card and a question that wait at two desks of the story, with their links."""
    operator_key = load_or_create(settings.data_dir).operator_key
    cast = await gather_cast(Teller(), settings, operator_key)
    try:
        card = await cast.issuing("shelter-a").offer("service-eligibility", **eligibility())
        question = await cast.checking("shelter-b").ask("shelter")
    finally:
        await cast.close()
    console.print("Try it yourself, with invented data only:")
    console.print(f"  the wallet app   {settings.base_url}/wallet/")
    console.print(f"  a card to take   {card['link']}", soft_wrap=True)
    console.print(f"                   the desk's code: {card['code']}")
    console.print(f"  a question       {question['link']}", soft_wrap=True)
    console.print(f"  the desks        {settings.base_url}/desk, each with a link of its own:")
    for slug, whose in (("shelter-a", "a shelter's"), ("court", "a court's")):
        console.print(
            f"                   haven invite {slug} NAME --data {settings.data_dir}"
            f"   ({whose} administrator)",
            soft_wrap=True,
        )
    console.print(
        f"  (the card waits {settings.offer_minutes} minutes, "
        f"the question {settings.check_minutes})"
    )
