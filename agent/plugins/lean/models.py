"""Reading and writing ACA-Py's models without making a schema each time.

A marshmallow schema copies every field of its class when it is made, which costs more than the
reading itself. Here a used schema is put aside and taken up again. That is safe because reading
and writing never wait: nobody else can have the schema in hand meanwhile, and a schema that is
needed inside itself is simply another one. What a message schema remembers of the last message,
its decorators, is set anew at each beginning.

Errors name the class alone, and the log not even that: ACA-Py would log what was wrong with
which value.
"""

from __future__ import annotations

import functools
import logging
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from acapy_agent.messaging.agent_message import AgentMessageSchema
from acapy_agent.messaging.decorators.default import DecoratorSet
from acapy_agent.messaging.models.base import (
    BaseModel,
    BaseModelError,
    BaseModelSchema,
    resolve_meta_property,
)
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_issue import V20CredIssue
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_offer import V20CredOffer
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_request import V20CredRequest
from acapy_agent.protocols.present_proof.v2_0.messages.pres import V20Pres
from acapy_agent.protocols.present_proof.v2_0.messages.pres_request import V20PresRequest
from marshmallow import EXCLUDE, Schema, ValidationError, post_dump, pre_load

LOGGER = logging.getLogger(__name__)

_VALIDATED = (
    V20CredOffer,
    V20CredRequest,
    V20CredIssue,
    V20PresRequest,
    V20Pres,
)
_spare: defaultdict[tuple[type[Schema], str], list[Schema]] = defaultdict(list)
_UNREADABLE = (AttributeError, ValidationError)
_UNWRITABLE = (AttributeError, ValidationError, TypeError)


class _Trusting:
    """Whether a message of our own store is being read: reading never waits."""

    now = False


class Kept:
    """A message in a record, as it is stored; read when somebody asks for it."""

    __slots__ = ("_model", "_read", "ser")

    def __init__(self, model: type[BaseModel], stored: Mapping[str, Any]) -> None:
        self._model = model
        self.ser = stored
        self._read: BaseModel | None = None

    @property
    def de(self) -> BaseModel:
        """The message itself."""
        if self._read is None:
            _Trusting.now = True  # it was validated when it came in
            try:
                self._read = self._model.deserialize(self.ser)
            finally:
                _Trusting.now = False
        return self._read


def install() -> None:
    """Put the quicker ways in place of ACA-Py's; doing it twice changes nothing."""
    if BaseModel.deserialize.__func__ is _deserialize:
        return
    own_serde = BaseModel.serde.__func__
    BaseModel.deserialize = classmethod(_deserialize)
    BaseModel.serialize = _serialize
    BaseModel.serde = classmethod(functools.partial(_serde, own_serde))
    BaseModel._get_schema_class = classmethod(_once(BaseModel._get_schema_class.__func__))
    BaseModelSchema._get_model_class = classmethod(
        _once(BaseModelSchema._get_model_class.__func__)
    )
    BaseModelSchema.remove_skipped_values = _remove_skipped_values
    for message in _VALIDATED:
        schema_class = message._get_schema_class()
        schema_class.validate_fields = _unless_trusted(schema_class.validate_fields)
    AgentMessageSchema.extract_decorators = _afresh(AgentMessageSchema.extract_decorators)


def _deserialize(
    cls: type[BaseModel], obj: Any, *, unknown: str | None = None, none2none: bool = False
) -> BaseModel | None:
    if obj is None and none2none:
        return None

    def read(schema: Schema) -> Any:
        return schema.loads(obj) if isinstance(obj, str) else schema.load(obj)

    try:
        return _with_schema(cls, unknown, read)
    except _UNREADABLE as err:
        LOGGER.info("a message or record could not be read")
        raise BaseModelError(f"{cls.__name__} schema validation failed") from err


def _serialize(
    self: BaseModel, *, as_string: bool = False, unknown: str | None = None
) -> dict[str, Any] | str:
    def write(schema: Schema) -> Any:
        return schema.dumps(self, separators=(",", ":")) if as_string else schema.dump(self)

    try:
        written: dict[str, Any] | str = _with_schema(type(self), unknown, write)
    except _UNWRITABLE as err:
        LOGGER.info("a message or record could not be written")
        raise BaseModelError(f"{type(self).__name__} schema validation failed") from err
    return written


def _with_schema(
    cls: type[BaseModel], unknown: str | None, work: Callable[[Schema], Any]
) -> Any:
    schema_class = cls._get_schema_class()
    handling = unknown or _unknown(schema_class)
    spare = _spare[schema_class, handling]
    schema = spare.pop() if spare else schema_class(unknown=handling)
    try:
        return work(schema)
    finally:
        spare.append(schema)


@functools.cache
def _unknown(schema_class: type[Schema]) -> str:
    return str(resolve_meta_property(schema_class, "unknown", EXCLUDE))


@functools.cache
def _skipped(schema_class: type[Schema]) -> tuple[Any, ...]:
    return tuple(resolve_meta_property(schema_class, "skip_values", ()))


def _serde(own: Callable[..., Any], cls: type[BaseModel], obj: Any) -> Any:
    """As ACA-Py's, but what comes from a record is not read before it is needed."""
    return Kept(cls, obj) if isinstance(obj, Mapping) else own(cls, obj)


def _once(own: Callable[..., Any]) -> Callable[..., Any]:
    """A class's partner never changes: looked up by name once."""

    @functools.cache
    def partner(cls: Hashable) -> Any:
        return own(cls)

    return partner


@post_dump
def _remove_skipped_values(
    self: BaseModelSchema, data: dict[str, Any], **kwargs: Any
) -> dict[str, Any]:
    skipped = _skipped(type(self))  # type: ignore[arg-type] # a class is hashable
    if skipped == (None,):
        return {key: value for key, value in data.items() if value is not None}
    return {key: value for key, value in data.items() if value not in skipped}


def _unless_trusted(own: Callable[..., Any]) -> Callable[..., Any]:
    """The forms inside a message's attachments are looked at once, when it comes in."""

    @functools.wraps(own)  # with marshmallow's mark of what is a validator
    def validate_fields(self: Schema, data: Any, **kwargs: Any) -> None:
        if not _Trusting.now:
            own(self, data, **kwargs)

    return validate_fields


def _afresh(own: Callable[..., Any]) -> Any:
    """Forget the decorators of the message before."""

    def extract_decorators(self: AgentMessageSchema, data: Any, **kwargs: Any) -> Any:
        self._decorators = DecoratorSet()
        return own(self, data, **kwargs)

    return pre_load(extract_decorators)
