"""The form that puts a question to the rules: an organisation, an action, a resource, a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from controllers.governance.site.shown import name_of, resource_title
from controllers.governance.site.texts import called, say_in
from controllers.governance.site.versions import Versions
from core.decision import Deny
from core.errors import NotFound
from governance.engine import Act, decide
from governance.model import Framework

_MOST_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Question:
    """What was chosen in the form; empty where nothing was."""

    organisation: str = ""
    action: str = ""
    resource: str = ""
    day: str = ""

    @classmethod
    def of(cls, sent: Mapping[str, str], today: date) -> Question:
        """What came with the address. `about` is an action and its resource in one field."""
        action, _, resource = sent.get("about", "").partition(":")
        chosen = cls(
            organisation=sent.get("organisation", "")[:_MOST_CHARACTERS],
            action=(sent.get("action", "") or action)[:_MOST_CHARACTERS],
            resource=(sent.get("resource", "") or resource)[:_MOST_CHARACTERS],
            day=sent.get("date", "")[:10],
        )
        asked = chosen.organisation or chosen.action or chosen.resource
        return chosen if chosen.day or asked else cls(day=today.isoformat())

    @property
    def about(self) -> str:
        """Action and resource as the form has them, in one field."""
        return f"{self.action}:{self.resource}"

    @property
    def is_asked(self) -> bool:
        """Whether anything but a day was chosen."""
        return bool(self.organisation or self.action or self.resource)

    @property
    def is_whole(self) -> bool:
        """Whether everything was chosen."""
        return bool(self.organisation and self.action and self.resource and self.day)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the rules say, in words. `allowed` is None where there was nothing to ask."""

    allowed: bool | None
    asked: str
    words: tuple[str, ...]
    rule_ids: tuple[str, ...] = ()
    code: str = ""


async def answer(
    versions: Versions, newest: Framework, question: Question, language: str, now: datetime
) -> Answer:
    """The engine's answer on that day, by the version that was in force then."""
    say = say_in(language)
    if not question.is_whole:
        return Answer(None, "", (say("who.incomplete"),))
    try:
        chosen = date.fromisoformat(question.day)
    except ValueError:
        return Answer(None, "", (say("who.wrong-date"),))
    moment = _moment(chosen, now)
    later = (say("who.future"),) if moment > now else ()
    try:
        framework = newest if moment >= now else await versions.in_force(moment)
    except NotFound:
        return Answer(False, "", (say("who.none-then"),))
    asked = say(
        "who.asked",
        organisation=name_of(framework, question.organisation, language),
        action=called(language, "action", question.action),
        resource=resource_title(framework, question.action, question.resource, language),
        date=chosen.isoformat(),
        version=framework.version,
    )
    if framework.expires_at <= moment <= now:
        return Answer(False, asked, (say("who.expired-then"),))
    query = Act(question.organisation, question.action, question.resource)
    decision = decide(framework, query, as_of=moment)
    if isinstance(decision, Deny):
        words = _reason(decision, language)
        return Answer(False, asked, (*later, words), (decision.rule_id,), decision.reason)
    return Answer(True, asked, later, tuple(decision.rule_ids))


def _reason(decision: Deny, language: str) -> str:
    """The reason in the reader's language, or in the engine's own words."""
    said = called(language, "reason", decision.reason)
    return decision.explanation if said == decision.reason else said


def _moment(chosen: date, now: datetime) -> datetime:
    """The end of a day that is over, the beginning of one that is to come, or now."""
    if chosen == now.date():
        return now
    edge = time.max if chosen < now.date() else time.min
    return datetime.combine(chosen, edge, tzinfo=UTC)
