"""`haven governance` on drafts: sign, drop, and sign away from here with a key of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from controllers.governance.calling import Calling
from controllers.governance.command_line import (
    API,
    DraftId,
    ask_and_sign,
    here,
    run,
)
from controllers.governance.elsewhere import (
    meaning,
    proof_by,
    read_exported,
    read_json,
    write_json,
)
from controllers.governance.printing import print_draft, print_state
from controllers.governance.showing import in_words, level_of
from controllers.moment import now
from controllers.terminal import told


def drafts() -> None:
    """Changes that wait for signatures."""

    async def work(calling: Calling) -> None:
        console = Console()
        found = await calling.get(f"{API}/drafts", language=here.language)
        for each in found:
            console.print(f"[bold]{each['kind']}[/bold]", highlight=False)
            print_draft(console, each, here.language)
            print_state(console, each, here.language)
        if not found:
            console.print("Nothing waits.")

    run(work)


def sign(draft: DraftId) -> None:
    """Sign a draft as the authority, once its meaning was shown."""

    async def work(calling: Calling) -> None:
        await ask_and_sign(calling, draft, drop=False)

    run(work)


def drop(draft: DraftId) -> None:
    """Nobody signs it any more."""

    async def work(calling: Calling) -> None:
        found = await calling.post(f"{API}/drafts/{draft}/drop")
        print_state(Console(), found, here.language)

    run(work)


def export_draft(
    draft: DraftId, file: Annotated[Path, typer.Argument(help="File to write")]
) -> None:
    """Write a draft, and the version that it follows, for a signer elsewhere."""

    async def work(calling: Calling) -> None:
        found = await calling.get(f"{API}/drafts/{draft}")
        before = await calling.get(f"{API}/framework", version=found["sequence"] - 1)
        content = {"draft": found["id"], "before": before, "document": found["document"]}
        write_json(file, content)
        Console().print("Written. Its signer uses `haven governance sign-file`.")

    run(work)


def sign_file(
    file: Annotated[Path, typer.Argument(help="A draft that `export` wrote")],
    key: Annotated[Path, typer.Option("--key", help="Ed25519 key: PKCS #8, PEM")],
    method: Annotated[str, typer.Option("--method", help="DID URL of the key: did:...#...")],
    to: Annotated[Path | None, typer.Option("--to", help="Proof file to write")] = None,
) -> None:
    """Sign a draft with a key of one's own. Nothing is asked of any Haven."""
    console = Console()
    exported = told(lambda: read_exported(file))
    found = told(lambda: meaning(exported))
    shown = {
        "differences": [each.model_dump() for each in in_words(found, here.language)],
        "credentials": list(found.credentials),
        "level": level_of(found),
        "version": found.after.version,
    }
    print_draft(console, shown, here.language)
    if not (here.yes or typer.confirm("Sign?", default=False)):
        console.print("Nothing was signed.")
        return
    proof = told(lambda: proof_by(exported, key, method, now()))
    target = to or file.with_suffix(".proof.json")
    told(lambda: write_json(target, {"draft": exported.draft, "proof": proof}))
    console.print(f"Written: {escape(str(target))}", soft_wrap=True)


def add_proof(
    draft: DraftId, file: Annotated[Path, typer.Argument(help="What `sign-file` wrote")]
) -> None:
    """Add a signature that was made elsewhere; it is verified before it is kept."""
    proof = told(lambda: read_json(file)).get("proof")

    async def work(calling: Calling) -> None:
        found = await calling.post(f"{API}/drafts/{draft}/proofs", {"proof": proof})
        print_state(Console(), found, here.language)

    run(work)


commands: Mapping[str, Callable[..., None]] = {
    "drafts": drafts,
    "sign": sign,
    "drop": drop,
    "export": export_draft,
    "sign-file": sign_file,
    "add-proof": add_proof,
}
