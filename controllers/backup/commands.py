"""`haven backup` and `haven restore`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from controllers.backup.passphrase import read_passphrase
from controllers.backup.restoring import Restored, restore
from controllers.backup.taking import take
from controllers.settings import Settings

PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file", help="File (mode 0600) with the passphrase; else it is asked for"
    ),
]


def back_up(settings: Settings, file: Path, passphrase_file: Path | None) -> None:
    """Take a backup and say so."""
    passphrase = read_passphrase(passphrase_file, new=True)
    taken = asyncio.run(take(settings, file, passphrase))
    console = Console()
    console.print(
        f"Backed up {taken.stores} stores, {taken.size / 1e6:.1f} MB, to {taken.file}"
    )
    console.print("Whoever has this file and the passphrase has every organisation's keys.")


def put_back(
    settings: Settings, file: Path, passphrase_file: Path | None, survived: str | None
) -> None:
    """Restore a backup and say what a person has to do now."""
    passphrase = read_passphrase(passphrase_file, new=False)
    if survived is not None and "://" not in survived:
        survived = f"sqlite+aiosqlite:///{Path(survived).resolve()}"
    restored = asyncio.run(restore(settings, file, passphrase, survived=survived))
    _tell(Console(), settings, restored, survived is not None)


def _tell(console: Console, settings: Settings, restored: Restored, taken_over: bool) -> None:
    when = restored.made_at.strftime("%Y-%m-%d %H:%M UTC")
    console.print(f"Restored to {settings.data_dir.resolve()} as it was on {when}.")
    if taken_over:
        newer = restored.newer
        console.print(
            f"Taken over from the database that survived: lists of {newer.registries} "
            f"registries, {newer.frameworks} versions of the framework, {newer.ended_keys} "
            f"ended keys, {newer.reservations} payments."
        )
    console.print(
        "Never let the old installation run again: two would issue and withdraw against each "
        "other. Start this one with `haven up`; it opens once it has brought itself in order."
    )
    console.print("What happened after the backup is lost. Go through it by hand:")
    for line in _TO_DO[0 if not taken_over else 4 :]:
        console.print(f"  - {line}")


_TO_DO = (
    "credentials that were withdrawn: withdraw them again",
    "grants that were ended or withdrawn, API keys that were ended: end them again",
    "payments that were accepted: compare with the till before paying again",
    "devices that were forgotten, recovery codes that were replaced: holders do it again",
    "credentials that were issued: they are refused now; issue them again",
    "wallets that were made: their holders make new ones",
)
