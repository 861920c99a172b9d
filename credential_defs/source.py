"""The authored source of a credential, `credential.json`: what it may say, and what it must.

Every text is there in every language (`Texts`), every attribute can be filled without the
issuer guessing, and a predicate's attribute is an integer: a folder that breaks one of these
does not load.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Language = Literal["en", "es", "km"]
LANGUAGES: tuple[Language, ...] = ("en", "es", "km")
DATE_FORMAT = "YYYYMMDD"
DATE_STANDARD = "urn:iso:std:iso:1989"  # Aries RFC 0755: YYYYMMDD in a DateTime attribute

AttributeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
Written = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]
# An image elsewhere would let its host follow the holder: only data: images.
InlineImage = Annotated[
    str, StringConstraints(pattern=r"^data:image/png;base64,[A-Za-z0-9+/=]+$")
]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Texts(Frozen):
    """One text in every language."""

    en: Written
    es: Written
    km: Written

    def in_language(self, language: str) -> str:
        """The text in `language` ("km", "es-MX"); English for a language there is none in."""
        primary = language.split("-", maxsplit=1)[0].lower()
        return str(getattr(self, primary if primary in LANGUAGES else "en"))


class EntryCode(Frozen):
    """A value of a code list, and what it is called."""

    code: Written
    label: Texts


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.PatternError as error:
        raise ValueError(f"a format is no regular expression: {error.msg}") from error


class Attribute(Frozen):
    """One attribute of a credential.

    `role`: how it is meant to be used in a presentation: `revealed`; `predicate` (compared,
    not shown); `link` (its equality with another credential's value is what counts).
    `format`: a regular expression for the whole value, or YYYYMMDD. `zero_allowed`: 0 stands
    for "not granted" or "not known". `known_flag_of`: this is 1 if that date is known, else 0.
    `held_for_other`: 1 here says that the holder keeps this credential for somebody else.
    `reference`: a random value that names nobody; made fresh if the issuer leaves it out.
    `valid_until`: this date is the last day of something that the credential grants.
    """

    name: AttributeName
    type: Literal["Text", "Numeric", "DateTime"]
    role: Literal["revealed", "predicate", "link"]
    format: Written
    integer: bool = False
    personal: bool
    reference: bool = False
    held_for_other: bool = False
    valid_until: bool = False
    required: bool = False
    default: Written | None = None
    zero_allowed: bool = False
    known_flag_of: AttributeName | None = None
    label: Texts
    help: Texts
    codes: tuple[EntryCode, ...] = ()

    @property
    def is_date(self) -> bool:
        return self.format == DATE_FORMAT

    @property
    def code_values(self) -> tuple[str, ...]:
        return tuple(entry.code for entry in self.codes)

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        fillers = (
            self.required,
            self.default is not None,
            self.reference,
            self.known_flag_of is not None,
        )
        if sum(fillers) != 1:
            raise ValueError(f"{self.name}: exactly one of required, default, reference, flag")
        if (self.type == "Text") == self.integer:
            raise ValueError(f"{self.name}: Numeric and DateTime are integers, Text is not")
        if (self.type == "DateTime") != self.is_date:
            raise ValueError(f"{self.name}: DateTime and YYYYMMDD belong together")
        if self.valid_until and not self.is_date:
            raise ValueError(f"{self.name}: only a date can be the last day of something")
        if self.role == "predicate" and not self.integer:
            raise ValueError(f"{self.name}: predicates compare integers only")
        if not self.is_date:
            _check_pattern(self.format)
        return self


class TwoPeople(Frozen):
    """From which value of a number on it a credential may be asked to be issued by two."""

    attribute: AttributeName
    at_least: int


class DefinitionSettings(Frozen):
    """How the credential definition is made. A registry of fewer than 1,000 entries narrows
    its holders down, since the registry is always disclosed. `two_people`: what an
    organisation that wants four eyes has two people issue."""

    tag: Written
    revocable: bool
    registry_size: int = Field(ge=4, le=32768)
    two_people: TwoPeople | None = None


class Branding(Frozen):
    """The card's look (aries/overlays/branding/1.1). Attributes on the card's face are seen
    by whoever sees the screen."""

    logo: InlineImage
    primary_background_color: Colour
    secondary_background_color: Colour
    primary_attribute: AttributeName | None = None
    secondary_attribute: AttributeName | None = None
    issued_date_attribute: AttributeName | None = None
    expiry_date_attribute: AttributeName | None = None


class Meta(Frozen):
    """What the meta overlay says beside the discreet name (Aries RFC 0755).

    `credential_support_url` may be empty: opening an address leaves a trace on the phone.
    """

    description: Texts
    issuer: Texts
    credential_help_text: Texts
    credential_support_url: str = ""


class CredentialSource(Frozen):
    """The whole of `credential.json`. `review` says, for each language, who has read the texts.

    `display_name` is what a card is called where others may look; `title` is the plain name,
    for the consoles of professionals and the page that the holder has opened. `issued_by` names
    the roles that may issue it where the framework's rules do not know the credential yet.
    `acts_for_other`: by it its holder acts for somebody else; its `link` attributes equal those
    of the credentials that she keeps for that person.
    """

    name: Slug
    version: Annotated[str, StringConstraints(pattern=r"^\d+\.\d+$")]
    settings: DefinitionSettings
    review: Texts
    display_name: Texts
    title: Texts
    meta: Meta
    branding: Branding
    issued_by: tuple[Slug, ...] = ()
    acts_for_other: bool = False
    attributes: tuple[Attribute, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        names = {attribute.name: attribute for attribute in self.attributes}
        if len(names) != len(self.attributes):
            raise ValueError("an attribute stands twice")
        on_card = self.branding.model_dump(include=_CARD_ATTRIBUTES, exclude_none=True)
        if missing := set(on_card.values()) - set(names):
            raise ValueError(f"the branding names no attribute: {sorted(missing)}")
        if self.acts_for_other and not any(each.role == "link" for each in self.attributes):
            raise ValueError("it acts for somebody else, and nothing links it to her")
        two = self.settings.two_people
        if two is not None and not (two.attribute in names and names[two.attribute].integer):
            raise ValueError("two_people names no number of this credential")
        for attribute in self.attributes:
            dated = names.get(attribute.known_flag_of or attribute.name)
            if attribute.known_flag_of and not (dated and dated.is_date):
                raise ValueError(f"{attribute.name}: known_flag_of names no date")
        return self


_CARD_ATTRIBUTES = {
    "primary_attribute",
    "secondary_attribute",
    "issued_date_attribute",
    "expiry_date_attribute",
}
