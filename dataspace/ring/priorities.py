"""Which of an owner's cases share a trafficker, place or phone with cases of others.

A link is an identifier of a kind. An owner sends, for each kind, its distinct identifiers,
every kind in a random order of its own that only the owner remembers; the others blind without
shuffling. So the evaluator can answer for each place, and only the owner knows which identifier
stands there. No record of a case enters the ring: neither the evaluator nor a neighbour learns
which identifiers belong to one case, or in how many cases one stands.

Only those that the terms name are answered. Such an owner is told for each of its identifiers
whether at least one OTHER organisation has it, by option whether at least two have it, and in a
revealing run (LINK_REVEAL, approved by everyone) which ones. Nobody else is told anything; the
evaluator learns who shares how many identifiers of each kind with whom.
docs/dataspace/leaks-ring.md has all of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import InvalidInput, VerificationError
from dataspace.ring.collecting import Incoming, cut, parts
from dataspace.ring.group import TOKEN
from dataspace.ring.lists import Record, random_order, require_distinct
from dataspace.ring.messages import Done, Marks, Message, Network
from dataspace.ring.protocol import (
    Blinder,
    Gathered,
    Holder,
    gather_lists,
    grouped,
    one_run,
    send_all,
)
from dataspace.ring.terms import Answer, Terms

MARK = 2  # bytes

type Case = Mapping[str, Collection[bytes]]  # kind -> identifiers


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a case is ranked: a kind of link, and what is known of the others who share it.

    others: at least so many (1 or 2; in a revealing run exactly). who: their names, only in a
    revealing run.
    """

    kind: str
    others: int
    who: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Ranked:
    """A case of the owner's (its place in what was given), with the reasons for its rank."""

    case: int
    reasons: tuple[Reason, ...]

    @property
    def urgency(self) -> tuple[int, int, str]:
        """How many kinds are shared, with how many others at most, and the first kind: what
        cases are in the order of; equal ones are as urgent as each other."""
        most = max(reason.others for reason in self.reasons)
        return len(self.reasons), most, self.reasons[0].kind


async def prioritise_with(
    terms: Terms,
    me: str,
    cases: Sequence[Case],
    network: Network,
    *,
    threads: int | None = None,
) -> list[Ranked]:
    """An organisation's whole part in a run for priorities: its cases that share a link.

    `terms.keys` are the kinds of links, the most important first. Every kind is padded to one
    size, that of the longest; the least size of a list is asked of that one (fewest cases are
    for the caller to ask for). Who has no link at all takes part, and is told of none.

    Raises:
        Forbidden: not a holder of this ring, or fewer links than were agreed.
        InvalidInput: an unknown kind, an empty identifier, too many links, a counting run.
        VerificationError: another party sent what cannot be; `step` names what.
        Unavailable: a party is gone or stopped, or the deadline has passed. Nothing was
            released.
    """
    async with one_run(terms, me, network):
        links = _links(terms, cases)
        if me not in terms.stated:
            terms.require_own_size(max(map(len, links)))
        table = _table(terms, links)
        with Blinder(threads) as blinder:
            holder = Holder(terms, me, network, blinder, shuffles=False)
            async with grouped() as sending:
                sending.create_task(holder.send_own(table))
                await holder.take_others(sending)
                if not terms.is_answered(me):
                    await _end(holder)
                    return []
                marks = await _answers(terms, holder, len(table))
    found: dict[str, dict[bytes, int]] = {kind: {} for kind in terms.keys}
    for record, row in zip(table, marks, strict=True):
        for kind, identifier, mark in zip(terms.keys, record, row, strict=True):
            if identifier is not None and mark:
                found[kind][identifier] = mark
    return rank(terms, cases, found)


async def evaluate_priorities(terms: Terms, network: Network) -> None:
    """The evaluator's whole part in a run for priorities. It answers owners and keeps nothing.

    Raises:
        VerificationError: a party sent what cannot be; `step` names what.
        Unavailable: a party is gone, or the deadline has passed. Nothing was released before
            all lists had come.
    """
    async with one_run(terms, terms.evaluator, network):
        if terms.answer is None:
            raise InvalidInput("the terms are those of a counting run")
        gathered = await gather_lists(terms, network, attested=False)
        tables = await asyncio.to_thread(marks_of, terms, gathered)
        await send_all(terms, network, list(_messages(terms, tables)))


def marks_of(terms: Terms, gathered: Gathered) -> list[bytes]:
    """For each holder a table of marks: records x kinds x 2 bytes.

    Raises VerificationError: step `repeated-token`.
    """
    kinds = len(terms.keys)
    for table in gathered.tables:
        require_distinct(table, kinds)
    whole = [np.frombuffer(t, f"S{TOKEN}").reshape(-1, kinds) for t in gathered.tables]
    marks = [np.zeros(rows.shape, ">u2") for rows in whole]
    for kind in range(kinds):
        for place, rows in enumerate(whole):
            for other in (at for at in range(len(whole)) if at != place):
                same = np.isin(rows[:, kind], whole[other][:, kind])
                marks[place][:, kind] += same * np.uint16(_weight(terms, other))
    if terms.answer is not Answer.REVEAL:
        most = 1 if terms.answer is Answer.ANY else 2
        marks = [np.minimum(each, most) for each in marks]
    return [each.astype(">u2").tobytes() for each in marks]


def rank(
    terms: Terms, cases: Sequence[Case], found: Mapping[str, Mapping[bytes, int]]
) -> list[Ranked]:
    """The cases that share a link, the most urgent first.

    In front are cases that share more kinds of links, then those shared with more others, then
    those whose first shared kind is more important; equal ones keep the order given. `found`
    has the marks: kind -> identifier -> mark.
    """
    ranked = [Ranked(at, _reasons(terms, case, found)) for at, case in enumerate(cases)]
    importance = {kind: place for place, kind in enumerate(terms.keys)}

    def before(each: Ranked) -> tuple[int, int, int]:
        kinds, others, first = each.urgency
        return -kinds, -others, importance[first]

    return sorted((each for each in ranked if each.reasons), key=before)


def _reasons(
    terms: Terms, case: Case, found: Mapping[str, Mapping[bytes, int]]
) -> tuple[Reason, ...]:
    reasons = []
    for kind in terms.keys:
        marks = [found[kind].get(each, 0) for each in case.get(kind, ())]
        if terms.answer is Answer.REVEAL:
            every = 0
            for mark in marks:
                every |= mark
            who = frozenset(n for at, n in enumerate(terms.holders) if every >> at & 1)
            reason = Reason(kind, len(who), who)
        else:
            reason = Reason(kind, max(marks, default=0))
        if reason.others:
            reasons.append(reason)
    return tuple(reasons)


def _weight(terms: Terms, place: int) -> int:
    return 1 << place if terms.answer is Answer.REVEAL else 1


def _links(terms: Terms, cases: Sequence[Case]) -> list[list[bytes]]:
    """The distinct identifiers of each kind."""
    if terms.answer is None:
        raise InvalidInput("the terms are those of a counting run")
    if any(set(case) - set(terms.keys) for case in cases):
        raise InvalidInput("a case has a kind of link that the plan does not have")
    links = [{each for case in cases for each in case.get(kind, ())} for kind in terms.keys]
    if any(b"" in each for each in links):
        raise InvalidInput("an identifier of a link is empty")
    return [sorted(each) for each in links]


def _table(terms: Terms, links: Sequence[Sequence[bytes]]) -> list[Record]:
    """Every kind filled up to one padded size, each in a random order of its own.

    Stated cases are few: filled up to the least size, their list looks like a short one.
    """
    size = terms.padded(max(terms.minimum, *map(len, links)))
    columns = []
    for identifiers in links:
        filled: list[bytes | None] = [*identifiers, *[None] * (size - len(identifiers))]
        columns.append([filled[at] for at in random_order(size)])
    return list(zip(*columns, strict=True))


async def _end(holder: Holder) -> None:
    if not isinstance(await holder.answer(), Done):
        raise VerificationError("this answer belongs to somebody else", step="answer")


async def _answers(terms: Terms, holder: Holder, records: int) -> list[tuple[int, ...]]:
    kinds = len(terms.keys)
    incoming, data = Incoming(terms, kinds * MARK), b""
    while not incoming.complete:
        message = await holder.answer()
        if not isinstance(message, Marks) or message.origin != holder.place:
            raise VerificationError("this answer belongs to somebody else", step="answer")
        data += incoming.take(message)
    if incoming.records != records:
        raise VerificationError("the answer is for a list of another size", step="answer")
    rows = np.frombuffer(data, ">u2").reshape(-1, kinds)
    return [tuple(map(int, row)) for row in rows]


def _messages(terms: Terms, tables: Sequence[bytes]) -> list[tuple[str, Message]]:
    run, width = terms.tag(), len(terms.keys) * MARK
    others = [each for each in terms.holders if not terms.is_answered(each)]
    return [(name, Done(run)) for name in others] + [
        (name, Marks(run, place, part, parts(terms, records), records, marks))
        for place, (name, table) in enumerate(zip(terms.holders, tables, strict=True))
        if terms.is_answered(name)
        for records in (len(table) // width,)
        for part, marks in enumerate(cut(terms, table, width))
    ]
