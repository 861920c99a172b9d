"""`haven bench core`: what it can be asked, and where it measures."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from collections.abc import Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from controllers.bench.core import Options, Sizes, measure_core
from controllers.bench.governance import PARTICIPANTS, measure_governance
from controllers.bench.growth import Growth, measure_growth
from controllers.bench.house import Topology
from controllers.bench.people import Lost
from core.errors import HavenError

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Measure what runs, on real processes."
)

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", help="Folder to measure in, kept for the next run; default: a temporary one"
    ),
]
Only = Annotated[
    str | None,
    typer.Option("--only", help="Beginnings of figures' names, such as issue,check.fresh"),
]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures here too")]
Postgres = Annotated[
    str | None, typer.Option("--postgres", help="SQLAlchemy URL of the controllers' database")
]
AgentPostgres = Annotated[
    str | None, typer.Option("--agent-postgres", help="postgresql:// URL of the agents' stores")
]
Replicas = Annotated[
    int, typer.Option("--replicas", min=1, help="Processes of each kind; needs PostgreSQL")
]


@app.command()
def core(
    *,
    data: Data = None,
    only: Only = None,
    json_file: JsonFile = None,
    postgres: Postgres = None,
    agent_postgres: AgentPostgres = None,
    replicas: Replicas = 1,
    profile: Annotated[
        bool, typer.Option("--profile", help="Show where the time went, by package")
    ] = False,
) -> None:
    """Print the core's figures: name, value, unit, target, `met` or `short`."""
    with ExitStack() as stack:
        folder = data or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="haven-bench-"))
        )
        wanted = tuple(each.strip() for each in only.split(",")) if only else ()
        options = Options(folder, wanted, profile, topology(postgres, agent_postgres, replicas))
        report = _guarded(folder, measure_core(options))
    if json_file:
        report.write(json_file)
    if report.short:
        print(f"short: {', '.join(report.short)}")


@app.command()
def governance(
    *,
    data: Data = None,
    json_file: JsonFile = None,
    participants: Annotated[
        int, typer.Option("--participants", min=10, help="How many take part")
    ] = PARTICIPANTS,
) -> None:
    """Print the figures of the rules: decided, loaded, asked over HTTP."""
    with ExitStack() as stack:
        folder = data or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="haven-governance-"))
        )
        report = _guarded(folder, measure_governance(folder, participants))
    if json_file:
        report.write(json_file)
    if report.short:
        print(f"short: {', '.join(report.short)}")


@app.command()
def growth(
    *,
    json_file: Annotated[
        Path, typer.Option("--json", help="Where each point is kept; a second run goes on")
    ],
    data: Data = None,
    wallets: Annotated[
        str, typer.Option("--wallets", help="Numbers of wallets to measure with")
    ] = "10,500,5000",
    credentials: Annotated[
        int, typer.Option("--credentials", help="Credentials that one issuer issued before")
    ] = 20_000,
    exchanges: Annotated[
        int, typer.Option("--exchanges", help="Exchanges for each figure, one at a time")
    ] = 10,
    postgres: Postgres = None,
    agent_postgres: AgentPostgres = None,
    replicas: Replicas = 1,
) -> None:
    """Measure an installation as it grows."""
    with ExitStack() as stack:
        folder = data or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="haven-growth-"))
        )
        counts = tuple(int(each) for each in wallets.split(","))
        _guarded(
            folder,
            measure_growth(
                Growth(
                    folder,
                    json_file,
                    counts,
                    credentials,
                    topology(postgres, agent_postgres, replicas),
                    Sizes(exchanges, exchanges * 3),
                )
            ),
        )


@app.callback()
def bench() -> None:
    """Measure what runs, on real processes."""
    # as Ctrl-C: what was started is stopped, and temporary folders go
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def topology(postgres: str | None, agent_postgres: str | None, replicas: int) -> Topology:
    """The settings of what is to be started."""
    given = {
        "HAVEN_DATABASE_URL": postgres,
        "HAVEN_AGENT_DATABASE_URL": agent_postgres,
    }
    environment = {name: value for name, value in given.items() if value}
    name = "postgresql" if environment else "sqlite"
    if replicas > 1:
        name = f"{name}, {replicas} replicas"
        for process in ("CONTROLLERS_REPLICAS", "ORG_AGENTS", "WALLET_AGENTS"):
            environment[f"HAVEN_{process}"] = str(replicas)
    return Topology(name, environment)


def _guarded[Result](folder: Path, work: Coroutine[Any, Any, Result]) -> Result:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return asyncio.run(work)
    except HavenError as err:
        Console(stderr=True).print(f"[bold]{err.title}.[/bold] {err.detail}")
    except Lost as lost:
        Console(stderr=True).print(f"[bold]An exchange was lost.[/bold] {lost}")
    sys.exit(1)
