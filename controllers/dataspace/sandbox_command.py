"""`haven dataspace sandbox`: the nodes, the console, and one address to open.

from controllers.dataspace.sandbox_command import sandbox
app.command("sandbox")(sandbox)
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console as Terminal

from controllers.dataspace.console.app import console_app
from controllers.dataspace.console.entry import Console
from controllers.dataspace.console.members import Members
from controllers.dataspace.console.nodes import Nodes
from controllers.dataspace.console.sessions import Sessions
from controllers.dataspace.sandbox import SandboxNode, read_cast, running_nodes, sample_day
from controllers.dataspace.serving import LOOPBACK
from controllers.listening import listening
from controllers.staff.relying import RelyingParty
from core.errors import HavenError, InvalidInput

PORT = 8070
_OWN_IDLE, _HOSTED_IDLE = 10 * 3600, 15 * 60
_SHOWN_AS = "Data space"


def sandbox(
    data: Annotated[
        Path, typer.Option("--data", help="Folder that holds the sandbox; it is kept")
    ] = Path(".haven/sandbox"),
    *,
    port: Annotated[
        int, typer.Option("--port", help="Port of the pages; others follow")
    ] = PORT,
    no_open: Annotated[bool, typer.Option("--no-open", help="Open no browser")] = False,
    hosted: Annotated[
        bool, typer.Option("--hosted", help="For people of several organisations")
    ] = False,
    public_url: Annotated[
        str | None, typer.Option("--public-url", help="With --hosted: https:// address")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on")] = LOOPBACK,
) -> None:
    """Five organisations' nodes and an evaluator with made-up cases, and pages to try them.

    Ctrl-C stops everything.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    try:
        own = _base_url(port, public_url, hosted=hosted, host=host)
        asyncio.run(_run(data, port, own, hosted=hosted, host=host, opens=not no_open))
    except HavenError as err:
        Terminal(stderr=True).print(f"[bold]{err.title}.[/bold] {err.detail}")
        sys.exit(1)


def _base_url(port: int, public_url: str | None, *, hosted: bool, host: str) -> str:
    """The address that people use. Raises InvalidInput."""
    if not hosted:
        if public_url or host != LOOPBACK:
            raise InvalidInput(
                "Whoever comes in may stand at every desk here, so only this machine may "
                "reach it. For several people there is --hosted."
            )
        return f"http://{LOOPBACK}:{port}"
    parts = urlsplit(public_url or "")
    secure = parts.scheme == "https" or (parts.scheme, parts.hostname) == ("http", "localhost")
    if not parts.hostname or not secure or parts.path.strip("/"):
        raise InvalidInput("--hosted needs --public-url, an https:// address without a path")
    return f"{parts.scheme}://{parts.netloc}"


async def _run(
    data: Path, port: int, base_url: str, *, hosted: bool, host: str, opens: bool
) -> None:
    terminal, stop, loop = Terminal(), asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    terminal.print("Starting five organisations and an evaluator ...")
    async with running_nodes(data, port) as nodes:
        console = made_console(nodes, data, base_url, hosted=hosted)
        async with listening(console_app(console), host, port):
            links = first_links(console)
            _print(terminal, links, hosted=hosted)
            if opens and not hosted:
                await asyncio.to_thread(webbrowser.open, links[0][1])
            await stop.wait()
            terminal.print("Stopping ...")
        await console.nodes.close()
    terminal.print("Everything has stopped.")


def made_console(
    nodes: Sequence[SandboxNode], data: Path, base_url: str, *, hosted: bool
) -> Console:
    """The console of these nodes."""
    party = RelyingParty.at(base_url, _SHOWN_AS)
    return Console(
        nodes=Nodes.of(*(each.address for each in nodes)),
        sessions=Sessions(_HOSTED_IDLE if hosted else _OWN_IDLE),
        base_url=base_url,
        sample_day=sample_day(),
        members=Members(data / "members.json", party) if hosted else None,
    )


def first_links(console: Console) -> list[tuple[str, str]]:
    """Where to begin: one link for one's own sandbox; hosted, an invitation for the first
    person of each organisation that has nobody yet; it ends those of earlier starts."""
    places = console.nodes.places
    if console.members is None:
        return [("", f"{console.base_url}/enter#{console.sessions.link('', places)}")]
    names = {each.place: each.name for each in read_cast().members}
    links = []
    for place in places:
        if not console.members.of(place):
            secret = console.members.invite_first(place, names.get(place, place))
            links.append((names.get(place, place), f"{console.base_url}/enrol#{secret}"))
    return links


def _print(terminal: Terminal, links: Sequence[tuple[str, str]], *, hosted: bool) -> None:
    if not hosted:
        terminal.print("Open this; it is good once:")
        terminal.print(links[0][1], soft_wrap=True, highlight=False)
    else:
        terminal.print(
            "Invitations, each good once and for three days; whoever opens one first"
        )
        terminal.print("comes in. Hand each to its organisation alone:")
        for name, link in links:
            terminal.print(f"{name}: {link}", soft_wrap=True, highlight=False)
    terminal.print("Ctrl-C stops everything. All cases are made up.")
