"""What `haven governance` shows: the framework at a glance, a draft's meaning, the history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from controllers.desks.texts import say_in
from controllers.governance.telling import Naming, day
from governance.engine import Framework
from governance.model import Participant

_EFFECTS = ("gains", "loses", "changes")


def state_of(entry: Participant, at: datetime) -> str:
    """Where one part of an organisation stands: a key of the language files."""
    if entry.is_current(at):
        return "governing.state.takes-part"
    if at < entry.starts:
        return "governing.state.not-yet"
    reason = entry.ended_because
    return "governing.state.over" if reason is None else f"governing.state.{reason}"


def print_framework(console: Console, framework: Framework, at: datetime, lang: str) -> None:
    """Who takes part, in which role, until when; the version and its age."""
    say, naming = say_in(lang), Naming((framework,), lang)
    age = max(0, (at - framework.issued_at).days)
    version = say(
        "governing.version.of", version=framework.version, sequence=framework.sequence
    )
    console.print(f"{say('governing.version')}: {version}", highlight=False)
    console.print(
        f"{say('governing.since')}: {day(framework.issued_at)} ({age} d)", highlight=False
    )
    console.print(
        f"{say('governing.good-until')}: {day(framework.expires_at)}", highlight=False
    )
    signers = sorted(naming.who(each) for each in framework.signers.current(at))
    needed = say("governing.signers.needed", count=framework.signers.threshold)
    console.print(f"{say('governing.signers')}: {', '.join(signers)}. {needed}")
    table = Table(
        say("governing.organisation"),
        say("governing.role"),
        say("governing.from"),
        say("governing.until.head"),
        say("governing.state"),
    )
    for did, entries in framework.participants.items():
        for each in entries:
            until = "" if each.until is None else day(each.until)
            name, role = naming.who(did), naming.role(each.role)
            table.add_row(name, role, day(each.starts), until, say(state_of(each, at)))
    console.print(table)


def print_draft(console: Console, draft: Mapping[str, Any], lang: str) -> None:
    """Who gains, who loses, which cards are affected, what kind of version it becomes."""
    say, naming = say_in(lang), Naming((), lang)
    print_differences(console, draft["differences"], lang)
    cards = [naming.credential(each) for each in draft["credentials"]]
    affected = ", ".join(cards) or say("governing.affected.none")
    console.print(f"[bold]{say('governing.affected')}:[/bold] {affected}")
    level = say(f"governing.level.{draft['level']}", version=draft["version"])
    console.print(f"[bold]{say('governing.level')}:[/bold] {level}", highlight=False)


def print_differences(console: Console, found: list[dict[str, str]], lang: str) -> None:
    """By what they do to somebody."""
    say = say_in(lang)
    for effect in _EFFECTS:
        texts = [each["text"] for each in found if each["effect"] == effect]
        if texts:
            console.print(f"[bold]{say(f'governing.{effect}')}:[/bold]")
        for text in texts:
            console.print(f"  - {text}", highlight=False, markup=False)
    if not found:
        console.print(f"  {say('governing.nothing-differs')}")


def print_state(console: Console, draft: Mapping[str, Any], lang: str) -> None:
    """In force, or who else has to sign."""
    say = say_in(lang)
    state = say(f"governing.draft.{draft['state']}", version=draft["version"])
    console.print(state, highlight=False)
    if draft["state"] != "open":
        return
    console.print(say("governing.missing", count=draft["signatures_missing"]))
    for each in draft["signers"]:
        told = say("governing.has-signed" if each["has_signed"] else "governing.can-sign")
        console.print(f"  - {each['name']}: {told}", markup=False)
    console.print(f"  {draft['id']}", highlight=False)


def print_history(console: Console, versions: list[dict[str, Any]], lang: str) -> None:
    """Each version: number, semantic version, when, by whom, what changed."""
    say = say_in(lang)
    for each in versions:
        version = say(
            "governing.version.of", version=each["version"], sequence=each["sequence"]
        )
        when = day(datetime.fromisoformat(each["issued_at"]))
        by = ", ".join(each["signed_by"])
        console.print(f"[bold]{version}[/bold]  {when}  {by}", highlight=False)
        if each["level"] is None:
            console.print(f"  {say('governing.history.first')}")
        else:
            print_differences(console, each["differences"], lang)
