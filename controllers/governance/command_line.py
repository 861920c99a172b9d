"""What the commands of `haven governance` share: where it runs, how a change is asked for."""

from __future__ import annotations

import asyncio
from calendar import monthrange
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from controllers.desks.texts import LANGUAGES
from controllers.governance.calling import Calling
from controllers.governance.printing import print_draft, print_state
from controllers.moment import now
from controllers.settings import read_settings
from controllers.terminal import told
from core.errors import InvalidInput

API = "/api/governance"

DataDir = Annotated[Path | None, typer.Option("--data", help="Folder of the installation")]
PortBase = Annotated[int | None, typer.Option("--port-base", help="First of its ports")]
Language = Annotated[str, typer.Option("--language", help="Of the words: en, es, km")]
Yes = Annotated[bool, typer.Option("--yes", help="Sign and publish without asking")]
Slug = Annotated[str, typer.Argument(help="Short name of an organisation, or a DID")]
Until = Annotated[
    str | None, typer.Option("--until", help="Day (YYYY-MM-DD) on which it ends, in UTC")
]
Months = Annotated[int | None, typer.Option("--months", min=1, max=120, help="Or: for so long")]
DraftId = Annotated[str, typer.Argument(help="Id of a draft, as `drafts` lists it")]

_WITH_VALUE, _ALONE = ("--data", "--port-base", "--language"), ("--yes",)


class Anywhere(TyperGroup):
    """The options that all commands share may stand behind the command, too."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put them in front."""
        shared: list[str] = []
        own: list[str] = []
        waiting = iter(args)
        for each in waiting:
            if each in _ALONE or (each.partition("=")[0] in _WITH_VALUE and "=" in each):
                shared.append(each)
            elif each in _WITH_VALUE:
                shared += [each, *(value for value in (next(waiting, None),) if value)]
            else:
                own.append(each)
        parsed: list[str] = super().parse_args(ctx, [*shared, *own])
        return parsed


@dataclass
class Here:
    """Where Haven runs, in which language it is told, and whether to ask."""

    data: Path | None = None
    port_base: int | None = None
    language: str = "en"
    yes: bool = False


here = Here()


def common(
    data: DataDir = None,
    port_base: PortBase = None,
    language: Language = "en",
    yes: Yes = False,
) -> None:
    """Read and change the governance framework of the Haven that runs here."""
    if language not in LANGUAGES:
        raise typer.BadParameter("one of: " + ", ".join(LANGUAGES))
    here.data, here.port_base, here.language, here.yes = data, port_base, language, yes


def changed(operation: dict[str, Any]) -> None:
    run(lambda calling: change(calling, operation))


async def change(calling: Calling, operation: dict[str, Any]) -> None:
    made = await calling.post(f"{API}/drafts", {"operation": operation})
    await ask_and_sign(calling, made["id"], drop=True)


async def ask_and_sign(calling: Calling, draft: str, *, drop: bool) -> None:
    console, path = Console(), f"{API}/drafts/{draft}"
    shown = await calling.get(path, language=here.language)
    if shown["state"] != "open":
        print_state(console, shown, here.language)
        return
    print_draft(console, shown, here.language)
    if not (here.yes or typer.confirm("Sign and publish?", default=False)):
        if drop:
            await calling.post(f"{path}/drop")
        console.print("Nothing was changed.")
        return
    await calling.post(f"{path}/sign", {"digest": shown["digest"]})
    print_state(console, await calling.get(path, language=here.language), here.language)


def end_of(until: str | None, months: int | None) -> str | None:
    if until is not None and months is not None:
        raise typer.BadParameter("either --until or --months")
    if months is not None:
        return months_from(now(), months).isoformat()
    return told(lambda: moment_of(until))


def months_from(moment: datetime, months: int) -> datetime:
    """The same day of the month so many months later, or the month's last; at midnight."""
    years, month = divmod(moment.month - 1 + months, 12)
    year = moment.year + years
    day = min(moment.day, monthrange(year, month + 1)[1])
    return datetime(year, month + 1, day, tzinfo=UTC)


def moment_of(text: str | None) -> str | None:
    """A day or a moment as RFC 3339, in UTC unless it says otherwise. Raises InvalidInput."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as err:
        raise InvalidInput("A day is written YYYY-MM-DD") from err
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()


def run(work: Callable[[Calling], Coroutine[Any, Any, None]]) -> None:
    given = {"data_dir": here.data, "port_base": here.port_base}
    chosen = {name: value for name, value in given.items() if value is not None}

    def run() -> None:
        calling = Calling(read_settings(**chosen))
        asyncio.run(work(calling))

    told(run)
