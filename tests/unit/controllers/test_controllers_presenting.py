"""What a wallet tells its holder: labels, dates, states, for whom, and the past in words."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from controllers_house import ELIGIBILITY, ENTITLEMENT, IDENTITY, PAYMENT, House
from hypothesis import given
from hypothesis import strategies as st

from controllers.moment import now
from controllers.verifier.service import Verdict
from controllers.wallet import dependents, labelling, validity
from controllers.wallet.dependents import Dependent, number
from controllers.wallet.notes import PENDING
from controllers.wallet.pending import pending
from controllers.wallet.schemas import CredentialShown, RequestPreview, TakeUp
from controllers.wallet.sessions import OpenWallet
from core.clock import dateint
from core.errors import Conflict, NotFound, Unavailable
from core.ports import HeldCredential
from credential_defs import load, load_all

GUARDIANSHIP = {
    "rationale": "adjudicated",
    "jurisdiction": "US-OR",
    "framework_uri": "https://rules.example/",
    "audit_uri": "https://rules.example/audit",
    "appeal_uri": "https://rules.example/appeal",
}
LANGUAGES = ("en", "es", "km")


def day(offset: int) -> int:
    return dateint((now() + timedelta(days=offset)).date())


def link(letter: str) -> str:
    return letter * 26


async def cards(
    house: House, wallet: OpenWallet, language: str = "en"
) -> list[CredentialShown]:
    return await house.wallet.credentials(wallet, language, with_state=False)


async def card(house: House, wallet: OpenWallet, language: str = "en") -> CredentialShown:
    (only,) = await cards(house, wallet, language)
    return only


async def look(house: House, wallet: OpenWallet, address: str) -> RequestPreview:
    seen = await house.wallet.take_up(wallet, TakeUp(link=address), "en")
    assert isinstance(seen, RequestPreview)
    return seen


# --- values ---------------------------------------------------------------------------------


async def test_each_value_says_what_kind_it_is(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    await small_house.issue(wallet, values={**ELIGIBILITY, "shelter_until": 20990131})
    values = {each.attribute: each for each in (await card(small_house, wallet, "es")).values}
    shown = {name: (each.kind, each.value) for name, each in values.items()}
    assert shown["shelter_until"] == ("date", "2099-01-31")
    assert shown["medical_until"] == ("none", "")
    assert shown["household_size"] == ("number", "2")
    assert shown["region"] == ("text", "KH-12")
    assert shown["held_for_other"] == ("code", "No")
    assert shown["status"] == ("code", "Una organización aprobada habló con usted")
    assert values["shelter_until"].label == "Alojamiento, hasta"
    assert (values["shelter_until"].help or "").startswith("El último día")
    assert shown["link_court"][0] == "text"


@pytest.mark.parametrize("definition", load_all().values(), ids=lambda each: each.name)
@given(data=st.data())
def test_whatever_a_card_says_can_be_shown(definition: Any, data: st.DataObject) -> None:
    """Also what another issuer's software wrote, which our own would have refused."""
    odd = st.sampled_from(["", "0", "1", "20270230", "20270131", "-1", "²", "9" * 40, "word"])
    values = {name: data.draw(odd) for name in definition.attribute_names}
    for each in labelling.labelled(definition, values, "km"):
        written = values[each.attribute]
        match each.kind:
            case "none":
                assert (written, each.value) == ("0", "")
            case "date":
                assert date.fromisoformat(each.value).strftime("%Y%m%d") == written
            case "number":
                assert int(each.value) == int(written)
            case "code":
                assert written in definition.attribute(each.attribute).code_values
            case "text":
                assert each.value == written
    validity.expires_on(definition, values)
    validity.issued_on(definition, values)


async def test_a_card_of_a_kind_that_nobody_knows_is_shown_as_it_is(
    small_house: House,
) -> None:
    wallet = await small_house.new_wallet()
    strange = HeldCredential(
        "strange", "schema", "did:x:y/def", None, None, {"b": "1", "a": "2"}
    )
    small_house.network.wallets[wallet.wallet_id].credentials["strange"] = strange
    shown = await card(small_house, wallet)
    assert [(each.attribute, each.label, each.kind, each.help) for each in shown.values] == [
        ("a", "a", "text", None),
        ("b", "b", "text", None),
    ]
    assert (shown.title, shown.who) == ("Card", "An organisation that is not known here")
    assert (shown.state, shown.expires_on, shown.held_for, shown.about) == (
        "valid", None, None, None,
    )  # fmt: skip
    assert shown.branding.background.startswith("#")


# --- dates and states -----------------------------------------------------------------------


async def test_a_card_says_since_when_and_until_when(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    await small_house.issue(wallet, "harbour", "identity", IDENTITY)
    shown = await card(small_house, wallet)
    assert (shown.issued_on, shown.expires_on) == (date(2026, 1, 5), date(2099, 1, 1))
    assert (shown.state, shown.revoked) == ("valid", None)
    branding = load("identity").source.branding
    assert shown.branding.model_dump() == {
        "background": branding.primary_background_color,
        "background2": branding.secondary_background_color,
        "primary": "given_names",
        "secondary": None,
    }
    assert (shown.about, shown.help) == (
        load("identity").about("en"),
        load("identity").holder_help("en"),
    )


@pytest.mark.parametrize(
    ("shelter", "medical", "state"),
    [(-1, -9, "expired"), (-9, 0, "valid"), (0, None, "valid"), (-1, None, "expired")],
)
async def test_a_card_has_expired_when_the_last_of_its_rights_has(
    small_house: House, shelter: int, medical: int | None, state: str
) -> None:
    wallet = await small_house.new_wallet()
    until = {
        "shelter_until": day(shelter),
        "medical_until": day(medical) if medical is not None else 0,
    }
    await small_house.issue(wallet, values={**ELIGIBILITY, **until})
    shown = await card(small_house, wallet)
    latest = max(shelter, -999 if medical is None else medical)
    assert shown.expires_on == (now() + timedelta(days=latest)).date()
    assert (shown.state, shown.issued_on) == (state, None)


async def test_what_was_never_granted_has_no_end(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    await small_house.issue(wallet, values={**ELIGIBILITY, "shelter_until": 0})
    shown = await card(small_house, wallet)
    assert (shown.expires_on, shown.state) == (None, "valid")


async def test_withdrawn_is_told_when_asked_for(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    issuance = await small_house.issue(wallet, values={**ELIGIBILITY, "shelter_until": day(-1)})
    await small_house.haven.issuer.revoke(small_house.of("harbour"), [issuance.id])
    assert (await card(small_house, wallet)).state == "expired"
    (shown,) = await small_house.wallet.credentials(wallet, "en", with_state=True)
    assert (shown.state, shown.revoked) == ("revoked", True)


@pytest.mark.parametrize("definition", load_all().values(), ids=lambda each: each.name)
def test_every_credential_marks_what_ends_it(definition: Any) -> None:
    assert definition.last_days
    assert all(definition.attribute(name).is_date for name in definition.last_days)


# --- for whom -------------------------------------------------------------------------------


async def guardian_of(house: House, wallet: OpenWallet, letter: str) -> None:
    links = {name: link(letter) for name in ("link_shelter", "link_payment", "link_court")}
    office = {**GUARDIANSHIP, **links, "perm_necessaries_until": 20990101}
    await house.issue(wallet, "office", "guardianship", office)


async def child_card(house: House, wallet: OpenWallet, letter: str, **more: Any) -> None:
    kept = {"held_for_other": 1, "link_shelter": link(letter), "link_court": link(letter)}
    await house.issue(wallet, values={**ELIGIBILITY, **kept, **more})


async def child_money(house: House, wallet: OpenWallet, letter: str) -> None:
    kept = {"held_for_other": 1, "link_payment": link(letter), "payment_ref": link("p")}
    await house.issue(wallet, "fund", "support-entitlement", {**ENTITLEMENT, **kept})


async def test_the_cards_of_one_dependent_have_one_number(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    await small_house.issue(wallet)
    await guardian_of(small_house, wallet, "a")
    await child_card(small_house, wallet, "a")
    await child_card(small_house, wallet, "b")
    await child_money(small_house, wallet, "a")
    await guardian_of(small_house, wallet, "b")
    shown = await cards(small_house, wallet)
    assert [(each.credential, each.held_for, each.held_for_other) for each in shown] == [
        ("service-eligibility", None, False),
        ("guardianship", 1, False),
        ("service-eligibility", 1, True),
        ("service-eligibility", 2, True),
        ("support-entitlement", 1, True),
        ("guardianship", 2, False),
    ]


async def test_nobody_takes_anothers_number_when_cards_are_deleted(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    for letter in "ab":
        await child_card(small_house, wallet, letter)
    first, second = await cards(small_house, wallet)
    assert (first.held_for, second.held_for) == (1, 2)
    await small_house.wallet.delete_credential(wallet, first.id)
    assert (await card(small_house, wallet)).held_for == 2
    await child_card(small_house, wallet, "c")
    assert [each.held_for for each in await cards(small_house, wallet)] == [2, 3]
    noted = await small_house.wallet.notes.all(wallet.token, "dependents")
    assert sorted(set(noted["numbers"].values())) == [2, 3]
    assert link("c") not in json.dumps(noted)
    for each in await cards(small_house, wallet):
        await small_house.wallet.delete_credential(wallet, each.id)
    assert await small_house.wallet.notes.all(wallet.token, "dependents") == {}


async def test_whose_wallet_holds_only_her_own_has_nothing_noted(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    await small_house.issue(wallet)
    assert (await card(small_house, wallet)).held_for is None
    assert await small_house.wallet.notes.all(wallet.token, "dependents") == {}


_dependents = st.lists(
    st.builds(
        lambda links: Dependent(set(links), [f"id-{'-'.join(sorted(links))}"]),
        st.sets(st.sampled_from("abcdef"), min_size=1, max_size=2),
    ),
    max_size=4,
)


@given(_dependents)
def test_numbers_are_kept_and_given_once(found: list[Dependent]) -> None:
    joined: list[Dependent] = []
    for each in found:
        joined = dependents._joined(joined, each)
    everyone = [link for each in joined for link in each.links]
    assert len(everyone) == len(set(everyone))  # no two dependents share a link
    known, numbers = number(joined, {})
    assert len({known[min(each.links)] for each in joined}) == len(joined)
    assert number(joined, known) == (known, numbers)
    for gone in range(len(joined)):
        rest = joined[:gone] + joined[gone + 1 :]
        kept, _ = number(rest, known)
        assert kept == {link: known[link] for each in rest for link in each.links}


async def test_a_choice_says_for_whom_the_answer_would_be(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    for letter in "ab":
        await guardian_of(small_house, wallet, letter)
        await child_card(small_house, wallet, letter, shelter_until=day(5))
    await child_card(small_house, wallet, "a", shelter_until=day(50))
    check, address = await small_house.check("river", "shelter")
    seen = await look(small_house, wallet, address)
    assert seen.variant == "representative"
    by_id = {each.id: each for each in await cards(small_house, wallet)}
    said = [
        (each.held_for, by_id[each.credentials["eligibility"]].expires_on)
        for each in seen.choices
    ]
    soon, late = (now() + timedelta(days=5)).date(), (now() + timedelta(days=50)).date()
    assert said == [(1, late), (1, soon), (2, soon)]
    assert all(
        {by_id[each].held_for for each in choice.credentials.values()} == {choice.held_for}
        for choice in seen.choices
    )
    await small_house.wallet.answer(wallet, seen.id, seen.choices[2].credentials, "en")
    assert (await small_house.judged(check)).verdict == Verdict.ACCEPTED
    entry = (await small_house.wallet.history(wallet, "en")).items[0]
    assert (entry.event, entry.held_for_other) == ("shown", True)
    assert "Everyday needs, until" in entry.proven


async def test_without_a_choice_what_is_good_for_longest_is_shown(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    for offset in (3, 30, 7):
        await small_house.issue(wallet, values={**ELIGIBILITY, "shelter_until": day(offset)})
    _, address = await small_house.check("river", "shelter")
    seen = await look(small_house, wallet, address)
    ends = {each.id: each.expires_on for each in await cards(small_house, wallet)}
    order = [ends[each.credentials["eligibility"]] for each in seen.choices]
    assert order == sorted(order, key=str, reverse=True)
    assert {each.held_for for each in seen.choices} == {None}


# --- offers, requests, history --------------------------------------------------------------


async def test_a_request_names_what_is_shown_proven_and_hidden(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    await small_house.issue(wallet)
    _, address = await small_house.check("river", "shelter")
    seen = await look(small_house, wallet, address)
    (asked,) = seen.asks
    assert [each.model_dump() for each in asked.shown] == [
        {"attribute": "region", "label": "Region"},
        {"attribute": "household_size", "label": "People who come with you, and you"},
    ]
    assert [each.label for each in asked.proven] == [
        "Place to stay, until",
        "Kept for another person",
    ]
    assert {each.attribute for each in asked.hidden} >= {"status", "link_court"}
    assert (seen.recognised, seen.purpose_title) == (True, "A place to stay")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_past_is_told_in_words_and_without_a_did(
    small_house: House, language: str
) -> None:
    wallet = await small_house.new_wallet()
    await small_house.issue(wallet)
    _, first = await small_house.check("river", "shelter")
    await small_house.wallet.answer(
        wallet, (await look(small_house, wallet, first)).id, None, "en"
    )
    _, second = await small_house.check("payer", "payment", PAYMENT)
    await small_house.wallet.requests.decline(
        wallet, (await look(small_house, wallet, second)).id
    )
    told = (await small_house.wallet.history(wallet, language)).items
    declined, shown = told
    eligibility = load("service-eligibility")
    check = (await small_house.haven.governance.current()).checks["shelter"]
    assert (declined.event, declined.who) == ("declined", "Payer")
    assert (declined.shown, declined.proven, declined.retention_seconds) == ([], [], None)
    assert (shown.event, shown.who, shown.title) == ("shown", "River", check.title[language])
    assert shown.shown == [
        eligibility.label("region", language),
        eligibility.label("household_size", language),
    ]
    assert shown.retention_seconds == check.retention_seconds
    assert shown.held_for_other is False
    everything = json.dumps([each.model_dump(mode="json") for each in told])
    assert "did:" not in everything
    assert "KH-12" not in everything


async def test_a_no_can_be_forgotten_and_the_asker_learns_only_no(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    await small_house.issue(wallet)
    check, address = await small_house.check("river", "shelter")
    seen = await look(small_house, wallet, address)
    await small_house.wallet.requests.decline(wallet, seen.id)
    (entry,) = (await small_house.wallet.history(wallet, "en")).items
    await small_house.wallet.notes.forget(wallet.token, entry.id)
    assert (await small_house.wallet.history(wallet, "en")).items == []
    judged = await small_house.judged(check)
    assert (judged.verdict, judged.result) == (Verdict.NOT_SHOWN, [])
    with pytest.raises(NotFound):
        await small_house.wallet.requests.decline(wallet, seen.id)


async def test_a_no_does_not_hide_what_may_have_been_shown_before(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    await small_house.issue(wallet)
    _, address = await small_house.check("river", "shelter")
    seen = await look(small_house, wallet, address)
    small_house.network.fail_once("present", after=True)
    with pytest.raises(Unavailable):
        await small_house.wallet.answer(wallet, seen.id, None, "en")
    with contextlib.suppress(Conflict):  # it was sent: there is nothing left to refuse
        await small_house.wallet.requests.decline(wallet, seen.id)
    (entry,) = (await small_house.wallet.history(wallet, "en")).items
    assert entry.event == "shown"


async def test_what_the_rules_no_longer_name_has_a_general_word(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    receipt = {
        "at": datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
        "event": "shown",
        "with_whom": "did:webvh:gone",
        "check": "gone",
        "parts": {"part": "gone"},
        "shown": {"part": ["one"]},
        "proven": {"other": ["two"]},
    }
    await small_house.wallet.notes.put(wallet.token, "history", "old", receipt)
    card_gone = {**receipt, "event": "received", "credential": "gone"}
    await small_house.wallet.notes.put(wallet.token, "history", "older", card_gone)
    told = {each.id: each for each in (await small_house.wallet.history(wallet, "en")).items}
    assert (told["old"].title, told["older"].title) == ("A question", "Card")
    assert (told["old"].shown, told["old"].proven) == (["one"], ["two"])
    assert told["old"].who == "An organisation that is not known here"


async def test_a_no_ends_every_way_to_answer(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    await small_house.issue(wallet)
    await guardian_of(small_house, wallet, "a")
    await child_card(small_house, wallet, "a")
    _, address = await small_house.check("river", "shelter")
    await look(small_house, wallet, address)
    taking = TakeUp(link=address, variant="representative")
    other = await small_house.wallet.take_up(wallet, taking, "en")
    assert isinstance(other, RequestPreview)
    await small_house.wallet.requests.decline(wallet, other.id)
    assert await pending(small_house.wallet, wallet, "en") == []


async def test_who_has_cards_of_her_own_may_answer_for_another_as_well(
    small_house: House,
) -> None:
    wallet = await small_house.new_wallet()
    await small_house.issue(wallet)
    await guardian_of(small_house, wallet, "a")
    await child_card(small_house, wallet, "a")
    check, address = await small_house.check("river", "shelter")
    own = await look(small_house, wallet, address)
    assert (own.variant, own.other_variants) == ("plain", ["representative"])
    taking = TakeUp(link=address, variant="representative")
    other = await small_house.wallet.take_up(wallet, taking, "en")
    assert isinstance(other, RequestPreview)
    assert (other.variant, other.other_variants) == ("representative", ["plain"])
    assert [each.held_for for each in other.choices] == [1]
    # coming back to it later, she finds it once, and may still choose
    waiting = await pending(small_house.wallet, wallet, "en")
    assert [each.link for each in waiting if isinstance(each, RequestPreview)] == [address]
    await small_house.wallet.answer(wallet, other.id, None, "en")
    # neither way of answering waits any more: the check is answered once
    assert await small_house.wallet.notes.all(wallet.token, PENDING) == {}
    assert (await small_house.judged(check)).verdict == Verdict.ACCEPTED
