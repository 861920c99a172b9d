"""What changes between two versions: who gains, who loses, and how much the change means.

Everything is told as a Difference with a stable kind and the names it is about; the words for
a person are the edges' (`governing.<kind>` in their language files). The level of a change is
the highest of its differences' (`governance.versions`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from governance.model import Check, Endorsement, Framework, Grant, Participant, Variant
from governance.timestamps import format_time
from governance.versions import Level

type Effect = Literal["gains", "loses", "changes"]

_ACTIONS = ("issue", "ask", "compute")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is another one now. `about` holds names of the framework, never more."""

    kind: str
    effect: Effect
    level: Level
    about: Mapping[str, str] = field(default_factory=dict)


def differences(before: Framework, after: Framework) -> tuple[Difference, ...]:
    """All that a person who signs would want to know, in a fixed order."""
    return (
        *_roles(before, after),
        *_names("credential", before.credentials, after.credentials),
        *_schemas(before, after),
        *_names("computation", set(before.computations), set(after.computations)),
        *_checks(before, after),
        *_participants(before, after),
        *_grants(before, after),
        *_endorsements(before, after),
        *_signers(before, after),
        *_rest(before, after),
    )


def level_of(found: tuple[Difference, ...]) -> Level:
    """The level of a change as a whole."""
    return max((each.level for each in found), default=Level.PATCH)


def credentials_affected(before: Framework, after: Framework) -> frozenset[str]:
    """Credentials that somebody may issue, or be asked for, otherwise than before."""
    touched: set[str] = set(before.credentials ^ after.credentials)
    for name in before.roles.keys() | after.roles.keys():
        old, new = _rights(before, name, "issue"), _rights(after, name, "issue")
        touched |= old ^ new
    for definition in before.grants.keys() | after.grants.keys():
        one, other = before.grants.get(definition), after.grants.get(definition)
        if one != other:
            touched |= {each.credential for each in (one, other) if each is not None}
    for name in before.checks.keys() | after.checks.keys():
        if before.checks.get(name) != after.checks.get(name):
            touched |= _asked(before.checks.get(name)) | _asked(after.checks.get(name))
    return frozenset(touched)


# --- one kind after another -----------------------------------------------------------------


def _roles(before: Framework, after: Framework) -> Iterator[Difference]:
    yield from _names("role", set(before.roles), set(after.roles))
    for name in sorted(before.roles.keys() & after.roles.keys()):
        for action in _ACTIONS:
            old, new = _rights(before, name, action), _rights(after, name, action)
            for resource in sorted(new - old):
                about = {"role": name, "resource": resource}
                yield Difference(f"role-gains-{action}", "gains", Level.MINOR, about)
            for resource in sorted(old - new):
                about = {"role": name, "resource": resource}
                yield Difference(f"role-loses-{action}", "loses", Level.MAJOR, about)


def _rights(framework: Framework, role: str, action: str) -> frozenset[str]:
    found = framework.roles.get(role)
    return frozenset() if found is None else found.may(action)


def _names(
    what: str, before: set[str] | frozenset[str], after: set[str] | frozenset[str]
) -> Iterator[Difference]:
    for name in sorted(after - before):
        yield Difference(f"{what}-added", "gains", Level.MINOR, {"name": name})
    for name in sorted(before - after):
        yield Difference(f"{what}-removed", "loses", Level.MAJOR, {"name": name})


def _schemas(before: Framework, after: Framework) -> Iterator[Difference]:
    for name in sorted(before.schemas.keys() | after.schemas.keys()):
        if before.schemas.get(name) != after.schemas.get(name):
            first = name not in before.schemas
            level = Level.PATCH if first else Level.MAJOR
            yield Difference("schema-set", "changes", level, {"name": name})


def _checks(before: Framework, after: Framework) -> Iterator[Difference]:
    yield from _names("check", set(before.checks), set(after.checks))
    for name in sorted(before.checks.keys() & after.checks.keys()):
        yield from _check(before.checks[name], after.checks[name])


def _check(old: Check, new: Check) -> Iterator[Difference]:
    about = {"name": old.name}
    for variant in sorted(new.variants.keys() - old.variants.keys()):
        named = about | {"variant": variant}
        yield Difference("variant-added", "gains", Level.MINOR, named)
    for variant in sorted(old.variants.keys() - new.variants.keys()):
        named = about | {"variant": variant}
        yield Difference("variant-removed", "loses", Level.MAJOR, named)
    for variant in sorted(old.variants.keys() & new.variants.keys()):
        yield from _variant(old.name, variant, old.variants[variant], new.variants[variant])
    if new.retention_seconds > old.retention_seconds:
        yield Difference("kept-longer", "gains", Level.MINOR, about)
    if new.retention_seconds < old.retention_seconds:
        yield Difference("kept-shorter", "loses", Level.MAJOR, about)
    if old.purpose != new.purpose:
        yield Difference("check-purpose", "changes", Level.MAJOR, about)
    if dict(old.parameters) != dict(new.parameters):
        yield Difference("check-parameters", "changes", Level.MAJOR, about)
    if (dict(old.title), dict(old.description)) != (dict(new.title), dict(new.description)):
        yield Difference("check-words", "changes", Level.PATCH, about)


def _variant(check: str, name: str, old: Variant, new: Variant) -> Iterator[Difference]:
    about = {"name": check, "variant": name}
    seen_before, seen_now = _reveals(old), _reveals(new)
    for attribute in sorted(seen_now - seen_before):
        more = about | {"attribute": attribute}
        yield Difference("reveal-added", "gains", Level.MINOR, more)
    for attribute in sorted(seen_before - seen_now):
        less = about | {"attribute": attribute}
        yield Difference("reveal-removed", "loses", Level.MAJOR, less)
    if _conditions(old) != _conditions(new):
        yield Difference("conditions-changed", "changes", Level.MAJOR, about)


def _reveals(variant: Variant) -> set[str]:
    return {
        f"{rule.credential}.{attribute}"
        for rule in variant.credentials.values()
        for attribute in rule.reveal
    }


def _conditions(variant: Variant) -> tuple[Any, ...]:
    predicates = {label: rule.predicates for label, rule in variant.credentials.items()}
    kinds = {label: rule.credential for label, rule in variant.credentials.items()}
    rest = (variant.equal, variant.expect, variant.representative, variant.once)
    return (predicates, kinds, *rest)


def _asked(check: Check | None) -> set[str]:
    variants = () if check is None else check.variants.values()
    return {rule.credential for each in variants for rule in each.credentials.values()}


def _participants(before: Framework, after: Framework) -> Iterator[Difference]:
    for did in sorted(before.participants.keys() | after.participants.keys()):
        old = {_key(each): each for each in before.participants.get(did, ())}
        new = {_key(each): each for each in after.participants.get(did, ())}
        for key, entry in new.items():
            if key not in old:
                about = _told(entry)
                yield Difference("participant-joins", "gains", Level.PATCH, about)
            elif entry.until != old[key].until or entry.ended_because != old[key].ended_because:
                yield _ending(entry, old[key])
            elif (entry.name, entry.jurisdictions) != (old[key].name, old[key].jurisdictions):
                yield Difference("participant-changed", "changes", Level.PATCH, _told(entry))
        for key, entry in old.items():
            if key not in new:
                yield Difference("participant-removed", "loses", Level.PATCH, _told(entry))


def _key(entry: Participant) -> tuple[str, str]:
    return entry.role, format_time(entry.starts)


def _ending(entry: Participant, before: Participant) -> Difference:
    about = _told(entry)
    if entry.ended_because == "suspended":
        return Difference("participant-suspended", "loses", Level.PATCH, about)
    if entry.until is None or (before.until is not None and entry.until > before.until):
        return Difference("participant-longer", "gains", Level.PATCH, about)
    return Difference("participant-ends", "loses", Level.PATCH, about)


def _told(entry: Participant) -> dict[str, str]:
    until = "" if entry.until is None else format_time(entry.until)
    return {"did": entry.did, "role": entry.role, "until": until}


def _grants(before: Framework, after: Framework) -> Iterator[Difference]:
    for definition in sorted(before.grants.keys() | after.grants.keys()):
        old, new = before.grants.get(definition), after.grants.get(definition)
        if old == new:
            continue
        known = new or old
        if known is None:
            continue
        about = {"did": known.participant, "name": known.credential, "grant": known.id}
        kind, effect = _grant_change(old, new)
        yield Difference(kind, effect, Level.PATCH, about)


def _grant_change(old: Grant | None, new: Grant | None) -> tuple[str, Effect]:
    if old is None:
        return "grant-given", "gains"
    if new is None:
        return "grant-removed", "loses"
    if old.withdrawn_from != new.withdrawn_from:
        return "grant-withdrawn", "loses"
    if new.until is not None and (old.until is None or new.until < old.until):
        return "grant-ended", "loses"
    return "grant-changed", "changes"


def _endorsements(before: Framework, after: Framework) -> Iterator[Difference]:
    old, new = _by_id(before), _by_id(after)
    for name in sorted(old.keys() | new.keys()):
        one, other = old.get(name), new.get(name)
        known = other or one
        if one == other or known is None:
            continue
        about = {"name": name, "did": known.authority}
        if one is None:
            yield Difference("endorsement-added", "gains", Level.MINOR, about)
        elif other is None or other.until < one.until or _narrower(one, other):
            yield Difference("endorsement-less", "loses", Level.MAJOR, about)
        else:
            yield Difference("endorsement-changed", "changes", Level.MINOR, about)


def _by_id(framework: Framework) -> dict[str, Endorsement]:
    found = framework.endorsements.values()
    return {each.id: each for several in found for each in several}


def _narrower(one: Endorsement, other: Endorsement) -> bool:
    return any(
        names - other.scope.get(action, frozenset()) for action, names in one.scope.items()
    )


def _signers(before: Framework, after: Framework) -> Iterator[Difference]:
    old = {each.did for each in before.signers.members if each.until is None}
    new = {each.did for each in after.signers.members if each.until is None}
    for did in sorted(new - old):
        yield Difference("signer-added", "gains", Level.PATCH, {"did": did})
    for did in sorted(old - new):
        yield Difference("signer-removed", "loses", Level.PATCH, {"did": did})
    if before.signers.threshold != after.signers.threshold:
        about = {"count": str(after.signers.threshold)}
        yield Difference("threshold-changed", "changes", Level.PATCH, about)


def _rest(before: Framework, after: Framework) -> Iterator[Difference]:
    old_age, new_age = before.revocation_max_age_seconds, after.revocation_max_age_seconds
    if old_age != new_age:
        about = {"seconds": str(new_age)}
        yield Difference("revocation-age", "changes", Level.PATCH, about)
    kept = {each.name + "." + each.language: each.digest for each in before.documents}
    for each in after.documents:
        if kept.get(each.name + "." + each.language) != each.digest:
            about = {"name": each.name, "language": each.language}
            yield Difference("document-changed", "changes", Level.PATCH, about)
    if before.expires_at != after.expires_at:
        about = {"until": format_time(after.expires_at)}
        yield Difference("good-until", "changes", Level.PATCH, about)
