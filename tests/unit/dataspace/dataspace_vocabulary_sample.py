"""Another country and another form of trafficking: a document, and no code."""

from __future__ import annotations

import json
from typing import Any

from dataspace.gathering.script import Script
from dataspace.vocabulary.model import Vocabulary, parse


def two(pt: str, en: str) -> dict[str, str]:
    return {"pt": pt, "en": en}


BRICKS: dict[str, Any] = {
    "name": "brick-kilns",
    "version": "3",
    "attribution": "invented for the tests",
    "languages": ["pt", "en"],
    "columns": {
        "processo": {
            "kind": "identifier",
            "constraint": "LOCAL_ONLY",
            "labels": two("processo", "file"),
            "role": "case_reference",
        },
        "documento": {
            "kind": "identifier",
            "constraint": "LINK_COUNT_ONLY",
            "labels": two("documento", "document"),
            "role": "national_id",
            "personal": True,
        },
        "desde": {
            "kind": "date",
            "constraint": "AGGREGATE_ONLY",
            "labels": two("desde", "since"),
            "earliest": "2020-01-01",
            "latest": "2029-12-31",
        },
        "olaria": {
            "kind": "code",
            "codes": "kiln",
            "constraint": "AGGREGATE_ONLY",
            "least_cell": 20,
            "labels": two("olaria", "kind of kiln"),
        },
        "crenca": {
            "kind": "code",
            "codes": "kiln",
            "constraint": "AGGREGATE_ONLY",
            "personal": True,
            "labels": two("crença", "belief"),
        },
        "divida": {
            "kind": "number",
            "constraint": "AGGREGATE_ONLY",
            "unit": "BRL cent",
            "low": 0,
            "high": 50_000_000,
            "labels": two("dívida", "debt"),
        },
        "horas": {
            "kind": "number",
            "constraint": "LOCAL_ONLY",
            "labels": two("horas", "hours"),
        },
    },
    "codes": {
        "kiln": {
            "entries": [
                {"code": "fixa", "labels": two("fixa", "fixed"), "also": ["Fixa de tijolo"]},
                {"code": "movel", "labels": two("móvel", "moving")},
            ]
        }
    },
}


def bricks(**changes: Any) -> Vocabulary:
    """The vocabulary, with fields of the document replaced."""
    return parse(Vocabulary, json.dumps(BRICKS | changes))


def script() -> Script:
    """A script of made-up cases that knows nothing of kilns."""
    return parse(
        Script,
        json.dumps(
            {
                "about": "invented",
                "given_names": ["Ani", "Bero", "Cima"],
                "family_starts": ["Ka", "Lo", "Mu"],
                "family_ends": ["ren", "sta", "vik"],
                "traffickers": ["One", "Two"],
                "places": ["Here", "There"],
                "organisations": [
                    {
                        "name": name,
                        "size": 30,
                        "knows_number": 1,
                        "varies": 0,
                        "leans": {},
                        "receives": {},
                    }
                    for name in ("igreja", "fiscais")
                ],
                "weights": {"olaria": {"fixa": 3}},
                "other_weight": 1,
                "only": {},
                "ages": {},
                "risk": {"column": "nothing", "code": "none", "intercept": 0, "effects": {}},
                "first_day": "2024-01-01",
                "days": 100,
                "growth": 0,
                "unknown": 0,
                "cost": {},
                "other_cost": 0,
                "benefit": {},
            }
        ),
    )
