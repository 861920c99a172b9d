"""What the framework says, in words for a page: who takes part, who may, what is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from controllers.governance.site.texts import Say, called, day, in_words, say_in
from credential_defs import CredentialDefinition, load_all
from governance.model import (
    TODAY,
    VARIABLE,
    Check,
    CredentialRule,
    Framework,
    IntegerParameter,
    Parameter,
    Participant,
    PredicateRule,
    Variant,
)

ACTIONS = ("issue", "ask", "compute")
_UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60))
_MOST_SHOWN_SECONDS = 120  # what is kept for less is readable for two minutes all the same


@dataclass(frozen=True, slots=True)
class ParticipantShown:
    """One entry of the framework's list."""

    name: str
    did: str
    role: str
    where: str
    starts: str
    until: str
    state: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class EndorsementShown:
    """Another ecosystem, and what it is recognised for."""

    name: str
    authority: str
    scope: tuple[str, ...]
    until: str


@dataclass(frozen=True, slots=True)
class RoleShown:
    """A row of the matrix: a role and what it may do, for each action."""

    name: str
    may: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class PartShown:
    """What is asked of one card."""

    title: str
    shown: tuple[str, ...]
    proven: tuple[str, ...]
    hidden: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VariantShown:
    """One way to answer a question."""

    title: str
    parts: tuple[PartShown, ...]
    same: tuple[str, ...]
    expected: tuple[str, ...]
    once: str | None


@dataclass(frozen=True, slots=True)
class CheckShown:
    """A question that desks may ask."""

    name: str
    purpose: str
    title: str
    description: str
    roles: tuple[str, ...]
    parameters: tuple[str, ...]
    kept: str
    variants: tuple[VariantShown, ...]


# --- who --------------------------------------------------------------------------------------


def name_of(framework: Framework, did: str, language: str) -> str:
    """What the framework calls an organisation; the authority without a name is called that,
    and another one by its DID."""
    entries = framework.participants.get(did, ())
    if entries:
        return in_words(entries[-1].name, language)
    return say_in(language)("authority") if did == framework.authority else did


def jurisdictions(codes: tuple[str, ...], say: Say) -> str:
    """The codes as the framework has them."""
    return ", ".join(codes) or say("jurisdictions.none")


def participants(framework: Framework, language: str, now: datetime) -> list[ParticipantShown]:
    """Every entry, those who take part now first, by name."""
    entries = [each for several in framework.participants.values() for each in several]
    found = [_participant(each, language, now) for each in entries]
    return sorted(found, key=lambda each: (not each.is_current, each.name.casefold()))


def _participant(entry: Participant, language: str, now: datetime) -> ParticipantShown:
    say = say_in(language)
    return ParticipantShown(
        name=in_words(entry.name, language) or entry.did,
        did=entry.did,
        role=called(language, "role", entry.role),
        where=jurisdictions(entry.jurisdictions, say),
        starts=day(entry.starts),
        until=say("participants.open") if entry.until is None else day(entry.until),
        state=say(f"state.{_state(entry, now)}"),
        is_current=entry.is_current(now),
    )


def _state(entry: Participant, now: datetime) -> str:
    if entry.is_current(now):
        return "current"
    return "later" if now < entry.starts else entry.ended_because or "ended"


def endorsements(framework: Framework, language: str) -> list[EndorsementShown]:
    """Every ecosystem that is recognised, or was."""
    found = [each for several in framework.endorsements.values() for each in several]
    return [
        EndorsementShown(
            name=in_words(each.name, language) or each.authority,
            authority=each.authority,
            scope=tuple(
                f"{called(language, 'action', action)}: {', '.join(sorted(resources))}"
                for action, resources in sorted(each.scope.items())
            ),
            until=day(each.until),
        )
        for each in found
    ]


# --- what each may do -------------------------------------------------------------------------


def resource_title(framework: Framework, action: str, resource: str, language: str) -> str:
    """A credential, a purpose or a computation in words; its name where there are none."""
    if action == "issue":
        definition = load_all().get(resource)
        return definition.title(language) if definition else resource
    if action == "ask":
        words = [each.title for each in framework.checks.values() if each.purpose == resource]
        return in_words(words[0], language) if words else resource
    computation = framework.computations.get(resource)
    return in_words(computation.title, language) if computation else resource


def resources(framework: Framework, language: str) -> dict[str, list[tuple[str, str]]]:
    """All that an action can be about: names with their words, by action."""
    return {
        action: [
            (each, resource_title(framework, action, each, language))
            for each in sorted(framework.resources(action) or ())
        ]
        for action in ACTIONS
    }


def roles(framework: Framework, language: str) -> list[RoleShown]:
    """The matrix, by the roles' names in words."""
    found = [
        RoleShown(
            called(language, "role", name),
            {
                action: tuple(
                    resource_title(framework, action, each, language)
                    for each in sorted(role.may(action))
                )
                for action in ACTIONS
            },
        )
        for name, role in framework.roles.items()
    ]
    return sorted(found, key=lambda each: each.name.casefold())


# --- what is asked ----------------------------------------------------------------------------


def checks(framework: Framework, language: str) -> list[CheckShown]:
    """Every question, in the framework's order."""
    return [_check(framework, each, language) for each in framework.checks.values()]


def _check(framework: Framework, check: Check, language: str) -> CheckShown:
    asking = (name for name, role in framework.roles.items() if check.purpose in role.ask)
    return CheckShown(
        name=check.name,
        purpose=check.purpose,
        title=in_words(check.title, language),
        description=in_words(check.description, language),
        roles=tuple(called(language, "role", name) for name in asking),
        parameters=tuple(_parameters(check.parameters, say_in(language))),
        kept=kept(check.retention_seconds, say_in(language)),
        variants=tuple(
            _variant(name, variant, language) for name, variant in check.variants.items()
        ),
    )


def kept(seconds: int, say: Say) -> str:
    """How long what was shown is kept, in the largest unit that fits."""
    if seconds <= _MOST_SHOWN_SECONDS:
        return say("kept.none")
    unit, length = next(
        ((unit, length) for unit, length in _UNITS if seconds % length == 0), _UNITS[-1]
    )
    return say(f"kept.{unit}", count=-(-seconds // length))


def _parameters(rules: Mapping[str, Parameter], say: Say) -> Iterator[str]:
    for name, rule in rules.items():
        if isinstance(rule, IntegerParameter):
            bounds = {"least": f"{rule.minimum:,}", "most": f"{rule.maximum:,}"}
            yield say("parameter.integer", name=name, **bounds)
        else:
            yield say("parameter.text", name=name, pattern=rule.pattern.pattern)


def _variant(name: str, variant: Variant, language: str) -> VariantShown:
    say = say_in(language)

    def label(part: str, attribute: str) -> str:
        return _label(variant.credentials[part].credential, attribute, language)

    once = variant.once
    return VariantShown(
        title=called(language, "variant", name),
        parts=tuple(_part(each, language) for each in variant.credentials.values()),
        same=tuple(label(group[0].label, group[0].attribute) for group in variant.equal),
        expected=tuple(
            f"{label(reference.label, reference.attribute)} ({str(value).lstrip(VARIABLE)})"
            for reference, value in variant.expect
        ),
        once=None
        if once is None
        else say(f"once.{once.per}", label=label(once.by.label, once.by.attribute)),
    )


def _part(rule: CredentialRule, language: str) -> PartShown:
    definition = load_all().get(rule.credential)
    named = {*rule.reveal, *(each.attribute for each in rule.predicates)}
    hidden = [each for each in _attributes(definition) if each not in named]

    def labels(attributes: tuple[str, ...] | list[str]) -> tuple[str, ...]:
        return tuple(_label(rule.credential, each, language) for each in attributes)

    return PartShown(
        title=definition.title(language) if definition else rule.credential,
        shown=labels(rule.reveal),
        proven=tuple(_condition(rule.credential, each, language) for each in rule.predicates),
        hidden=labels(hidden),
    )


def _attributes(definition: CredentialDefinition | None) -> tuple[str, ...]:
    return definition.attribute_names if definition else ()


def _label(credential: str, attribute: str, language: str) -> str:
    definition = load_all().get(credential)
    if definition is None or attribute not in definition.attribute_names:
        return attribute
    return definition.label(attribute, language)


def _condition(credential: str, rule: PredicateRule, language: str) -> str:
    say, label = say_in(language), _label(credential, rule.attribute, language)
    if _is_flag(credential, rule):
        return say("condition.no" if rule.operator == "<=" else "condition.yes", label=label)
    value = say("condition.today") if rule.value == TODAY else str(rule.value)
    when = "day" if rule.value == TODAY else ""
    return say(
        f"condition.{when}{rule.operator}",
        label=label,
        value=value.removeprefix(VARIABLE),
    )


def _is_flag(credential: str, rule: PredicateRule) -> bool:
    """Whether yes or no is proven of something that is 1 or 0: kept for somebody else."""
    definition = load_all().get(credential)
    if definition is None or rule.attribute not in definition.attribute_names:
        return False
    is_bound = (rule.operator, rule.value) in {("<=", 0), (">=", 1)}
    return is_bound and definition.attribute(rule.attribute).held_for_other
