"""Putting offers, requests and credentials into the holder's words and language."""

from __future__ import annotations

from collections.abc import Mapping

from controllers.governance.service import participant_name
from controllers.wallet.choosing import Obstacle
from controllers.wallet.offers import VerifiedOffer
from controllers.wallet.requests import VerifiedRequest
from controllers.wallet.schemas import (
    CredentialAsked,
    CredentialShown,
    Labelled,
    ObstacleShown,
    OfferPreview,
    RequestPreview,
)
from controllers.words import words
from core.ports import HeldCredential
from core.presentation import CredentialAsk
from credential_defs import CredentialDefinition, load_all
from governance.checks import describe
from governance.engine import Framework


def show_offer(verified: VerifiedOffer, language: str) -> OfferPreview:
    """An offer with each value, labelled."""
    definition = load_all()[verified.credential]
    return OfferPreview(
        id=verified.id,
        who=_name(verified.framework, verified.issuer, language),
        issuer=verified.issuer,
        credential=verified.credential,
        title=definition.title(language),
        values=_labelled(definition, verified.offer.values, language),
    )


def show_request(request: VerifiedRequest, language: str) -> RequestPreview:
    """A request: who, why, what is shown, only proven, hidden, and how long it is kept."""
    description = describe(request.framework, request.statement.check)
    title, explanation = description.words((language, "en"))
    names = {schema: name for name, schema in request.framework.schemas.items()}
    parts = {one.label: names[one.schema_id] for one in request.ask.asks}
    return RequestPreview(
        id=request.id,
        who=_name(request.framework, request.statement.issuer, language),
        asker=request.statement.issuer,
        purpose=request.statement.purpose,
        title=title,
        description=explanation,
        retention_seconds=request.statement.retention_seconds,
        variant=request.statement.variant,
        asks=[_asked(one, parts[one.label], language) for one in request.ask.asks],
        can_answer=bool(request.choice.combinations),
        choices=[dict(each) for each in request.choice.combinations],
        obstacles=[_obstacle(each, parts, language) for each in request.choice.obstacles],
    )


def show_credential(
    held: HeldCredential, framework: Framework, language: str, *, revoked: bool | None
) -> CredentialShown:
    """A credential as a card. One of a kind that we do not know keeps its attribute names."""
    names = {schema: name for name, schema in framework.schemas.items()}
    name = names.get(held.schema_id, "")
    definition = load_all().get(name)
    issuer = held.definition_id.partition("/")[0]
    return CredentialShown(
        id=held.credential_id,
        credential=name,
        display_name=definition.display_name(language)
        if definition
        else words(language, "card"),
        title=definition.title(language) if definition else words(language, "card"),
        issuer=issuer,
        who=_name(framework, issuer, language),
        held_for_other=_held_for_other(definition, held),
        values=_labelled(definition, held.values, language),
        revoked=revoked,
    )


def _held_for_other(definition: CredentialDefinition | None, held: HeldCredential) -> bool:
    marks = definition.attributes if definition else ()
    return any(mark.held_for_other and held.values.get(mark.name) == "1" for mark in marks)


def _name(framework: Framework, did: str, language: str) -> str:
    return participant_name(framework, did, language) or words(language, "unknown-organisation")


def _labelled(
    definition: CredentialDefinition | None, values: Mapping[str, str], language: str
) -> list[Labelled]:
    order = definition.attribute_names if definition else tuple(sorted(values))
    return [
        Labelled(
            attribute=attribute,
            label=definition.label(attribute, language) if definition else attribute,
            value=_value(definition, attribute, values[attribute], language),
        )
        for attribute in order
        if attribute in values
    ]


def _value(
    definition: CredentialDefinition | None, attribute: str, value: str, language: str
) -> str:
    coded = definition is not None and any(
        entry.code == value for entry in definition.attribute(attribute).codes
    )
    return definition.entry_label(attribute, value, language) if coded and definition else value


def _asked(one: CredentialAsk, name: str, language: str) -> CredentialAsked:
    definition = load_all()[name]
    proven = [predicate.attribute for predicate in one.predicates]
    hidden = [each for each in definition.attribute_names if each not in (*one.reveal, *proven)]

    def labels(attributes: list[str]) -> list[str]:
        return [definition.label(attribute, language) for attribute in attributes]

    return CredentialAsked(
        part=one.label,
        credential=name,
        title=definition.title(language),
        shown=labels(list(one.reveal)),
        proven=labels(proven),
        hidden=labels(hidden),
    )


def _obstacle(obstacle: Obstacle, parts: Mapping[str, str], language: str) -> ObstacleShown:
    name = parts[obstacle.label]
    definition = load_all()[name]
    label = definition.label(obstacle.attribute, language) if obstacle.attribute else None
    return ObstacleShown(
        credential=name,
        label=label,
        kind=obstacle.kind,
        explanation=words(
            language,
            f"obstacle.{obstacle.kind}",
            card=definition.title(language),
            what=label or "",
        ),
    )
