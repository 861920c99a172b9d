"""`haven dataspace`: one organisation's node, from its identity to its daily work."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from controllers.dataspace.commanding import Folder, settings_in, with_books
from controllers.dataspace.joining_commands import (
    draft,
    init,
    keep_framework,
    keep_participants,
)
from controllers.dataspace.node import Books, Node, Outside
from controllers.dataspace.officers import OfficerDuty, create_officer, end_officer, officers
from controllers.dataspace.sandbox_command import sandbox
from controllers.dataspace.serving import outside_of, serve_node
from controllers.dataspace.settings import NodeSettings
from controllers.dataspace.sources import (
    SOURCE,
    gather_file,
    gather_source,
    own_mapping,
    read_mapping,
    read_source,
)
from controllers.moment import now
from controllers.terminal import told
from core.clock import SystemClock
from core.errors import InvalidInput
from dataspace.agreeing.agreement import read_terms
from dataspace.agreeing.rendering import as_odrl
from dataspace.gathering.coding import Gathered

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False
)
node_app = typer.Typer(no_args_is_help=True, help="One organisation's node.")
agreement_app = typer.Typer(no_args_is_help=True, help="The agreement of a data space.")
officer_app = typer.Typer(no_args_is_help=True, help="Keys of the organisation's officers.")
app.add_typer(node_app, name="node")
app.command("sandbox")(sandbox)
node_app.command("init")(init)
node_app.command("framework")(keep_framework)
node_app.command("participants")(keep_participants)
agreement_app.command("draft")(draft)
node_app.add_typer(agreement_app, name="agreement")
node_app.add_typer(officer_app, name="officer")

File = Annotated[Path, typer.Argument(help="A space file: terms, certificates, proofs")]


@node_app.command("run")
def run(folder: Folder = None) -> None:
    """Be the node until Ctrl-C."""
    settings = settings_in(folder)
    told(lambda: asyncio.run(serve_node(settings, typer.echo)))


@node_app.command("import")
def import_cases(
    file: Annotated[
        Path | None, typer.Argument(help="A .csv or .xlsx; else source.json's table")
    ] = None,
    mapping: Annotated[Path | None, typer.Option(help="How its columns are mapped")] = None,
    folder: Folder = None,
) -> None:
    """Replace the organisation's cases, all or none of them, while the node is stopped."""
    settings = settings_in(folder)

    async def work(books: Books) -> str:
        outside = outside_of(books, SystemClock())
        if file is None:
            source = read_source(settings.folder / SOURCE)
            gathered = await gather_source(source, outside.vocabulary)
            digest = hashlib.sha256(source.table.encode()).hexdigest()
        else:
            gathered, digest = _gathered(settings, outside, file, mapping)
        node = Node(books, outside)
        await node.cases.load()
        imported = await node.import_cases(gathered, digest)
        return f"{imported.imported} cases are there; {imported.replaced} are not any more."

    Console().print(with_books(settings, work, stopped=True))


def _gathered(
    settings: NodeSettings, outside: Outside, file: Path, mapping: Path | None
) -> tuple[Gathered, str]:
    try:
        given = read_mapping(mapping.read_bytes()) if mapping else own_mapping(settings.folder)
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
            opened.seek(0)
            return gather_file(file.name, opened, outside.vocabulary, given), digest
    except OSError as err:
        missing = Path(err.filename or file).name
        raise InvalidInput(f"{missing} cannot be read: look at its name and folder") from err


# --- the agreement --------------------------------------------------------------------------


@agreement_app.command("show")
def show(file: File) -> None:
    """Print the terms as an ODRL agreement."""
    written = told(lambda: as_odrl(read_terms(_read(file).get("terms"))))
    sys.stdout.write(json.dumps(written, indent=1, ensure_ascii=False) + "\n")


@agreement_app.command("sign")
def sign(file: File, folder: Folder = None) -> None:
    """Take in a space file, sign its terms for the organisation, and write the file again."""

    async def work(books: Books) -> str:
        await books.agreements.adopt(_read(file))
        await books.agreements.sign()
        document = books.agreements.document()
        file.write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
        return f"Signed. {_what_next(books, file)}"

    Console().print(with_books(settings_in(folder), work, stopped=True))


@agreement_app.command("adopt")
def adopt(file: File, folder: Folder = None) -> None:
    """Take in a space file with others' signatures, without signing."""

    async def work(books: Books) -> str:
        agreement = await books.agreements.adopt(_read(file))
        return f"Taken in; the agreement is {agreement.state.value}. {_what_next(books, file)}"

    Console().print(with_books(settings_in(folder), work, stopped=True))


def _what_next(books: Books, file: Path) -> str:
    if missing := books.agreements.unsigned():
        return escape(f"Not signed yet: {', '.join(missing)}. Pass {file.name} on to them.")
    return f"All have signed; everybody runs `node agreement adopt {escape(file.name)}`."


# --- officers -------------------------------------------------------------------------------


@officer_app.command("add")
def add_officer(
    duties: Annotated[list[OfficerDuty], typer.Argument(help="data, legal, analyst")],
    folder: Folder = None,
) -> None:
    """Make an officer's key; it is shown once."""

    async def work(books: Books) -> str:
        return (await create_officer(books.database, frozenset(duties), now())).reveal()

    sys.stdout.write(with_books(settings_in(folder), work) + "\n")


@officer_app.command("list")
def list_officers(folder: Folder = None) -> None:
    """Print id, duties and first day of each key that is good; the keys are kept nowhere."""

    async def work(books: Books) -> str:
        listed = await officers(books.database)
        lines = [f"{each}  {since:%Y-%m-%d}  {duties}" for each, duties, since in listed]
        return "\n".join(lines) or "There is no officer's key yet; `officer add` makes one."

    sys.stdout.write(with_books(settings_in(folder), work) + "\n")


@officer_app.command("end")
def remove_officer(
    officer_id: Annotated[
        str, typer.Argument(help="As `list` has it, and the key: its second part")
    ],
    folder: Folder = None,
) -> None:
    """End an officer's key at once."""

    async def work(books: Books) -> str:
        await end_officer(books.database, officer_id, now())
        return "The key has ended."

    Console().print(with_books(settings_in(folder), work))


# --- what it costs --------------------------------------------------------------------------


@app.command("bench")
def bench(
    *,
    json_file: Annotated[Path | None, typer.Option("--json", help="Keep the figures")] = None,
    rows: Annotated[int, typer.Option(min=1_000, help="Cases of each organisation")] = 10**6,
    ring: Annotated[list[int] | None, typer.Option(help="Lengths of lists in the ring")] = None,
) -> None:
    """Print what joint answers cost, beside plain Python and beside the obvious secure way."""
    from controllers.bench.dataspace import (  # noqa: PLC0415 (loads slowly)
        RINGS,
        measure_dataspace,
        write,
    )

    write(asyncio.run(measure_dataspace(rows, ring or RINGS)), json_file)


def _read(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise InvalidInput(f"{file.name} cannot be read as a space file") from err
    if not isinstance(document, dict):
        raise InvalidInput("A space file is a JSON object")
    return document
