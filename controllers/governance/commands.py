"""`haven governance`: the framework of the Haven that runs here, read and changed with care.

Each change is a draft first. What it means is shown, and asked about; then it is signed by the
authority and published, or waits for whoever else has to sign.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from controllers.governance.calling import Calling
from controllers.governance.command_line import (
    API,
    Anywhere,
    Months,
    Slug,
    Until,
    ask_and_sign,
    change,
    changed,
    common,
    end_of,
    here,
    moment_of,
    run,
)
from controllers.governance.draft_commands import commands as draft_commands
from controllers.governance.elsewhere import read_json
from controllers.governance.printing import print_framework, print_history
from controllers.moment import now
from controllers.terminal import told
from core.errors import InvalidInput
from governance import documents
from governance.engine import parse_framework

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, cls=Anywhere)
app.callback()(common)
for _name, _command in draft_commands.items():
    app.command(_name)(_command)


@app.command()
def show() -> None:
    """Who takes part, in which role, until when; the version, and how old it is."""

    async def work(calling: Calling) -> None:
        newest = (await calling.get(f"{API}/history", size=1))[0]["sequence"]
        document = await calling.get(f"{API}/framework", version=newest)
        framework = parse_framework(documents.serialise(document))
        print_framework(Console(), framework, now(), here.language)

    run(work)


@app.command()
def history(last: Annotated[int, typer.Option(help="How many versions", max=50)] = 20) -> None:
    """Each version: its number, when, signed by whom, and what changed."""

    async def work(calling: Calling) -> None:
        found = await calling.get(f"{API}/history", size=last, language=here.language)
        print_history(Console(), found, here.language)

    run(work)


@app.command()
def join(
    organisation: Slug,
    role: Annotated[str, typer.Argument(help="Role in the framework, such as shelter")],
    name: Annotated[str, typer.Argument(help="Its name in the framework, for everybody")],
    *,
    until: Until = None,
    months: Months = None,
    jurisdiction: Annotated[
        list[str] | None, typer.Option(help="ISO 3166 code, such as KH or US-CA")
    ] = None,
    new: Annotated[
        bool, typer.Option("--new", help="Make the organisation, if it is not there yet")
    ] = False,
    label: Annotated[
        str | None, typer.Option(help="With --new: what invitations show; default: the name")
    ] = None,
) -> None:
    """An organisation takes part in a role."""
    operation = {
        "kind": "join",
        "organisation": organisation,
        "role": role,
        "name": {"en": name},
        "jurisdictions": jurisdiction or [],
        "until": end_of(until, months),
    }

    async def work(calling: Calling) -> None:
        if new:
            made = {"slug": organisation, "label": label or name, "name": name}
            await calling.post(f"{API}/organisations", made)
        await change(calling, operation)

    run(work)


@app.command()
def leave(
    organisation: Slug, role: Annotated[str | None, typer.Option(help="One role alone")] = None
) -> None:
    """It takes no part any more; what it issued stays good."""
    changed({"kind": "leave", "organisation": organisation, "role": role})


@app.command()
def suspend(
    organisation: Slug,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Its key was stolen: refuse all that it issued")
    ] = False,
) -> None:
    """It may do nothing, from now; it can come back."""
    changed({"kind": "suspend", "organisation": organisation, "withdraw_grants": withdraw})


@app.command("come-back")
def come_back(organisation: Slug, until: Until = None, months: Months = None) -> None:
    """Whoever was suspended takes part again, in the roles that it had."""
    end = end_of(until, months)
    changed({"kind": "come-back", "organisation": organisation, "until": end})


@app.command()
def renew() -> None:
    """The same rules, signed anew, good for another while."""
    changed({"kind": "renew"})


@app.command()
def signers(
    organisations: Annotated[list[str], typer.Argument(help="Who signs beside the authority")],
    threshold: Annotated[int, typer.Option(min=1, max=16, help="How many have to")] = 1,
) -> None:
    """Who signs what comes next, and how many of them have to."""
    changed({"kind": "signers", "signers": organisations, "threshold": threshold})


@app.command()
def recognise(
    endorsement: Annotated[str, typer.Argument(help="Our id for it")],
    authority: Annotated[str | None, typer.Argument(help="DID of its authority")] = None,
    name: Annotated[str | None, typer.Argument(help="What it is called")] = None,
    *,
    endpoint: Annotated[str | None, typer.Option(help="https:// address (TRQP)")] = None,
    issue: Annotated[list[str] | None, typer.Option(help="A credential")] = None,
    ask: Annotated[list[str] | None, typer.Option(help="A purpose")] = None,
    compute: Annotated[list[str] | None, typer.Option(help="A computation")] = None,
    until: Until = None,
    months: Months = None,
    end: Annotated[bool, typer.Option("--end", help="Recognise it no more")] = False,
) -> None:
    """Recognise another ecosystem for stated things, until a date; or no more (--end)."""
    if end:
        changed({"kind": "end-recognition", "id": endorsement})
        return
    scope = {"issue": issue, "ask": ask, "compute": compute}
    changed(
        {
            "kind": "recognise",
            "id": endorsement,
            "authority": authority,
            "name": {"en": name},
            "endpoint": endpoint,
            "scope": {action: what for action, what in scope.items() if what},
            "until": end_of(until, months),
        }
    )


@app.command()
def rules(
    file: Annotated[
        Path, typer.Argument(help="JSON object: what it names of the rules, whole")
    ],
) -> None:
    """Other rules for the same participants, as in governance/framework/rules.json."""
    changed({"kind": "rules", "rules": told(lambda: read_json(file))})


@app.command()
def grant(
    organisation: Slug, credential: Annotated[str, typer.Argument(help="What it may issue")]
) -> None:
    """Give the authority to issue a credential, with a key of its own (takes a while)."""

    async def work(calling: Calling) -> None:
        body = {"organisation": organisation, "credential": credential}
        made = await calling.post(f"{API}/grants", body)
        if made["draft_id"] is not None:
            await ask_and_sign(calling, made["draft_id"], drop=False)
            return
        Console().print(f"It may issue this now. The grant: {made['grant_id']}")

    run(work)


@app.command("end-grant")
def end_grant(grant_id: Annotated[str, typer.Argument(help="Id of the grant")]) -> None:
    """Nothing new under this grant; what was issued stays good."""
    changed({"kind": "end-grant", "grant": grant_id})


@app.command("withdraw-grant")
def withdraw_grant(grant_id: Annotated[str, typer.Argument(help="Id of the grant")]) -> None:
    """Everything under this grant is refused; there is no way back."""
    changed({"kind": "withdraw-grant", "grant": grant_id})


@app.command()
def decide(
    kind: Annotated[str, typer.Argument(help="issue, act, ask, rely or recognise")],
    who: Slug,
    what: Annotated[
        list[str],
        typer.Argument(
            help="issue: credential [definition]; act, recognise: action resource; "
            "ask: purpose request-file; rely: schema definition"
        ),
    ],
    as_of: Annotated[str | None, typer.Option(help="Judge as of this moment")] = None,
    in_force_at: Annotated[str | None, typer.Option(help="By the version of then")] = None,
) -> None:
    """Any decision as of a date: yes or no, the rules, the reason, the version."""
    query = told(lambda: _query(kind, who, what))
    times = {
        "as_of": told(lambda: moment_of(as_of)),
        "in_force_at": told(lambda: moment_of(in_force_at)),
    }

    async def work(calling: Calling) -> None:
        found = await calling.post(f"{API}/decide", {"query": query, **times})
        console = Console()
        console.print("[bold]yes[/bold]" if found["allowed"] else "[bold]no[/bold]")
        if found["reason"]:
            console.print(f"{found['reason']}: {found['explanation']}", highlight=False)
        console.print(f"rules: {', '.join(found['rules'])}", highlight=False, markup=False)
        version = f"version: {found['version']} ({found['sequence']})"
        console.print(f"{version}, as of {found['as_of']}", highlight=False)

    run(work)


def _query(kind: str, who: str, what: list[str]) -> dict[str, Any]:
    """Raises InvalidInput."""
    query: dict[str, Any] = {"kind": kind, "who": who}
    match kind, what:
        case "issue", [credential, *definition] if len(definition) <= 1:
            return query | {
                "credential": credential,
                "definition_id": next(iter(definition), None),
            }
        case (("act" | "recognise"), [action, resource]):
            return query | {"action": action, "resource": resource}
        case "rely", [schema, definition_id]:
            return query | {"schema_id": schema, "definition_id": definition_id}
        case "ask", [purpose, request]:
            return query | {"purpose": purpose, "ask": read_json(Path(request))}
    raise InvalidInput("This is not a question; `haven governance decide --help` lists them")
