"""Five organisations and an evaluator that have agreed, for the tests of what decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from core.canonical import Json
from core.errors import InvalidInput
from core.proof import SeedSigner
from dataspace.agreeing.agreement import Environment, Limits, Participant, Terms
from dataspace.agreeing.negotiating import (
    Agreement,
    SignedAgreement,
    begin,
    require_all_signed,
    sign_terms,
)
from dataspace.agreeing.signatures import sign
from dataspace.planning.approvals import Documents
from dataspace.planning.plan import Filter, Grouping, Plan
from dataspace.planning.statements import (
    Approval,
    Duty,
    RunRequest,
    Withdrawal,
    fresh_tag,
    sign_request,
)
from dataspace.questions.base import ColumnUse, Engine, Use
from dataspace.vocabulary.model import (
    Column,
    Constraint,
    Kind,
    Vocabulary,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOLDERS = ("shelter-a", "shelter-b", "police", "labour", "health")
EVERYBODY = (*HOLDERS, "evaluator")
NO_LINKAGE = "shelter-b"


def did(name: str) -> str:
    return f"did:web:{name}.example"


def signer(name: str) -> SeedSigner:
    return SeedSigner(sha256(name.encode()).digest())


ANALYST = signer("analyst")


def participant(name: str, **changed: Any) -> Participant:
    usual: dict[str, Any] = {
        "did": did(name),
        "name": name.title(),
        "role": "police" if name == "police" else "shelter",
        "key": signer(name).multikey,
        "certificate": sha256(f"tls {name}".encode()).hexdigest(),
        "host": f"{name}.example",
        "port": 8443,
        "holds_data": name != "evaluator",
        "computes": name != "evaluator",
        "no_linkage": name == NO_LINKAGE,
    }
    return Participant(**{**usual, **changed})


def column(constraint: Constraint, kind: Kind = Kind.CODE, **changed: Any) -> Column:
    codes = {"codes": "yes-no"} if kind is Kind.CODE else {}
    return Column(kind=kind, constraint=constraint, labels={"en": "x"}, **codes, **changed)


def vocabulary() -> Vocabulary:
    entries = [{"code": code, "labels": {"en": code}} for code in ("yes", "no")]
    columns = {
        "region": column(Constraint.AGGREGATE_ONLY),
        "age_group": column(Constraint.AGGREGATE_ONLY),
        "rare": column(Constraint.AGGREGATE_ONLY, least_cell=50),
        "cost": column(Constraint.AGGREGATE_ONLY, Kind.NUMBER),
        "reference": column(Constraint.LOCAL_ONLY, Kind.IDENTIFIER),
        "given_name": column(Constraint.LINK_COUNT_ONLY, Kind.IDENTIFIER, personal=True),
        "phone": column(Constraint.LINK_REVEAL, Kind.IDENTIFIER, personal=True),
        "flagged": column(Constraint.AGGREGATE_ONLY, personal=True),
        "secret": column(Constraint.FORBIDDEN, Kind.TEXT),
    }
    return Vocabulary(
        name="sample",
        version="1",
        attribution="nobody",
        languages=("en",),
        columns=columns,
        codes={"yes-no": {"entries": entries}},
    )


def terms(**changed: Any) -> Terms:
    usual: dict[str, Any] = {
        "id": "urn:uuid:0f6b3c3e-6f1c-4c57-8b3e-2f1d5a7c9e10",
        "environment": Environment.SANDBOX,
        "title": "Counting together",
        "assigner": did("shelter-a"),
        "framework": "did:web:authority.example",
        "vocabulary": vocabulary().digest(),
        "operations": {"cross-table", "overlaps"},
        "purposes": {"public-statistics"},
        "limits": Limits(most_runs=5, epsilon_milli=1000, longest_days=10),
        "participants": tuple(participant(name) for name in EVERYBODY),
        "starts": NOW - 30 * DAY,
        "ends": NOW + 300 * DAY,
    }
    return Terms(**{**usual, **changed})


def all_sign(agreement: Agreement, at: datetime = NOW - 20 * DAY) -> Agreement:
    for each in agreement.terms.participants:
        name = each.did.removeprefix("did:web:").removesuffix(".example")
        agreement = sign_terms(agreement, signer(name), each.did, at)
    return agreement


def signed(at: datetime = NOW - 20 * DAY, **changed: Any) -> SignedAgreement:
    made = terms(**changed)
    return require_all_signed(all_sign(begin(made, made.assigner), at))


AGREEMENT = signed()


def plan(agreement: SignedAgreement = AGREEMENT, **changed: Any) -> Plan:
    usual: dict[str, Any] = {
        "operation": "cross-table",
        "title": "By region",
        "agreement": agreement.digest,
        "asker": did("police"),
        "analyst": ANALYST.multikey,
        "purpose": "public-statistics",
        "groups": (Grouping(column="region"),),
        "filters": (Filter(column="age_group", codes=("yes",)),),
        "receivers": (did("police"), did("shelter-a")),
        "runs": 5,
        "expires": NOW + 60 * DAY,
    }
    return Plan(**{**usual, **changed})


def approval(of: Plan, name: str, *, by: str | None = None, **changed: Any) -> Json:
    """An approval as it is sent; `by`: whose key signs instead of the organisation's."""
    usual: dict[str, Any] = {
        "plan": of.digest,
        "organisation": did(name),
        "made": NOW - DAY,
        "until": NOW + 5 * DAY,
        "nonce": fresh_tag(),
    }
    said = Approval(**{**usual, **changed})
    return sign(said, signer(by or name), said.organisation, said.made)


def withdrawal(of: Plan, name: str, at: datetime = NOW, *, by: str | None = None) -> Json:
    said = Withdrawal(plan=of.digest, organisation=did(name), made=at)
    return sign(said, signer(by or name), said.organisation, at)


def request(of: Plan, *, by: SeedSigner = ANALYST, **changed: Any) -> Json:
    usual: dict[str, Any] = {"plan": of.digest, "tag": fresh_tag(), "number": 1, "at": NOW}
    said = RunRequest(**{**usual, **changed})
    return sign_request(said, by, said.at)


def documents(of: Plan, *, duties: Sequence[Duty] = (Duty.DATA,), **changed: Any) -> Documents:
    usual: dict[str, Any] = {
        "approvals": [approval(of, name, duty=duty) for duty in duties for name in HOLDERS],
        "request": request(of),
    }
    return Documents(**{**usual, **changed})


@dataclass
class FakeQuestion:
    """A question that uses what it is told to."""

    name: str = "cross-table"
    computation: str = "tabulation"
    engine: Engine = Engine.SHARES
    leak: str = "nothing"
    used: tuple[ColumnUse, ...] = ()
    knows: bool = True

    def check(self, plan: Plan) -> None:
        if not self.knows:
            raise InvalidInput("no plan of this question")

    def uses(self, plan: Plan) -> tuple[ColumnUse, ...]:
        return self.used


OVERLAPS = FakeQuestion(
    name="overlaps",
    computation="overlap",
    engine=Engine.RING,
    used=(ColumnUse("given_name", Use.LINK_COUNT),),
)
