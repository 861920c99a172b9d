"""What every page of the framework begins with: the newest version, its documents filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from controllers.governance.service import GovernanceService
from controllers.governance.site.markdown import Page, Surroundings, render
from controllers.governance.site.pages import Reading
from controllers.governance.site.searching import Passage, passages_of
from controllers.governance.site.shown import checks, jurisdictions, name_of, participants
from controllers.governance.site.texts import called, in_words, minute, say_in
from controllers.governance.site.versions import Versions
from controllers.moment import now
from governance.controlled import OFFICIAL, Text, packaged_requirements, packaged_texts
from governance.model import Framework

DOCUMENTS = "/governance/documents"
FOR_YOU = "for-you"


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest version, and whether its time is over."""

    framework: Framework
    digest: str
    signed_by: frozenset[str]
    expired: bool

    def is_official(self, text: Text) -> bool:
        """Whether a text is the one whose digest was signed with this version."""
        return any(
            (each.name, each.language, each.digest) == (text.name, text.language, text.digest)
            for each in self.framework.documents
        )


@dataclass(frozen=True, slots=True)
class DocumentShown:
    """A document as it stands in the list of all."""

    name: str
    kind: str
    languages: tuple[str, ...]
    official: bool


class Site:
    """What the pages are made of. It asks the framework alone, and keeps nothing of readers."""

    def __init__(self, governance: GovernanceService, base_url: str, leave_to: str) -> None:
        self.governance = governance
        self.base_url = base_url
        self.leave_to = leave_to
        self.versions = Versions(governance)

    async def newest(self) -> Newest:
        """Raises NotFound before the authority has been founded."""
        accepted, signed_by = await self.versions.newest()
        framework = accepted.framework
        return Newest(framework, accepted.digest, signed_by, framework.expires_at <= now())

    def values(self, framework: Framework, text: Text) -> dict[str, str]:
        """What fills in the placeholders of a document, in its language."""
        say = say_in(text.language)
        file = f"{self.base_url}/governance/framework/{framework.version}.json"
        return {
            "authority_name": name_of(framework, framework.authority, text.language),
            "authority_did": framework.authority,
            "jurisdictions": jurisdictions(framework.jurisdictions, say),
            "contact": contact(framework, text.language),
            "version": framework.version,
            # people are led to the pages, and who reads the primary document to the file
            "version_url": f"{self.base_url}/governance" if text.name == FOR_YOU else file,
            "issued_at": minute(framework.issued_at),
            "expires_at": minute(framework.expires_at),
        }

    def page(self, newest: Newest, text: Text, reading: Reading) -> Page:
        """A document as a page, for one reader."""
        say = reading.say

        def address(name: str, language: str | None) -> str:
            chosen = {} if language is None else {"lang": language}
            return reading.to(f"{DOCUMENTS}/{name}", **chosen)

        return render(
            text.content,
            Surroundings(
                values=self.values(newest.framework, text),
                address=address,
                mark=lambda identifier: _mark(identifier, say),
                behind=lambda identifier: _behind(identifier, say),
                wide=say("document.table"),
            ),
        )

    def passages(self, newest: Newest, reading: Reading) -> Iterator[Passage]:
        """Everything that can be found, in the reader's language where it is there."""
        language, framework = reading.language, newest.framework
        for name in names():
            text = text_for(name, language)
            if text is not None:
                title = called(language, "document", name)
                href = reading.to(f"{DOCUMENTS}/{name}")
                values = self.values(framework, text)
                yield from passages_of(text.content, title, href, text.language, values)
        for check in checks(framework, language):
            href = reading.to("/governance/checks", check.name)
            words = f"{check.title}. {check.description} {check.purpose}"
            yield Passage(reading.say("place.checks"), href, words, language)
        for each in participants(framework, language, now()):
            words = f"{each.name}, {each.role}, {each.where}, {each.state}. {each.did}"
            href = reading.to("/governance/participants")
            yield Passage(reading.say("place.participants"), href, words, language)


def contact(framework: Framework, language: str) -> str:
    """Where the authority is reached: the framework's `contact`, a text or one for each
    language. A format of today need not have it: then any desk takes a complaint."""
    said: Any = framework.document.get("contact")
    if isinstance(said, str) and said:
        return said
    if isinstance(said, Mapping) and all(isinstance(each, str) for each in said.values()):
        return in_words(said, language) or say_in(language)("contact.none")
    return say_in(language)("contact.none")


def names() -> tuple[str, ...]:
    """Every document that comes with Haven, in the order in which they are read."""
    return tuple(dict.fromkeys(name for name, _ in packaged_texts()))


def text_for(name: str, language: str) -> Text | None:
    """A document in a language, or in English; None if there is no such document."""
    texts = packaged_texts()
    return texts.get((name, language)) or texts.get((name, OFFICIAL))


def documents(newest: Newest, language: str) -> list[DocumentShown]:
    """Every document, with the languages that it is there in."""
    found = []
    for name in names():
        text = text_for(name, language)
        if text is not None:
            tongues = tuple(each for known, each in packaged_texts() if known == name)
            official = newest.is_official(text)
            found.append(DocumentShown(name, text.kind, tongues, official))
    return found


def signers(newest: Newest, language: str) -> list[str]:
    """The names of those who signed the newest version."""
    return sorted(name_of(newest.framework, did, language) for did in newest.signed_by)


def current_moment() -> datetime:
    """The controllers' clock, for the pages."""
    return now()


# --- what stands behind a requirement ---------------------------------------------------------

type _Say = Callable[..., str]


def _mark(identifier: str, say: _Say) -> Markup:
    kind = packaged_requirements().get(identifier, {}).get("kind")
    if kind not in {"rule", "policy"}:
        return Markup("")
    marked = Markup('<span class="mark {}" title="{}">{}</span>')
    return marked.format(kind, say(f"mark.{kind}-about"), say(f"mark.{kind}"))


def _behind(identifier: str, say: _Say) -> Markup:
    entry = packaged_requirements().get(identifier)
    if entry is None:
        return Markup("")
    if entry["kind"] == "policy":
        body = _paragraph(say("behind.audit"), entry["audit"])
    else:
        body = _pointers(say("behind.enforced"), entry["enforced_by"])
        body += _pointers(say("behind.shown"), entry["shown_by"])
    summary = Markup('<summary>{} <span class="aside">{}</span></summary>').format(
        say("behind.summary"), identifier
    )
    return Markup('<details class="behind">{}{}</details>\n').format(summary, body)


def _paragraph(title: str, words: str) -> Markup:
    return Markup('<p class="label">{}</p><p lang="en">{}</p>').format(title, words)


def _pointers(title: str, pointers: list[str]) -> Markup:
    items = Markup("").join(
        Markup("<li><code>{}</code></li>").format(each) for each in pointers
    )
    return Markup('<p class="label">{}</p><ul>{}</ul>').format(title, items)
