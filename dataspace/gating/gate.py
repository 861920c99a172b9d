"""The machine gate: what a node refuses before a person is asked, and again before each run.

Its numbered checks are `dataspace.gating.checks.CHECKS`, made in that order:

form
 1. agreement    the plan names these terms, the node takes part in them, they are in force
 2. expiry       the plan has not expired
 3. vocabulary   the node's vocabulary is the one that was agreed on
 4. question     the question knows the plan
rules
 5. operation    the agreement allows the question
 6. purpose      the agreement allows the purpose
 7. people       asker and receivers take part
 8. columns      the agreement allows every column; what is linked is declared
 9. thresholds   not below the agreement's; no more contributors than take part
10. constraints  the vocabulary allows every use of every column, at this threshold
11. framework    the governance framework permits it to every holder that takes part
12. linkage      nobody whose law forbids it is in a comparison of lists; three are left
13. budget       the privacy budget suffices
14. runs         a run, and a plan, are left
own data
15. own-data     the node has looked at its own cases
16. list         its own list is long enough
17. differences  the answer, held against earlier ones, tells about no few

Nothing is looked up: what it judges by is in the `Situation`, so a decision can be made again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.errors import Forbidden
from dataspace.gating.checks import CHECKS, Check, Refusal, Situation, Stage, affected

OWN_DATA_SAID_NO: Final = "own-data"  # all that others are told of the last stage


class Standing(StrEnum):
    """What became of a check."""

    HELD = "held"
    REFUSED = "refused"
    NOT_REACHED = "not-reached"  # an earlier stage has refused
    NOT_AFFECTED = "not-affected"  # no case of this node goes in


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check's result, for people: `code` says why it refused, `about` what it is about."""

    number: int
    name: str
    standing: Standing
    code: str | None = None
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """People may be asked; every check held."""

    checks: tuple[CheckResult, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """No person is asked. `code` is that of the first check that refused."""

    checks: tuple[CheckResult, ...]
    code: str

    @property
    def told_to_others(self) -> str:
        """What leaves the node: which rule about own data refused would tell about them."""
        first = next(each for each in self.checks if each.standing is Standing.REFUSED)
        is_own = CHECKS[first.number - 1].stage is Stage.OWN_DATA
        return OWN_DATA_SAID_NO if is_own else self.code


type Outcome = Admitted | Refused

CODES: Final = (
    *dict.fromkeys(code for check in CHECKS for code in check.refusals),
    OWN_DATA_SAID_NO,
)
NAMES: Final = tuple(each.name for each in CHECKS)


def judge(situation: Situation) -> Outcome:
    """Every check's result, in order. Raises nothing of its own: doubt is a refusal."""
    results: list[CheckResult] = []
    refused_in: Stage | None = None
    for number, check in enumerate(CHECKS, start=1):
        if refused_in is not None and check.stage > refused_in:
            results.append(CheckResult(number, check.name, Standing.NOT_REACHED))
            continue
        result = _result(number, check, situation)
        results.append(result)
        if result.standing is Standing.REFUSED and refused_in is None:
            refused_in = check.stage
    code = next((each.code for each in results if each.code is not None), None)
    return Admitted(tuple(results)) if code is None else Refused(tuple(results), code)


def _result(number: int, check: Check, situation: Situation) -> CheckResult:
    if check.stage is Stage.OWN_DATA and not affected(situation):
        return CheckResult(number, check.name, Standing.NOT_AFFECTED)
    refusal: Refusal | None = check.judge(situation)
    if refusal is None:
        return CheckResult(number, check.name, Standing.HELD)
    return CheckResult(number, check.name, Standing.REFUSED, refusal.code, refusal.about)


def require_admitted(outcome: Outcome) -> Admitted:
    """Raises Forbidden, with what may be told to others as its code."""
    if isinstance(outcome, Refused):
        code = outcome.told_to_others
        raise Forbidden("a node's gate does not allow this plan", code=code, step="gate")
    return outcome
