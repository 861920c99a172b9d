"""A node's part in a run of the ring: its blinded list, and what the evaluator makes of all."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from controllers.dataspace.part import BasePart, Result, Setting
from controllers.dataspace.ringing import RingPort
from controllers.dataspace.saying import Ready
from core.errors import InvalidInput
from dataspace.agreeing.agreement import Participant
from dataspace.planning.seeing import parties_of
from dataspace.questions.base import (
    Circuit,
    Engine,
    Inputs,
    OwnersQuestion,
    Released,
    RingQuestion,
)
from dataspace.ring.counting import evaluate_count
from dataspace.ring.lists import distinct
from dataspace.ring.priorities import evaluate_priorities, prioritise_with
from dataspace.ring.protocol import count_with
from dataspace.ring.terms import Answer
from dataspace.ring.terms import Terms as RingTerms


class RingPart(BasePart):
    """Blinded tokens go round and end at the evaluator, which counts or answers owners."""

    def __init__(self, setting: Setting) -> None:
        evaluator = setting.terms.evaluator
        if evaluator is None:
            raise InvalidInput("this space has no evaluator", code="no-evaluator")
        self._evaluator = evaluator
        self._holds = setting.me in setting.holders
        self._records: list[Any] = []
        if self._holds:
            question = cast(RingQuestion, setting.question)
            self._records = question.records(setting.plan, setting.own.gathered)
        super().__init__(setting, _bytes_of(self._records))
        self._follow = self._following()
        if self._follow is not None:
            parties = parties_of(setting.question, setting.plan, setting.terms)
            self.be_party(self._follow, parties)
        self._port = RingPort(setting.peers, setting.tag)

    def _following(self) -> Circuit | None:
        if self.setting.question.engine is not Engine.RING:
            return None
        question = cast(RingQuestion, self.setting.question)
        return question.follow(self.setting.plan, len(self.setting.holders))

    @property
    def is_to_the_end(self) -> bool:
        return self._holds or self.setting.me == self._evaluator

    def take_frame(self, sender: Participant, frame: bytes) -> None:
        self._port.put(sender, frame)

    def close(self) -> None:
        self._port.close()

    async def compute(self, readies: Mapping[str, Ready]) -> Result | None:
        if self.setting.question.engine is Engine.OWNERS:
            return await self._owners()
        if self._holds:
            await count_with(self._terms(), self.setting.me.did, self._records, self._port)
            inputs = self._holder_inputs()
        elif self.setting.me == self._evaluator:
            counted = await evaluate_count(self._terms(), self._port)
            released, inputs = self._evaluated(counted.patterns)
            if released is not None:
                return self.result(released)
        else:
            return None
        if self._follow is None:
            return None
        return await self.circuit(self._follow, inputs, readies, {})

    def _holder_inputs(self) -> Inputs:
        question = cast(RingQuestion, self.setting.question)
        if self._follow is None:
            return {}
        # as many as the ring counts: one record a person, whatever records have in common
        length = len(distinct(self._records, len(question.keys(self.setting.plan))))
        holders = self.setting.holders
        place = holders.index(self.setting.me)
        return question.holder_inputs(
            self.setting.plan, length, place=place, holders=len(holders)
        )

    def _evaluated(
        self, patterns: Mapping[frozenset[str], int]
    ) -> tuple[Released | None, Inputs]:
        question = cast(RingQuestion, self.setting.question)
        if self._follow is not None:
            return None, question.evaluator_inputs(
                self.setting.plan, patterns, holders=len(self.setting.holders)
            )
        totals = {
            each.did: sum(n for names, n in patterns.items() if each.did in names)
            for each in self.setting.holders
        }
        return question.answer(self.setting.plan, patterns, totals), {}

    async def _owners(self) -> Result | None:
        if self.setting.me == self._evaluator:
            await evaluate_priorities(self._terms(), self._port)
            return None
        if not self._holds:
            return None
        question = cast(OwnersQuestion, self.setting.question)
        me = self.setting.me.did
        ranked = await prioritise_with(self._terms(), me, self._records, self._port)
        if me not in question.answered(self.setting.plan):
            return None
        released = question.rank(self.setting.plan, self.setting.own.gathered, ranked)
        # a salt, so that nobody can guess from the digest in the logs what the answer was
        salted = {**released.extra, "salt": secrets.token_hex(16)}
        return replace(self.result(replace(released, extra=salted)), private=True)

    def _terms(self) -> RingTerms:
        plan, terms = self.setting.plan, self.setting.terms
        answer, answered = None, None
        if self.setting.question.engine is Engine.OWNERS:
            owners = cast(OwnersQuestion, self.setting.question)
            keys, answer = owners.kinds(plan), Answer(owners.detail(plan))
            told = owners.answered(plan)
            answered = tuple(each.did for each in self.setting.holders if each.did in told)
        else:
            keys = cast(RingQuestion, self.setting.question).keys(plan)
        return RingTerms(
            purpose=plan.purpose,
            period=f"{terms.starts.date()}/{terms.ends.date()}",
            agreement=plan.agreement,
            run=self.setting.tag,
            keys=keys,
            holders=tuple(each.did for each in self.setting.holders),
            evaluator=self._evaluator.did,
            minimum=terms.limits.least_list,
            seconds=self.setting.seconds,
            answer=answer,
            answered=answered,
            stated=answered or () if answer is Answer.REVEAL else (),
        )


def _bytes_of(records: Sequence[Any]) -> np.ndarray[Any, Any]:
    """Records as numbers, for the commitment to a list; its order says nothing."""
    return np.frombuffer("\n".join(sorted(map(_line, records))).encode(), np.uint8)


def _line(record: Any) -> str:
    if isinstance(record, Mapping):
        named = (
            f"{kind}={','.join(sorted(each.hex() for each in record[kind]))}"
            for kind in sorted(record)
        )
        return "|".join(named)
    return "|".join("" if key is None else key.hex() for key in record)
