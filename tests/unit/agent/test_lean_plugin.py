"""What makes ACA-Py cheaper changes nothing of what it reads, writes and stores."""

from __future__ import annotations

import base64
import json
import logging
from typing import Any

import pytest
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.messaging.models.base import BaseModelError
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_ack import V20CredAck
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_offer import V20CredOffer
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.present_proof.v2_0.messages.pres_problem_report import (
    V20PresProblemReport,
)
from hypothesis import given
from hypothesis import strategies as st

from agent.plugins.lean import announcing, models, records

ACK = "https://didcomm.org/issue-credential/2.0/ack"
CORE = base64.b64encode(
    json.dumps(
        {
            "schema_id": "did:web:a/schema",
            "cred_def_id": "did:web:a/definition",
            "nonce": "123",
            "key_correctness_proof": {"c": "1", "xz_cap": "2", "xr_cap": [["given_name", "3"]]},
        }
    ).encode()
).decode()
PLANTED = "planted: Sok, born 2019"


@pytest.fixture(autouse=True, scope="module")
def lean() -> None:
    """In ACA-Py's process it stays; here too, because it changes no behaviour."""
    models.install()
    records.install()
    announcing.install()


def offer(value: str = PLANTED) -> dict[str, Any]:
    """An offer as it comes over the wire."""
    return {
        "@type": "https://didcomm.org/issue-credential/2.0/offer-credential",
        "@id": "offer-1",
        "~thread": {"thid": "thread-1"},
        "formats": [{"attach_id": "anoncreds", "format": "anoncreds/credential-offer@v1.0"}],
        "credential_preview": {
            "@type": "https://didcomm.org/issue-credential/2.0/credential-preview",
            "attributes": [{"name": "given_name", "value": value}],
        },
        "offers~attach": [
            {"@id": "anoncreds", "mime-type": "application/json", "data": {"base64": CORE}}
        ],
    }


def test_a_message_is_read_and_written_as_it_came() -> None:
    for _ in range(3):
        assert V20CredOffer.deserialize(offer()).serialize() == offer()


def test_nothing_of_the_last_message_reaches_the_next() -> None:
    with_thread = V20CredAck.deserialize(
        {
            "@type": ACK,
            "@id": "1",
            "status": "OK",
            "~thread": {"thid": "t"},
        }
    )
    without = V20CredAck.deserialize({"@type": ACK, "@id": "2", "status": "OK"})
    assert with_thread._thread_id == "t"
    assert without._thread_id == "2"
    assert "~thread" not in without.serialize()


@given(st.lists(st.booleans(), max_size=6))
def test_threads_stay_with_their_messages(threaded: list[bool]) -> None:
    for number, has_thread in enumerate(threaded):
        plain = {"@type": ACK, "@id": str(number), "status": "OK"}
        sent = plain | ({"~thread": {"thid": f"t{number}"}} if has_thread else {})
        read = V20CredAck.deserialize(sent)
        assert read._thread_id == (f"t{number}" if has_thread else str(number))


def test_a_record_keeps_its_messages_as_they_are() -> None:
    record = V20CredExRecord(thread_id="thread-1", cred_offer=offer(), state="offer-sent")
    stored = record.value
    again = V20CredExRecord.from_storage("1", stored)
    assert again.value["cred_offer"] == stored["cred_offer"]
    assert again.cred_offer.credential_preview.attributes[0].value == PLANTED
    assert (
        V20CredExRecord.from_storage("1", stored).serialize()["cred_offer"]["@id"] == "offer-1"
    )


def test_what_cannot_be_read_is_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bad = offer() | {"formats": PLANTED}
    with pytest.raises(BaseModelError) as caught:
        V20CredOffer.deserialize(bad)
    assert PLANTED not in f"{caught.value} {caplog.text}"
    assert V20CredOffer.deserialize(offer()).serialize() == offer()  # the schema is whole


def test_a_failure_while_reading_spoils_no_later_reading() -> None:
    for description in (1, {"code": 5}, {"en": "no", "code": "abandoned"}):
        report = {"@type": "x/present-proof/2.0/problem-report", "description": description}
        try:
            V20PresProblemReport.deserialize(report)
        except BaseModelError:
            continue
    fine = {"en": "no", "code": "abandoned"}
    read = V20PresProblemReport.deserialize(
        {"@type": "x/present-proof/2.0/problem-report", "description": fine}
    )
    assert read.description == fine


class _Session:
    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    async def emit_event(self, topic: str, payload: dict[str, Any]) -> None:
        self.told.append((topic, payload))


async def test_an_event_tells_ids_and_no_values() -> None:
    session = _Session()
    record = V20CredExRecord(
        cred_ex_id="1", thread_id="t", cred_offer=offer(), state="offer-sent", connection_id="c"
    )
    await record.emit_event(session)
    await ConnRecord(connection_id="c", state="completed", their_label=PLANTED).emit_event(
        session
    )
    assert session.told[0] == (
        "acapy::record::issue_credential_v2_0::offer-sent",
        {"cred_ex_id": "1", "connection_id": "c", "state": "offer-sent", "thread_id": "t"},
    )
    assert session.told[1][0] == "acapy::record::connections::active"
    assert PLANTED not in str(session.told)


@pytest.mark.parametrize(
    ("topic", "payload", "told"),
    [
        ("issue_credential_v2_0", {"state": "offer-sent", "cred_ex_id": "1"}, None),
        (
            "issue_credential_v2_0",
            {"state": "done", "cred_ex_id": "1", "by_format": PLANTED},
            {"cred_ex_id": "1"},
        ),
        (
            "connections",
            {
                "state": "completed",
                "connection_id": "c",
                "invitation_msg_id": "i",
                "x": PLANTED,
            },
            {"connection_id": "c", "invitation_msg_id": "i"},
        ),
        ("present_proof_v2_0", {"state": "done", "pres_ex_id": "1"}, None),
        ("basicmessages", {"state": "received", "content": PLANTED}, None),
        ("problem_report", {"description": PLANTED}, None),
    ],
)
def test_webhooks_tell_ids_of_what_is_waited_for(
    topic: str, payload: dict[str, Any], told: dict[str, str] | None
) -> None:
    assert announcing.announcement(topic, payload) == told
