"""An agent that does not answer, at each of its calls, in the middle of each operation.

First the operation runs undisturbed, and its calls are counted. Then, for each of these calls,
it runs on a fresh subject while that call fails: once before it was carried out, once after,
so that only its answer is lost. What is said is a problem document; what is left over does not
stand in the way of saying the same again; and nothing is there twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import requests
from inhabited import PAYMENT, Inhabited
from judged import judge

from controllers.issuer import flow
from controllers.wallet import offers

_TIMEOUT = 60
_MOST_CALLS = 40

Json = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One request; `path` and `body` on a subject of its own."""

    kind: str
    path: str
    body: Json = field(default_factory=dict)
    method: str = "post"
    headers: dict[str, str] = field(default_factory=dict)


def ask(world: Inhabited, http: requests.Session, step: Step) -> requests.Response:
    """Send it with the key that fits."""
    bearer = world.bearers()[step.kind]
    answer = http.request(
        step.method,
        f"{world.url}{step.path}",
        json=step.body,
        headers={"Authorization": f"Bearer {bearer}"} | step.headers,
        timeout=_TIMEOUT,
    )
    if answer.status_code != 503:  # documented: a part of the system does not answer
        judge(answer)
    return answer


def done(world: Inhabited, http: requests.Session, step: Step) -> Json:
    answer = ask(world, http, step)
    assert answer.status_code < 300, answer.text
    found: Json = answer.json()
    return found


# --- what each operation is tried on ------------------------------------------------------

ELIGIBILITY = {"status": "assessed", "shelter_until": 20990101, "household_size": 2}
ISSUANCE = {
    "credential": "service-eligibility",
    "values": ELIGIBILITY | {"region": "KH-12"},
}


def repeatable() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(8)}


def offered(world: Inhabited, http: requests.Session) -> Json:
    return done(world, http, Step("issue", "/api/issuer/issuances", ISSUANCE))


def looked_at(world: Inhabited, http: requests.Session) -> str:
    made = offered(world, http)
    body = {"link": made["link"], "code": made["code"]}
    return str(done(world, http, Step("wallet", "/api/wallet/links", body))["id"])


def asked(world: Inhabited, http: requests.Session) -> Json:
    body = {"check": "payment", "parameters": PAYMENT}
    return done(world, http, Step("check", "/api/verifier/checks", body))


def request_seen(world: Inhabited, http: requests.Session) -> str:
    body = {"link": asked(world, http)["link"]}
    return str(done(world, http, Step("wallet", "/api/wallet/links", body))["id"])


def an_issuance(world: Inhabited, http: requests.Session) -> Step:
    return Step("issue", "/api/issuer/issuances", ISSUANCE, headers=repeatable())


def a_cancelled_issuance(world: Inhabited, http: requests.Session) -> Step:
    made = offered(world, http)
    return Step("issue", f"/api/issuer/issuances/{made['id']}/cancel")


def a_revocation(world: Inhabited, http: requests.Session) -> Step:
    made = offered(world, http)
    body = {"link": made["link"], "code": made["code"]}
    seen = done(world, http, Step("wallet", "/api/wallet/links", body))
    done(world, http, Step("wallet", f"/api/wallet/offers/{seen['id']}/accept"))
    world.counts()  # waits until the desk knows of it
    return Step("issue", "/api/issuer/revocations", {"issuance_ids": [made["id"]]})


def a_check(world: Inhabited, http: requests.Session) -> Step:
    body = {"check": "payment", "parameters": PAYMENT}
    return Step("check", "/api/verifier/checks", body, headers=repeatable())


def a_cancelled_check(world: Inhabited, http: requests.Session) -> Step:
    return Step("check", f"/api/verifier/checks/{asked(world, http)['id']}/cancel")


def an_offer_opened(world: Inhabited, http: requests.Session) -> Step:
    made = offered(world, http)
    return Step("wallet", "/api/wallet/links", {"link": made["link"], "code": made["code"]})


def a_request_opened(world: Inhabited, http: requests.Session) -> Step:
    return Step("wallet", "/api/wallet/links", {"link": asked(world, http)["link"]})


def an_offer_accepted(world: Inhabited, http: requests.Session) -> Step:
    return Step("wallet", f"/api/wallet/offers/{looked_at(world, http)}/accept")


def an_offer_declined(world: Inhabited, http: requests.Session) -> Step:
    return Step("wallet", f"/api/wallet/offers/{looked_at(world, http)}/decline")


def a_request_answered(world: Inhabited, http: requests.Session) -> Step:
    return Step("wallet", f"/api/wallet/requests/{request_seen(world, http)}/accept")


def a_request_declined(world: Inhabited, http: requests.Session) -> Step:
    return Step("wallet", f"/api/wallet/requests/{request_seen(world, http)}/decline")


def an_organisation(world: Inhabited, http: requests.Session) -> Step:
    slug = f"o{secrets.token_hex(6)}"
    body = {"slug": slug, "label": "New", "role": "shelter", "name": "New"}
    return Step("operator", "/api/governance/organisations", body, headers=repeatable())


def a_grant(world: Inhabited, http: requests.Session) -> Step:
    slug = str(done(world, http, an_organisation(world, http))["slug"])
    body = {"organisation": slug, "credential": "identity"}
    return Step("operator", "/api/governance/grants", body, headers=repeatable())


def a_wallet(world: Inhabited, http: requests.Session) -> Step:
    body = {"key": secrets.token_urlsafe(32)}
    return Step("operator", "/api/wallet/wallets", body, headers=repeatable())


def a_session(world: Inhabited, http: requests.Session) -> Step:
    new = a_wallet(world, http)
    wallet = done(world, http, new)["wallet_id"]
    return Step("operator", f"/api/wallet/wallets/{wallet}/sessions", new.body)


def a_destroyed_wallet(world: Inhabited, http: requests.Session) -> Step:
    new = a_wallet(world, http)
    wallet = done(world, http, new)["wallet_id"]
    return Step("operator", f"/api/wallet/wallets/{wallet}/destroy", new.body)


def a_deleted_credential(world: Inhabited, http: requests.Session) -> Step:
    return Step("wallet", "/api/wallet/credentials/none", method="delete")


def a_deleted_receipt(world: Inhabited, http: requests.Session) -> Step:
    return Step("wallet", "/api/wallet/history/none", method="delete")


def slot() -> Json:
    return {"proof": secrets.token_urlsafe(32), "box": secrets.token_urlsafe(60)}


def a_device(world: Inhabited, http: requests.Session) -> Step:
    body = {"device": secrets.token_urlsafe(32), "slots": [slot(), slot()]}
    return Step("wallet", "/api/wallet/devices", body)


def a_pin_set_again(world: Inhabited, http: requests.Session) -> Step:
    new = a_device(world, http)
    done(world, http, new)
    both = {"device": new.body["device"], "proof": new.body["slots"][0]["proof"]}
    body = both | {"slot": 1, "new": new.body["slots"][1]}
    return Step("wallet", "/api/wallet/devices/slot", body)


def the_other_devices_forgotten(world: Inhabited, http: requests.Session) -> Step:
    new = a_device(world, http)
    done(world, http, new)
    path = "/api/wallet/devices/others/forget"
    return Step("wallet", path, {"device": new.body["device"]})


def a_card(world: Inhabited, http: requests.Session) -> Step:
    """A fresh one, in the place of the one before."""
    steps = [a_device(world, http) for _ in range(2)]
    before, fresh = (Step("wallet", each.path, each.body | {"card": True}) for each in steps)
    done(world, http, before)
    return fresh


def the_card_ended(world: Inhabited, http: requests.Session) -> Step:
    done(world, http, a_card(world, http))
    return Step("wallet", "/api/wallet/devices/cards/forget")


def a_recovery_code(world: Inhabited, http: requests.Session) -> Step:
    body = {"lookup": secrets.token_urlsafe(32), "box": secrets.token_urlsafe(60)}
    return Step("wallet", "/api/wallet/recovery", body, method="put")


def a_code_typed_back(world: Inhabited, http: requests.Session) -> Step:
    done(world, http, a_recovery_code(world, http))
    return Step("wallet", "/api/wallet/recovery/tried")


def what_waits(world: Inhabited, http: requests.Session) -> Step:
    request_seen(world, http)
    return Step("wallet", "/api/wallet/pending", method="get")


def a_move(world: Inhabited, http: requests.Session) -> Step:
    held = done(world, http, Step("wallet", "/api/wallet/credentials", method="get"))["items"]
    return Step("wallet", f"/api/wallet/credentials/{held[0]['id']}/move")


def a_replacement(world: Inhabited, http: requests.Session) -> Step:
    replaced = {"replaces": a_revocation(world, http).body["issuance_ids"][0]}
    return Step("issue", "/api/issuer/issuances", ISSUANCE | replaced, headers=repeatable())


type Subject = Callable[[Inhabited, requests.Session], Step]
SUBJECTS: tuple[Subject, ...] = (
    an_issuance,
    a_cancelled_issuance,
    a_revocation,
    a_check,
    a_cancelled_check,
    an_offer_opened,
    a_request_opened,
    an_offer_accepted,
    an_offer_declined,
    a_request_answered,
    a_request_declined,
    an_organisation,
    a_grant,
    a_wallet,
    a_session,
    a_destroyed_wallet,
    a_deleted_credential,
    a_deleted_receipt,
    a_device,
    a_pin_set_again,
    the_other_devices_forgotten,
    a_card,
    the_card_ended,
    a_recovery_code,
    a_code_typed_back,
    what_waits,
    a_move,
    a_replacement,
)
# what was done says so when it is asked for again; this is what it says
_DONE_ALREADY: dict[str, set[int]] = {
    "a_cancelled_issuance": {409},
    "a_destroyed_wallet": {401},
    "an_offer_accepted": {404},
    "an_offer_declined": {404},
    "a_request_answered": {404, 410},
    "a_request_declined": {404},
}


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for what has failed."""
    monkeypatch.setattr(offers, "_OFFER_SECONDS", 1.0)
    monkeypatch.setattr(offers, "_STORE_SECONDS", 1.0)
    monkeypatch.setattr(flow, "_STALE", timedelta())
    monkeypatch.setattr(flow, "_ISSUING_STALE", timedelta())


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda each: each.__name__)
def test_a_call_that_fails_leaves_an_operation_that_can_be_repeated(
    world: Inhabited, http: requests.Session, subject: Subject, hurried: None
) -> None:
    step = subject(world, http)
    before, calls = world.counts(), world.swift.network.calls.copy()
    done(world, http, step)
    grown = growth(before, world.counts())
    calls = world.swift.network.calls - calls
    assert sum(calls.values()) < _MOST_CALLS
    for call in sorted(calls):
        for after in (False, True):
            step = subject(world, http)
            before = world.counts()
            world.swift.network.fail_once(call, after=after)
            first = ask(world, http, step)
            again = first
            for _ in range(4):  # on a busy machine it can be too early once more
                world.advance()  # the failure may have met the worker
                again = ask(world, http, step)
                if again.status_code != 503:
                    break
            assert again.status_code < 300 or (
                again.status_code in _DONE_ALREADY.get(subject.__name__, ())
            ), (call, after, first.status_code, again.text)
            # as much has come into being as if nothing had failed: not less, nothing twice
            assert growth(before, world.counts()) == grown, (call, after)


def growth(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in after}
