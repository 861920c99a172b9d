"""A participant that uses its signature under the agreement against the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controllers.dataspace.agreements import Agreements
from controllers.dataspace.identity import Identity
from controllers.dataspace.node import opened_books
from core.canonical import Json, decode_multibase, encode_multibase
from core.clock import SystemClock
from core.decision import Deny, Permit
from core.errors import Gone, VerificationError
from core.proof import SeedSigner, _hash_data  # the test signs what it likes
from dataspace.agreeing.agreement import Terms
from dataspace.agreeing.negotiating import (
    Agreement,
    State,
    require_all_signed,
    sign_termination,
    sign_terms,
    with_signature,
)
from dataspace.vocabulary.model import cases
from tests.support.space import identities, rules, settings_of, space_file, terms_of

NOW = datetime.now(UTC)


def signed_by(terms: Terms, who: list[Identity], at: datetime = NOW) -> Agreement:
    agreement = Agreement(terms, State.OFFERED)
    for each in who:
        agreement = sign_terms(agreement, each.signer, each.did, at)
    return agreement


def proof_at(terms: Terms, signer: SeedSigner, did: str, created: str) -> Json:
    """A proof that holds, whose time is written as the signer likes."""
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "created": created,
        "verificationMethod": f"{did}#{signer.multikey}",
        "proofPurpose": "assertionMethod",
    }
    signature = signer.sign(_hash_data(decode_multibase(terms.digest)[2:], options))
    return {**options, "proofValue": encode_multibase(signature)}


@pytest.mark.parametrize("created", ["2026-03-01T12:00:00", "2026-03-01"])
def test_a_signature_whose_time_has_no_zone(tmp_path: Path, created: str) -> None:
    """It holds, and can be compared with no other time: every node would stop at it."""
    who = identities(tmp_path, 3)
    terms, last = terms_of(who, cases()), who[-1]
    agreement = signed_by(terms, who[:-1])
    with pytest.raises(VerificationError) as refused:
        with_signature(agreement, proof_at(terms, last.signer, last.did, created))
    assert refused.value.step == "agreement-signature"


def test_a_participant_that_signs_again_changes_nothing(tmp_path: Path) -> None:
    """Its later time would make every approval of the others too old, whenever it likes."""
    who = identities(tmp_path, 3)
    terms = terms_of(who, cases())
    agreement = Agreement(terms, State.FINALIZED, signed_by(terms, who).proofs)
    since = require_all_signed(agreement).since
    later = sign_terms(agreement, who[0].signer, who[0].did, NOW + timedelta(days=9))
    assert require_all_signed(later).since == since


@pytest.mark.parametrize("told", [True, False])
async def test_a_space_file_does_not_bring_back_an_agreement_that_ended(
    tmp_path: Path, told: bool
) -> None:
    who = identities(tmp_path, 3)
    terms = terms_of(who, cases())
    file, clock = space_file(terms, who), SystemClock()
    ended = sign_termination(signed_by(terms, who), who[1].signer, who[1].did, NOW)
    async with opened_books(settings_of(who[0].folder), who[0], clock) as books:
        if told:
            await books.agreements.adopt(file)
            await books.agreements._on_ended(terms.participants[1], {"termination": ended})
        else:
            file["termination"] = ended
        with pytest.raises(Gone) as refused:
            await books.agreements.adopt(file)
        assert refused.value.code == "agreement-terminated"
        again = Agreements(who[0], books.keeping, books.journal, clock)
        await again.load()
        assert not again.is_there or again.agreement.state is State.TERMINATED


def test_a_framework_that_expires_while_a_node_runs(tmp_path: Path) -> None:
    who = identities(tmp_path, 3)
    terms = terms_of(who, cases())
    known = rules(tmp_path, {each.did: each.role for each in who[:-1]})
    did, end = who[0].did, known._framework.expires_at
    for at, kind in ((end - timedelta(seconds=1), Permit), (end, Deny)):
        assert isinstance(known.decisions(terms, "tabulation", at=at)[did], kind)
