"""Putting offers, requests and credentials into the holder's words and language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from controllers.moment import now
from controllers.wallet.choosing import Obstacle
from controllers.wallet.labelling import branding, definition_of, labelled, named, who
from controllers.wallet.offers import VerifiedOffer
from controllers.wallet.requests import VerifiedRequest
from controllers.wallet.schemas import (
    CredentialAsked,
    CredentialShown,
    ObstacleShown,
    OfferPreview,
    PossibleAnswer,
    RequestPreview,
)
from controllers.wallet.validity import expires_on, issued_on, state
from controllers.words import words
from core.ports import HeldCredential
from core.presentation import CredentialAsk
from credential_defs import load_all
from governance.checks import describe
from governance.engine import Framework


def show_offer(verified: VerifiedOffer, language: str) -> OfferPreview:
    """An offer with each value, labelled."""
    definition = verified.definition
    return OfferPreview(
        id=verified.id,
        who=who(verified.framework, verified.issuer, language),
        issuer=verified.issuer,
        credential=verified.credential,
        title=definition.title(language),
        about=definition.about(language),
        held_for_other=verified.held_for_other,
        branding=branding(definition),
        values=labelled(definition, verified.offer.values, language),
    )


def show_request(request: VerifiedRequest, language: str) -> RequestPreview:
    """A request: who, why, what is shown, only proven, hidden, and how long it is kept."""
    description = describe(request.framework, request.statement.check)
    title, explanation = description.words((language, "en"))
    parts = request.parts
    return RequestPreview(
        id=request.id,
        link=request.link or None,
        who=who(request.framework, request.statement.issuer, language),
        asker=request.statement.issuer,
        purpose=request.statement.purpose,
        # the framework's words for a purpose are those of its check
        purpose_title=title,
        title=title,
        description=explanation,
        retention_seconds=request.statement.retention_seconds,
        variant=request.statement.variant,
        other_variants=[
            v for v in request.statement.variants if v != request.statement.variant
        ],
        asks=[_asked(one, parts[one.label], language) for one in request.ask.asks],
        can_answer=bool(request.choice.combinations),
        choices=_choices(request),
        obstacles=[_obstacle(each, parts, language) for each in request.choice.obstacles],
    )


def show_credential(
    held: HeldCredential,
    framework: Framework,
    language: str,
    *,
    held_for: int | None,
    revoked: bool | None,
) -> CredentialShown:
    """A credential as a card. One of a kind that we do not know keeps its attribute names."""
    definition = definition_of(framework, held.schema_id)
    issuer = held.definition_id.partition("/")[0]
    plain = words(language, "card")
    expires = expires_on(definition, held.values)
    return CredentialShown(
        id=held.credential_id,
        credential=definition.name if definition else "",
        display_name=definition.display_name(language) if definition else plain,
        title=definition.title(language) if definition else plain,
        about=definition.about(language) if definition else None,
        help=definition.holder_help(language) if definition else None,
        issuer=issuer,
        who=who(framework, issuer, language),
        held_for_other=definition.is_for_other(held.values) if definition else False,
        held_for=held_for,
        issued_on=issued_on(definition, held.values),
        expires_on=expires,
        state=state(expires, today=now().date(), revoked=revoked),
        branding=branding(definition),
        values=labelled(definition, held.values, language),
        revoked=revoked,
    )


def _choices(request: VerifiedRequest) -> Sequence[PossibleAnswer]:
    return [
        PossibleAnswer(credentials=dict(each), held_for=request.held_for(each))
        for each in request.choice.combinations
    ]


def _asked(one: CredentialAsk, name: str, language: str) -> CredentialAsked:
    definition = load_all()[name]
    proven = [predicate.attribute for predicate in one.predicates]
    hidden = [each for each in definition.attribute_names if each not in (*one.reveal, *proven)]
    return CredentialAsked(
        part=one.label,
        credential=name,
        title=definition.title(language),
        shown=named(definition, one.reveal, language),
        proven=named(definition, proven, language),
        hidden=named(definition, hidden, language),
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
