"""Both forms of a credential's OCA bundle, made from its one source.

Sources: OCA 2.0.0 (overlay types and fields), OCA 1.0, Aries RFC 0755 (the capture base's
attributes are the schema's; meta and branding overlays). The meta overlay's name is the
discreet display name, because wallets write it on the card.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from credential_defs.oca.bundle import CAPTURE_BASE_TYPES, fill
from credential_defs.oca.said import Document, Form
from credential_defs.source import DATE_STANDARD, LANGUAGES, CredentialSource, Language

# 2.0.0 knows no information overlay of its own; community overlays carry a namespace.
_INFORMATION_2_0 = "community/overlays/haven/information/2.0.0"
_BRANDING = "aries/overlays/branding/1.1"


def emit(source: CredentialSource, form: Form) -> Document:
    """The bundle of a credential in one form, with all digests filled in."""
    capture_base: Document = {
        "type": CAPTURE_BASE_TYPES[form],
        "attributes": {attribute.name: attribute.type for attribute in source.attributes},
    }
    if form == "1.0":
        capture_base |= {"classification": "", "flagged_attributes": _personal(source)}
    overlays = [*_for_all_languages(source, form)]
    for language in LANGUAGES:
        overlays += _for_language(source, language, form)
    overlays.append({"type": _BRANDING, **source.branding.model_dump(exclude_none=True)})
    return fill({"capture_base": capture_base, "overlays": overlays}, form)


def _type(name: str, form: Form) -> str:
    return f"overlay/{name}/2.0.0" if form == "2.0.0" else f"spec/overlays/{name}/1.0"


def _for_all_languages(source: CredentialSource, form: Form) -> Iterator[Document]:
    yield {"type": _type("character_encoding", form), **_encodings(source, form)}
    formats = {attribute.name: attribute.format for attribute in source.attributes}
    yield {"type": _type("format", form), "attribute_formats": formats}
    dates = {item.name: DATE_STANDARD for item in source.attributes if item.is_date}
    if dates:
        yield {"type": _type("standard", form), "attribute_standards": dates}
    yield {"type": _type("conformance", form), **_conformance(source, form)}
    codes = {item.name: list(item.code_values) for item in source.attributes if item.codes}
    if codes:
        yield {"type": _type("entry_code", form), "attribute_entry_codes": codes}
    if form == "2.0.0":  # 1.0 says it in the capture base, as flagged_attributes
        yield {"type": _type("sensitive", form), "attributes": _personal(source)}


def _for_language(
    source: CredentialSource, language: Language, form: Form
) -> Iterator[Document]:
    labels: dict[str, Any] = {
        "attribute_labels": {
            item.name: item.label.in_language(language) for item in source.attributes
        }
    }
    information = _type("information", form)
    if form == "1.0":
        labels |= {"attribute_categories": [], "category_labels": {}}
    else:
        information = _INFORMATION_2_0
    yield {"type": _type("label", form), "language": language, **labels}
    helps = {item.name: item.help.in_language(language) for item in source.attributes}
    yield {"type": information, "language": language, "attribute_information": helps}
    if entries := _entries(source, language):
        yield {
            "type": _type("entry", form),
            "language": language,
            "attribute_entries": entries,
        }
    yield {"type": _type("meta", form), "language": language, **_meta(source, language)}


def _encodings(source: CredentialSource, form: Form) -> Document:
    each = {attribute.name: "utf-8" for attribute in source.attributes}
    if form == "2.0.0":
        return {"attribute_character_encodings": each}
    return {"default_character_encoding": "utf-8", "attribute_character_encoding": each}


def _conformance(source: CredentialSource, form: Form) -> Document:
    """Which attributes whoever captures the data must supply; the rest is filled in."""
    if form == "2.0.0":
        required = [attribute.name for attribute in source.attributes if attribute.required]
        return {"attribute_conformances": required}
    marks = {item.name: "M" if item.required else "O" for item in source.attributes}
    return {"attribute_conformance": marks}


def _entries(source: CredentialSource, language: Language) -> dict[str, dict[str, str]]:
    return {
        attribute.name: {
            entry.code: entry.label.in_language(language) for entry in attribute.codes
        }
        for attribute in source.attributes
        if attribute.codes
    }


def _meta(source: CredentialSource, language: Language) -> Document:
    meta = source.meta
    return {
        "name": source.display_name.in_language(language),
        "description": meta.description.in_language(language),
        "credential_help_text": meta.credential_help_text.in_language(language),
        "credential_support_url": meta.credential_support_url,
        "issuer": meta.issuer.in_language(language),
    }


def _personal(source: CredentialSource) -> list[str]:
    return [attribute.name for attribute in source.attributes if attribute.personal]
