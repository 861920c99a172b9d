"""The operations to ask, read from the descriptions that the two apps give of themselves."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.schemas import APIOperation, BaseSchema

from controllers.app import build
from controllers.haven import Haven
from controllers.secrets import load_or_create
from controllers.settings import Settings

Operation = APIOperation[Any, Any, Any, Any]

WRITING = frozenset({"post", "put", "patch", "delete"})


def _built() -> Haven:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        return build(Settings(data_dir=path), load_or_create(path))


_HAVEN = _built()
PUBLIC: dict[str, Any] = _HAVEN.public_app.openapi()
# its document is served nowhere; the routes are described all the same
INSIDE: dict[str, Any] = _HAVEN.internal_app.openapi()


def schema_of(document: dict[str, Any]) -> BaseSchema:
    """The document as schemathesis reads it."""
    return schemathesis.openapi.from_dict(document)


def operations(document: dict[str, Any]) -> list[Operation]:
    """Every operation of a document."""
    return [found.ok() for found in schema_of(document).get_all_operations()]


def writing(found: list[Operation]) -> list[Operation]:
    """Those that change something."""
    return [each for each in found if each.method in WRITING]


def streams(operation: Operation) -> bool:
    """Whether the answer goes on until its subject ends."""
    return str(operation.path).endswith("/events")


def vocabulary(document: dict[str, Any]) -> frozenset[str]:
    """Every text of a description: what may stand in an answer though it was sent as well."""
    texts: set[str] = set()
    waiting: list[Any] = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            texts.update(map(str, part))
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
        else:
            texts.add(str(part))
    return frozenset(texts)
