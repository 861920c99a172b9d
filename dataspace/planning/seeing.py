"""Who sees what comes out of a plan: worked out from the agreement and the question.

Receivers are those to whom the result is owed. Who computes may see more than the plan's list
of receivers says: what a circuit opens is opened to all of its parties, if one receiver is none
of them, or if the question goes on with it. Who runs a plan and who tells people about it ask
here, so that nobody approves a narrower circle than there will be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from dataspace.agreeing.agreement import Terms
from dataspace.planning.plan import Plan
from dataspace.planning.taking_part import taking_part
from dataspace.questions.base import Engine, Question, RingQuestion


def opened_to(question: Question, plan: Plan, parties: Sequence[str]) -> tuple[str, ...]:
    """Of the parties of a circuit those that see what it opens: the plan's receivers. If one
    of those is no party, all parties see it, and it believes what all of them hand to it."""
    wanted = set(plan.receivers)
    to_all = question.opens_to_all(plan) or not wanted <= set(parties)
    return tuple(did for did in parties if to_all or did in wanted)


def parties_of(question: Question, plan: Plan, terms: Terms) -> tuple[str, ...]:
    """The parties of the plan's circuit, by their DIDs and in their order; none, where no
    circuit is evaluated. Raises InvalidInput: the plan is none of the question's."""
    if question.engine is Engine.SHARES:
        return tuple(each.did for each in terms.compute_nodes)
    holders, evaluator = taking_part(terms, question.engine).holders, terms.evaluator
    follows = question.engine is Engine.RING and cast(RingQuestion, question).follow(
        plan, len(holders)
    )
    if not follows or evaluator is None:
        return ()
    return (*(each.did for each in holders), evaluator.did)


def seers(question: Question, plan: Plan, terms: Terms) -> tuple[str, ...]:
    """Who sees by itself what comes out, before it is handed on to a receiver that does not:
    of a ring without a circuit the evaluator. Of what each owner is told about its own cases
    nobody else sees anything. Raises InvalidInput as `parties_of`."""
    if question.engine is Engine.OWNERS:
        return ()
    parties = parties_of(question, plan, terms)
    if parties or question.engine is Engine.SHARES:
        return opened_to(question, plan, parties)
    return () if terms.evaluator is None else (terms.evaluator.did,)


def also_sees(question: Question, plan: Plan, terms: Terms) -> tuple[str, ...]:
    """Who sees what comes out though the plan does not name it as a receiver. Raises
    InvalidInput as `parties_of`."""
    return tuple(d for d in seers(question, plan, terms) if d not in plan.receivers)
