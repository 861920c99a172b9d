"""What the node's commands share: its folder, its settings, its books."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from controllers.dataspace.identity import load_identity
from controllers.dataspace.node import Books, opened_books
from controllers.dataspace.serving import alone
from controllers.dataspace.settings import NodeSettings, read_node_settings
from controllers.terminal import told
from core.clock import SystemClock

Folder = Annotated[Path | None, typer.Option("--folder", help="The node's own folder")]


def settings_in(folder: Path | None) -> NodeSettings:
    """The settings, with a folder that was given to the command."""
    return told(lambda: read_node_settings(**({"folder": folder} if folder else {})))


def with_books(
    settings: NodeSettings,
    work: Callable[[Books], Coroutine[Any, Any, str]],
    *,
    stopped: bool = False,
) -> str:
    """What `work` says of the node's opened database; an error in words, with status 1.
    `stopped`: it changes what a running node holds in memory, so none may run."""

    async def opened() -> str:
        identity = load_identity(settings.folder)
        with alone(settings) if stopped else nullcontext():
            async with opened_books(settings, identity, SystemClock()) as books:
                return await work(books)

    return told(lambda: asyncio.run(opened()))
