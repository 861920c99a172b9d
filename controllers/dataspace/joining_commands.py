"""`haven dataspace node`: what is made and put in place before a node first runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from controllers.dataspace.commanding import Folder, settings_in, with_books
from controllers.dataspace.framework import among, load_rules
from controllers.dataspace.identity import create_identity
from controllers.dataspace.joining import (
    ENTRY,
    FRAMEWORK,
    PARTICIPANTS,
    SIGNERS,
    TRIAL_AUTHORITY,
    Draft,
    did_documents,
    read_entry,
    require_entry,
    space_of,
    trial_framework,
    trial_members,
)
from controllers.dataspace.node import Books
from controllers.moment import now
from controllers.secrets import write_private
from controllers.terminal import told
from core.errors import ConfigurationError, Conflict, InvalidInput
from dataspace.agreeing.agreement import Environment, read_terms
from dataspace.agreeing.keys import require_listed_keys
from dataspace.vocabulary.model import cases, load

Documents = Annotated[
    list[Path], typer.Argument(help="did.jsonl of a did:webvh, else a DID document")
]


def init(
    did: Annotated[str, typer.Argument(help="The organisation's DID")],
    name: Annotated[str, typer.Argument(help="Its name")],
    role: Annotated[str, typer.Argument(help="Its role in the governance framework")],
    *,
    at: Annotated[
        str, typer.Option(help="host:port at which the other nodes reach this one")
    ] = "localhost:8443",
    production: Annotated[bool, typer.Option("--production", help="For real cases")] = False,
    no_linkage: Annotated[
        bool, typer.Option("--no-linkage", help="Its law forbids comparing lists")
    ] = False,
    evaluator: Annotated[
        bool, typer.Option("--evaluator", help="It holds no cases and counts overlaps")
    ] = False,
    folder: Folder = None,
) -> None:
    """Make the node's keys and certificate, and print its entry for the terms.

    The entry is kept as entry.json in the folder.
    """
    settings = settings_in(folder)
    kind = Environment.PRODUCTION if production else Environment.SANDBOX

    def make() -> str:
        host, port = require_entry(did, name, role, at)  # before a key is made for it
        identity = create_identity(
            settings.folder, did=did, name=name, role=role, environment=kind, at=now()
        )
        flags = {
            "holds_data": not evaluator,
            "computes": not evaluator,
            "no_linkage": no_linkage,
        }
        entry = identity.participant(host, port, **flags).model_dump(mode="json")
        written = _written({"participant": entry, "certificate": identity.certificate})
        write_private(settings.folder / ENTRY, written)
        return written

    sys.stdout.write(told(make))


def draft(
    entries: Annotated[list[Path], typer.Argument(help="entry.json of each organisation")],
    *,
    title: Annotated[str, typer.Option(help="What the space is called")],
    purpose: Annotated[list[str], typer.Option(help="What may be asked for; again for more")],
    framework: Annotated[
        str | None, typer.Option(help="DID of the framework's authority")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3660, help="How long it lasts")] = 365,
    vocabulary: Annotated[
        Path | None, typer.Option(help="Another vocabulary than the built-in one")
    ] = None,
    production: Annotated[bool, typer.Option("--production", help="For real cases")] = False,
    to: Annotated[Path, typer.Option(help="Space file to write")] = Path("space.json"),
) -> None:
    """Put the entries of all together in a space file, for everybody to read and sign.

    Without --framework, for made-up cases only, a framework is made and laid beside it.
    """

    def make() -> list[Path]:
        if production and framework is None:
            raise InvalidInput("For real cases --framework names the authority's DID")
        settled = Draft(
            title=title,
            framework=framework or TRIAL_AUTHORITY,
            purposes=purpose,
            starts=now(),
            ends=now() + timedelta(days=days),
        )
        kind = Environment.PRODUCTION if production else Environment.SANDBOX
        known = load(vocabulary) if vocabulary else cases()
        space = space_of(settled, [read_entry(each) for each in entries], known, kind)
        files = {to.name: _written(space)}
        if framework is None:
            terms = read_terms(space["terms"])
            files |= trial_framework(TRIAL_AUTHORITY, trial_members(terms), now())
        return _write_new(to.parent, files)

    for file in told(make):
        Console().print(f"Written: {escape(str(file))}", soft_wrap=True, highlight=False)


def keep_framework(
    file: Annotated[Path, typer.Argument(help="The signed framework")],
    signers: Documents,
    folder: Folder = None,
) -> None:
    """Put the signed framework and its signers' DID documents into the folder, verified."""

    async def work(books: Books) -> str:
        documents, place = did_documents(signers, now()), books.identity.folder
        authority = books.agreements.agreement.terms.framework
        load_rules(file, authority, among(documents), now=now())
        write_private(place / FRAMEWORK, file.read_text(encoding="utf-8"))
        write_private(place / SIGNERS, _written(documents))
        return "The framework verifies, and is in the folder."

    Console().print(with_books(settings_in(folder), work))


def keep_participants(documents: Documents, folder: Folder = None) -> None:
    """Put the participants' DID documents into the folder, if each names its node's key."""

    async def work(books: Books) -> str:
        found = did_documents(documents, now())
        require_listed_keys(books.agreements.agreement.terms, among(found))
        write_private(books.identity.folder / PARTICIPANTS, _written(found))
        return "Every key of the terms is its participant's own; the documents are kept."

    Console().print(with_books(settings_in(folder), work))


def _written(document: Any) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _write_new(folder: Path, files: Mapping[str, str]) -> list[Path]:
    paths = [folder / name for name in files]
    there = [each.name for each in paths if each.exists()]
    if there:
        raise Conflict(f"{there[0]} is there already; give another --to, in another folder")
    try:
        for path, content in zip(paths, files.values(), strict=True):
            path.write_text(content, encoding="utf-8")
    except OSError as err:
        raise ConfigurationError("The space file cannot be written there") from err
    return paths
