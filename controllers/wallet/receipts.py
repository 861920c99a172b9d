"""The history in the holder's words: what happened, with whom, and what of hers was seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from controllers.wallet.labelling import who
from controllers.wallet.schemas import HistoryEntry
from controllers.words import words
from core.ports import Document
from credential_defs import load_all
from governance.checks import describe
from governance.engine import Framework


def show_entry(note: Document, framework: Framework, language: str) -> HistoryEntry:
    """One receipt. A name that is no longer known stays what it was, or has a general word."""
    return HistoryEntry(
        id=note["id"],
        at=note["at"],
        event=note["event"],
        who=who(framework, note["with_whom"], language),
        title=_title(note, framework, language),
        shown=_labels(note, "shown", language),
        proven=_labels(note, "proven", language),
        retention_seconds=note.get("retention_seconds"),
        held_for_other=note.get("held_for_other"),
    )


def _title(note: Document, framework: Framework, language: str) -> str:
    if "credential" in note:
        definition = load_all().get(note["credential"])
        return definition.title(language) if definition else words(language, "card")
    if note.get("check") not in framework.checks:  # the rules have changed since
        return words(language, "request")
    return describe(framework, note["check"]).words((language, "en"))[0]


def _labels(note: Document, what: str, language: str) -> list[str]:
    """Each name once: two cards may have shown the same attribute."""
    parts: Mapping[str, str] = note.get("parts", {})
    attributes: Mapping[str, list[str]] = note.get(what, {})
    found = (
        label
        for part, names in attributes.items()
        for label in _of_part(parts.get(part, ""), names, language)
    )
    return list(dict.fromkeys(found))


def _of_part(credential: str, names: list[str], language: str) -> Iterator[str]:
    definition = load_all().get(credential)
    known = definition.attribute_names if definition else ()
    for name in names:
        yield definition.label(name, language) if definition and name in known else name
