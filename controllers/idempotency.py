"""Repeatable requests: the same Idempotency-Key gives the same answer and creates once.

The answer can hold a link that is shown only once, so it is sealed at rest and kept a day.
A key that comes again with another request is refused; one that is still being worked on
is told to wait.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Header
from pydantic import BaseModel
from sqlalchemy import bindparam, delete, insert, update
from sqlalchemy.exc import IntegrityError

from controllers.moment import now
from controllers.sealing import Seal
from controllers.store.brief import table_of
from controllers.store.database import Database
from controllers.store.models import RepeatableRequest
from core.errors import Conflict, InvalidInput

_KEPT = timedelta(days=1)
_IN_WORK = timedelta(minutes=15)  # longer than the longest creation, a grant's, takes

_ROW = table_of(RepeatableRequest)
_IT = (_ROW.c.caller == bindparam("of_caller"), _ROW.c.key == bindparam("by_key"))
_NEW = insert(_ROW).inline()
_FINISH, _FORGET = update(_ROW).where(*_IT), delete(_ROW).where(*_IT)
_PAST = delete(_ROW).where(_ROW.c.created_at < bindparam("until"))

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=64,
        pattern=r"^[\x21-\x7e]+$",
        description="Repeat a request safely: the same key gives the same answer for a day",
    ),
]


class Repeatable:
    """Runs a creating request at most once for each caller and key."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal

    async def run[Answer: BaseModel](
        self,
        caller: str,
        key: str | None,
        request: BaseModel,
        answer_type: type[Answer],
        create: Callable[[], Awaitable[Answer]],
    ) -> Answer:
        """The answer of `create`, or the one it gave before. Raises Conflict, InvalidInput.

        `request` holds all that the creation rests on, and its type names what is created.
        """
        if key is None:
            return await create()
        # a caller may name a key after a person: what is kept is a keyed digest of it
        key, digest = self._seal.pseudonym(f"{caller}/{key}"), self._digest(request)
        earlier = await self._begin(caller, key, digest)
        if earlier is not None:
            return answer_type.model_validate(earlier)
        try:
            answer = await create()
        except BaseException:
            await self._forget(caller, key)  # nothing was created: the key is free again
            raise
        await self._finish(caller, key, answer)
        return answer

    async def purge(self) -> None:
        """Forget answers older than a day."""
        await self._database.change(_PAST, until=now() - _KEPT)

    async def _begin(self, caller: str, key: str, digest: str) -> Any | None:
        try:
            await self._database.change(
                _NEW, caller=caller, key=key, request_digest=digest, created_at=now()
            )
        except IntegrityError:
            return await self._earlier(caller, key, digest)
        return None

    async def _earlier(self, caller: str, key: str, digest: str) -> Any:
        async with self._database.transaction() as session:
            row = await session.get(RepeatableRequest, (caller, key))
            if row is None:
                raise Conflict("An earlier try with this key just failed; please try again")
            if row.request_digest != digest:
                raise InvalidInput("This Idempotency-Key was used for another request")
            if row.sealed_answer is not None:
                return self._seal.open(row.sealed_answer, f"{caller}/{key}")
            if row.created_at > now() - _IN_WORK:
                raise Conflict("An earlier try with this key is still being worked on")
            await session.delete(row)  # its process died in the middle
        raise Conflict("An earlier try with this key broke off; please try again")

    async def _finish(self, caller: str, key: str, answer: BaseModel) -> None:
        sealed = self._seal.seal(answer.model_dump(mode="json"), f"{caller}/{key}")
        await self._database.change(_FINISH, of_caller=caller, by_key=key, sealed_answer=sealed)

    async def _forget(self, caller: str, key: str) -> None:
        await self._database.change(_FORGET, of_caller=caller, by_key=key)

    def _digest(self, request: BaseModel) -> str:
        # keyed: from the database alone nobody can try out which name was sent
        body = json.dumps(request.model_dump(mode="json"), sort_keys=True)
        return self._seal.pseudonym(f"{type(request).__name__}:{body}")
