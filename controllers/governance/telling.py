"""The framework in plain words: names of what it knows, and what a change means to whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from controllers.desks.texts import Say, is_said, say_in
from controllers.governance.consequences import Consequences
from controllers.governance.service import participant_name
from core.errors import InvalidInput
from credential_defs import load_all
from governance.differences import Difference, Effect
from governance.engine import Framework
from governance.model import Names
from governance.timestamps import parse_time


@dataclass(frozen=True, slots=True)
class Told:
    """A difference as a sentence."""

    kind: str
    effect: Effect
    text: str


@dataclass(frozen=True, slots=True)
class Naming:
    """What things of these frameworks are called in one language; the first one that knows a
    name gives it."""

    frameworks: tuple[Framework, ...]
    language: str

    @property
    def say(self) -> Say:
        """Sentences in the language."""
        return say_in(self.language)

    def who(self, did: str) -> str:
        """An organisation's name in the framework; else its DID."""
        for framework in self.frameworks:
            found = participant_name(framework, did, self.language)
            if found is not None:
                return found
        own = any(did == each.authority for each in self.frameworks)
        return self.say("governing.the-authority") if own else did

    def role(self, name: str) -> str:
        """A role."""
        key = f"governing.role.{name}"
        return self.say(key) if is_said("en", key) else name.replace("-", " ")

    def credential(self, name: str) -> str:
        """A credential."""
        found = load_all().get(name)
        return name.replace("-", " ") if found is None else found.title(self.language)

    def check(self, name: str) -> str:
        """A check."""
        for framework in self.frameworks:
            if name in framework.checks:
                return self._of(framework.checks[name].title, name)
        return name.replace("-", " ")

    def purpose(self, name: str) -> str:
        """A purpose: what the checks for it are called."""
        titles = [
            self._of(check.title, name)
            for framework in self.frameworks
            for check in framework.checks.values()
            if check.purpose == name
        ]
        return ", ".join(dict.fromkeys(titles)) or name.replace("-", " ")

    def computation(self, name: str) -> str:
        """A computation."""
        for framework in self.frameworks:
            if name in framework.computations:
                return self._of(framework.computations[name].title, name)
        return name.replace("-", " ")

    def resource(self, action: str, name: str) -> str:
        """What an action is about."""
        known: Mapping[str, Callable[[str], str]] = {
            "issue": self.credential,
            "ask": self.purpose,
            "compute": self.computation,
        }
        return known[action](name)

    def ecosystem(self, endorsement_id: str) -> str:
        """Another ecosystem, by the id of its recognition."""
        for framework in self.frameworks:
            for several in framework.endorsements.values():
                for each in several:
                    if each.id == endorsement_id:
                        return self._of(each.name, endorsement_id)
        return endorsement_id

    def attribute(self, name: str) -> str:
        """An attribute, written `credential.attribute`."""
        credential, _, attribute = name.partition(".")
        definition = load_all().get(credential)
        try:
            known = None if definition is None else definition.attribute(attribute)
        except InvalidInput:
            known = None
        label = attribute if known is None else known.label.in_language(self.language)
        return f"{self.credential(credential)}: {label}"

    def until(self, moment: datetime | None) -> str:
        """Until when, or that no end is fixed."""
        if moment is None:
            return self.say("governing.no-end")
        return self.say("governing.until", at=day(moment))

    def _of(self, names: Names, otherwise: str) -> str:
        if isinstance(names, str):
            return names
        return names.get(self.language) or next(iter(names.values()), otherwise)


def day(moment: datetime) -> str:
    """A moment as people read it: the day, and the time of day where it is not midnight."""
    in_utc = moment.astimezone(UTC)
    at_midnight = (in_utc.hour, in_utc.minute) == (0, 0)
    return in_utc.strftime("%Y-%m-%d" if at_midnight else "%Y-%m-%d %H:%M UTC")


def told(found: Consequences, language: str) -> list[Told]:
    """Every difference as a sentence, in their order."""
    naming = Naming((found.after, found.before), language)
    return [
        Told(
            each.kind,
            each.effect,
            naming.say(f"governing.difference.{each.kind}", **_parts(each, naming)),
        )
        for each in found.differences
    ]


def _parts(difference: Difference, naming: Naming) -> dict[str, str]:
    """All that a sentence can need, in words."""
    about = dict(difference.about)
    until = about.get("until", "")
    return {
        "what": _what(difference.kind, about, naming),
        "who": naming.who(about.get("did", "")),
        "role": naming.role(about.get("role", "")),
        "until": naming.until(parse_time(until, "until") if until else None),
        "at": day(parse_time(until, "until")) if until else "",
        "attribute": naming.attribute(about.get("attribute", "")),
        "variant": about.get("variant", ""),
        "count": about.get("count", ""),
        "seconds": about.get("seconds", ""),
        "language": about.get("language", ""),
    }


def _what(kind: str, about: Mapping[str, str], naming: Naming) -> str:
    if "resource" in about:
        return naming.resource(kind.rpartition("-")[2], about["resource"])
    name = about.get("name", "")
    known: Mapping[str, Callable[[str], str]] = {
        "role": naming.role,
        "credential": naming.credential,
        "schema": naming.credential,
        "grant": naming.credential,
        "computation": naming.computation,
        "endorsement": naming.ecosystem,
        "document": str,
    }
    return known.get(kind.partition("-")[0], naming.check)(name)
