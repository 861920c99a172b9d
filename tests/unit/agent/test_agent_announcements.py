"""Of a webhook, ids are kept and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from agent.announcements import Announcement, RecordKind, read_announcement


@pytest.mark.parametrize(
    ("topic", "body", "read"),
    [
        (
            "connections",
            {"connection_id": "c", "invitation_msg_id": "i", "their_label": "Sok"},
            Announcement(RecordKind.CONNECTION, "c", "i"),
        ),
        ("connections", {"connection_id": "c"}, Announcement(RecordKind.CONNECTION, "c")),
        (
            "issue_credential_v2_0",
            {"cred_ex_id": "e", "by_format": {"name": "Sok"}},
            Announcement(RecordKind.ISSUANCE, "e"),
        ),
        (
            "present_proof_v2_0",
            {"pres_ex_id": "p", "state": "done"},
            Announcement(RecordKind.PRESENTATION, "p"),
        ),
    ],
)
def test_an_announcement_is_read(topic: str, body: dict[str, Any], read: Announcement) -> None:
    assert read_announcement(topic, body) == read


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("basicmessages", {"connection_id": "c", "content": "hello"}),
        ("issue_credential_v2_0_anoncreds", {"cred_ex_id": "e"}),
        ("connections", {}),
        ("connections", {"cred_ex_id": "e"}),
        ("connections", {"connection_id": 7}),
        ("connections", {"connection_id": None}),
        ("connections", {"connection_id": ""}),
        ("connections", {"connection_id": "c" * 65}),
        ("", {}),
    ],
)
def test_anything_else_is_of_no_concern(topic: str, body: dict[str, Any]) -> None:
    assert read_announcement(topic, body) is None
