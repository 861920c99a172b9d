"""The `haven` command."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from controllers.backup.commands import PassphraseFile, back_up, put_back
from controllers.installation import Kind, fix_did_domain, process
from controllers.running import replace_process, running
from controllers.secrets import load, load_or_create
from controllers.settings import Settings, read_settings
from controllers.status import show_status
from controllers.terminal import told

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False
)

DataDir = Annotated[
    Path | None, typer.Option("--data", help="Folder that holds everything Haven keeps")
]
PortBase = Annotated[
    int | None, typer.Option("--port-base", help="First of the ports that are used")
]
PublicUrl = Annotated[
    str | None, typer.Option("--public-url", help="https:// address that phones use")
]


def _settings(**given: object) -> Settings:
    chosen = {name: value for name, value in given.items() if value is not None}
    return told(lambda: read_settings(**chosen))


def _stop_event() -> asyncio.Event:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


def print_addresses(console: Console, settings: Settings) -> None:
    """Where a person finds things."""
    console.print(f"  Haven            {settings.base_url}")
    console.print(f"  wallet app       {settings.base_url}/wallet/")
    console.print(f"  desks            {settings.base_url}/desk")
    console.print(f"  API description  {settings.base_url}/api/openapi.json")
    console.print(f"  framework        {settings.base_url}/api/governance/framework")
    console.print(f"  data and logs    {settings.data_dir.resolve()}")


@app.command()
def up(data: DataDir = None, port_base: PortBase = None, public_url: PublicUrl = None) -> None:
    """Start both agents and the controllers; data is kept. Ctrl-C stops everything."""
    settings = _settings(data_dir=data, port_base=port_base, public_url=public_url)
    console = Console()

    async def run() -> bool | None:
        stop = _stop_event()
        console.print("Starting two agents and the controllers ...")
        async with running(settings):
            print_addresses(console, settings)
            console.print("Running. Ctrl-C stops everything.")
            await stop.wait()
            console.print("Stopping ...")
        console.print("Everything has stopped.")
        return None

    _guarded(run)


@app.command()
def init(data: DataDir = None) -> None:
    """Make the installation's secrets and fix its DID domain, once; `haven up` does it too."""
    settings = _settings(data_dir=data)

    async def prepare() -> None:
        load_or_create(settings.secrets_folder)
        fix_did_domain(settings)

    _guarded(prepare)


@app.command()
def run(
    what: Annotated[Kind, typer.Argument(help="Which kind of process")],
    index: Annotated[int, typer.Option(help="Which one of its kind, from 0")] = 0,
    data: DataDir = None,
    port_base: PortBase = None,
) -> None:
    """Be one process of an installation, as in a container. Needs `haven init` before.

    Nothing supervises it: whatever started it starts it again.
    """
    settings = _settings(data_dir=data, port_base=port_base, replica=index)
    _guarded(lambda: _become(what, settings))


async def _become(what: Kind, settings: Settings) -> None:
    settings.check_topology()
    replace_process(process(what, settings, load(settings.secrets_folder)))


@app.command()
def status(data: DataDir = None) -> None:
    """What runs, since when, in which version, and what is unhealthy and why."""
    settings = _settings(data_dir=data)
    healthy = asyncio.run(show_status(settings, Console()))
    raise typer.Exit(0 if healthy else 1)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="File to write; it must not exist")],
    data: DataDir = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Write everything into one encrypted file, also while Haven runs."""
    settings = _settings(data_dir=data)
    told(lambda: back_up(settings, file, passphrase_file))


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `haven backup` wrote")],
    data: Annotated[Path, typer.Option("--data", help="New, empty folder to restore into")],
    passphrase_file: PassphraseFile = None,
    survived: Annotated[
        str | None,
        typer.Option(
            envvar="HAVEN_SURVIVED_DATABASE",
            help="Controllers' database that survived and is newer: its revocations count",
        ),
    ] = None,
) -> None:
    """Restore a backup into an empty folder; a damaged one changes nothing."""
    settings = _settings(data_dir=data)
    told(lambda: put_back(settings, file, passphrase_file, survived))


@app.command("rotate-keys")
def rotate(
    data: DataDir = None,
    sealing: Annotated[
        bool, typer.Option("--sealing", help="The key of sealed values as well")
    ] = False,
    forget_payments: Annotated[
        bool, typer.Option("--forget-payments", help="With --sealing: see docs/operations.md")
    ] = False,
) -> None:
    """Change the installation's own keys while it is stopped; the next start uses them."""
    from controllers.rotating import rotate_keys  # noqa: PLC0415 (only here)

    settings = _settings(data_dir=data)
    told(
        lambda: asyncio.run(
            rotate_keys(settings, sealing=sealing, forget_payments=forget_payments)
        )
    )
    Console().print("The keys are changed. Start Haven; the operator's key is in secrets.json.")


@app.command("invite")
def invite_to_desk(
    organisation: Annotated[str, typer.Argument(help="Short name of the organisation")],
    name: Annotated[str, typer.Argument(help="Name of who will administer its desks")],
    data: DataDir = None,
    port_base: PortBase = None,
) -> None:
    """Make the one-time link for an administrator of an organisation's desks; Haven runs."""
    from controllers.desks.inviting import invite_administrator  # noqa: PLC0415 (only here)

    settings = _settings(data_dir=data, port_base=port_base)
    made = told(lambda: asyncio.run(invite_administrator(settings, organisation, name)))
    console = Console()
    console.print("Good once, and for one day. Whoever opens it first comes in:")
    console.print(made, soft_wrap=True)


@app.command()
def demo(
    data: DataDir = None,
    port_base: PortBase = None,
    leave: Annotated[bool, typer.Option("--exit", help="End after the story")] = False,
) -> None:
    """Start everything and play the whole story on real agents, with live progress."""
    from controllers.story.demo import play  # noqa: PLC0415 (the story's parts load slowly)
    from controllers.story.trying import invite  # noqa: PLC0415 (likewise)

    settings = _settings(
        data_dir=data or Path(".haven/demo"), port_base=port_base, registry_size=100
    )
    console = Console()

    async def run() -> bool:
        stop = _stop_event()
        console.print("Starting two agents and the controllers ...")
        began = time.monotonic()
        async with running(settings):
            console.print(f"Started in {time.monotonic() - began:.1f} s.")
            print_addresses(console, settings)
            told = await until(stop, play(settings, console))
            if told and not leave:
                await invite(settings, console)
                console.print("Everything stays up. Ctrl-C stops it.")
                await stop.wait()
        return bool(told)

    _guarded(run)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def bench(context: typer.Context) -> None:
    """Measure what Haven does and what it costs; `haven bench --help` says how."""
    from controllers.bench.command import app as benches  # noqa: PLC0415 (loads slowly)

    benches(context.args, prog_name="haven bench")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def governance(context: typer.Context) -> None:
    """Read and change the governance framework; `haven governance --help` says how."""
    from controllers.governance.commands import app as governing  # noqa: PLC0415 (only here)

    governing(context.args, prog_name="haven governance")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def dataspace(context: typer.Context) -> None:
    """Learn together without showing a case; `haven dataspace --help` says how."""
    from controllers.dataspace.commands import app as spaces  # noqa: PLC0415 (only here)

    spaces(context.args, prog_name="haven dataspace")


async def until[Result](
    stop: asyncio.Event, work: Coroutine[Any, Any, Result]
) -> Result | None:
    """The result of `work`, or None if `stop` comes first."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        return working.result()
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
    return None


def _guarded(run: Callable[[], Coroutine[Any, Any, bool | None]]) -> None:
    """Run; say what went wrong in words, with status 1, and without a stack trace."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    if told(lambda: asyncio.run(run())) is False:
        sys.exit(1)


def main() -> None:
    """Entry point of the `haven` command."""
    app()
