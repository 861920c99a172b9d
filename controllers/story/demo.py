"""`haven demo`: the whole story is played, and a table is printed."""

from __future__ import annotations

from rich.console import Console

from controllers.secrets import load_or_create
from controllers.settings import Settings
from controllers.story.cast import gather_cast
from controllers.story.checking import tell_checking
from controllers.story.ending import tell_ending
from controllers.story.issuing import tell_issuing
from controllers.story.outside import Outside
from controllers.story.refusing import tell_refusing
from controllers.story.telling import Teller


async def play(settings: Settings, console: Console) -> bool:
    """Tell the story to the console; True if all went as expected."""
    console.print("The story, on real agents:")
    teller = Teller(console)
    await tell(teller, settings)
    console.print(teller.table())
    console.print(_summary(teller))
    return teller.well


async def tell(teller: Teller, settings: Settings) -> None:
    """The whole story, on whatever runs under these settings."""
    cast = await gather_cast(teller, settings, load_or_create(settings.data_dir).operator_key)
    holders = await tell_issuing(teller, cast)
    await tell_checking(teller, cast, holders)
    async with Outside.stepping(settings) as outside:
        await tell_refusing(teller, cast, holders, outside)
    await tell_ending(teller, cast, holders)
    await cast.close()


def _summary(teller: Teller) -> str:
    good = sum(told.as_expected for told in teller.told)
    return f"{good} of {len(teller.told)} steps went as expected."
