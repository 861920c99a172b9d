"""A wallet is open as long as its holder uses it; what opens it is nowhere on the server."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator

import httpx
import pytest
from controllers_house import House
from hypothesis import given
from hypothesis import strategies as st

from controllers.wallet.sessions import OpenWallet, read_key
from core.errors import (
    Forbidden,
    GovernanceDenied,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    SessionClosed,
)
from core.secret import Secret


def fresh_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


async def opened(house: House) -> tuple[str, str, str]:
    """The wallet's id, its key, and a session's token."""
    key = fresh_key()
    wallet_id = await house.haven.sessions.create_wallet(key)
    session, _ = await house.haven.sessions.open(wallet_id, key)
    return wallet_id, key, session


@given(st.binary(min_size=32, max_size=32))
def test_any_32_bytes_are_a_key_with_or_without_padding(seed: bytes) -> None:
    text = base64.urlsafe_b64encode(seed).decode()
    assert read_key(text) == read_key(text.rstrip("="))


@given(st.text(max_size=60))
def test_any_other_text_is_no_key(text: str) -> None:
    try:
        read_key(text)
    except InvalidInput:
        return
    assert len(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) == 32


async def test_every_token_is_as_long_as_every_other(house: House) -> None:
    """Lengths are seen on the network: two wallets on one phone are not told apart by them."""
    keys = [base64.urlsafe_b64encode(bytes([each]) * 32).decode() for each in range(100)]
    by_length = {len(read_key(each).reveal()): each for each in keys}
    assert set(by_length) == {43, 44}
    lengths = set()
    for key in by_length.values():
        wallet_id = await house.haven.sessions.create_wallet(key)
        session, _ = await house.haven.sessions.open(wallet_id, key)
        assert (await house.haven.sessions.recognise(session)).key == read_key(key)
        lengths.add(len(session))
    assert len(lengths) == 1


async def test_key_and_token_are_in_no_row(house: House) -> None:
    wallet_id, key, session = await opened(house)
    wallet = await house.haven.sessions.recognise(session)
    rows = await house.raw_rows()
    assert wallet_id in rows
    hidden = (
        key,
        key.rstrip("="),
        session,
        wallet.session_id,
        wallet.key.reveal(),
        wallet.token.reveal(),
        base64.urlsafe_b64decode(key).decode("latin-1"),
    )
    assert [each for each in hidden if each in rows] == []


def tampered(session: str) -> Iterator[str]:
    yield from ("", "hvw_", session.removeprefix("hvw_"), session + "A", session[:-2])
    for at in (4, 20, len(session) // 2, len(session) - 2):
        other = "A" if session[at] != "A" else "B"
        yield session[:at] + other + session[at + 1 :]


async def test_a_token_that_was_changed_opens_nothing(small_house: House) -> None:
    _, _, session = await opened(small_house)
    for wrong in tampered(session):
        with pytest.raises(NotAuthenticated):
            await small_house.haven.sessions.recognise(wrong)
    assert await small_house.haven.sessions.recognise(session)


async def test_making_a_wallet_can_be_repeated_by_who_has_its_key(small_house: House) -> None:
    key, before = fresh_key(), small_house.network.calls["create"]
    async with small_house.client() as client:

        async def ask(key: str) -> httpx.Response:
            headers = {"Idempotency-Key": "first-start-of-the-app"}
            return await client.post("/api/wallet/wallets", json={"key": key}, headers=headers)

        made, again, stranger = await ask(key), await ask(key), await ask(fresh_key())
    assert made.status_code == 201
    assert again.json() == made.json()
    assert stranger.status_code == 422
    assert small_house.network.calls["create"] == before + 1
    assert key not in await small_house.raw_rows()


async def test_wrong_keys_and_unknown_wallets_are_told_alike(small_house: House) -> None:
    wallet_id, key, _ = await opened(small_house)
    said = set()
    for wallet, tried in ((wallet_id, fresh_key()), ("no-wallet", key)):
        for call in (
            small_house.haven.sessions.open(wallet, tried),
            small_house.haven.sessions.destroy_wallet(wallet, tried),
        ):
            with pytest.raises(NotAuthenticated) as raised:
                await call
            said.add(raised.value.detail)
    assert len(said) == 1


async def test_a_session_slides_with_its_use_and_ends_without(house: House) -> None:
    _, _, session = await opened(house)
    for _ in range(4):
        house.pass_time(minutes=14)
        await house.haven.sessions.recognise(session)
    house.pass_time(minutes=15, seconds=1)
    for _ in range(2):
        with pytest.raises(NotAuthenticated):
            await house.haven.sessions.recognise(session)


async def test_a_closed_session_is_closed_everywhere(house: House) -> None:
    wallet_id, key, session = await opened(house)
    other, _ = await house.haven.sessions.open(wallet_id, key)
    wallet = await house.haven.sessions.recognise(session)
    await house.haven.sessions.close(wallet)
    with pytest.raises(NotAuthenticated):
        await house.haven.sessions.recognise(session)
    with pytest.raises(SessionClosed):
        await house.fakes[1].credentials(wallet.token)
    still = await house.haven.sessions.recognise(other)
    assert await house.fakes[1].credentials(still.token) == []


async def test_a_destroyed_wallet_has_no_session(small_house: House) -> None:
    wallet_id, key, session = await opened(small_house)
    await small_house.haven.sessions.destroy_wallet(wallet_id, key)
    with pytest.raises(NotAuthenticated):
        await small_house.haven.sessions.recognise(session)
    with pytest.raises(NotAuthenticated):
        await small_house.haven.sessions.open(wallet_id, key)


async def test_after_a_restart_of_the_agent_work_goes_on(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    await small_house.issue(wallet)
    small_house.fakes[1].restart()
    held = await small_house.haven.sessions.within(
        wallet, lambda: small_house.fakes[1].credentials(wallet.token)
    )
    assert len(held) == 1


async def test_a_session_that_was_closed_is_not_brought_back(small_house: House) -> None:
    wallet, sessions = await small_house.new_wallet(), small_house.haven.sessions
    await sessions.close(wallet)
    opened_before = small_house.network.calls["open"]
    with pytest.raises(NotAuthenticated):
        await sessions.within(wallet, lambda: small_house.fakes[1].credentials(wallet.token))
    assert small_house.network.calls["open"] == opened_before
    with pytest.raises(SessionClosed):
        await small_house.fakes[1].credentials(wallet.token)


async def test_a_session_whose_time_is_over_is_not_brought_back(small_house: House) -> None:
    wallet = await small_house.new_wallet()
    small_house.fakes[1].restart()
    small_house.pass_time(minutes=16)
    with pytest.raises(NotAuthenticated):
        await small_house.haven.sessions.within(
            wallet, lambda: small_house.fakes[1].credentials(wallet.token)
        )


async def test_a_session_closed_while_its_store_opens_again_is_closed(
    small_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet, sessions, agent = (
        await small_house.new_wallet(),
        small_house.haven.sessions,
        small_house.fakes[1],
    )
    reopen = agent.open

    async def closed_meanwhile(wallet_id: str, key: Secret, session_id: str) -> None:
        await sessions.close(wallet)
        await reopen(wallet_id, key, session_id)

    agent.restart()
    monkeypatch.setattr(agent, "open", closed_meanwhile)
    with pytest.raises(NotAuthenticated):
        await sessions.within(wallet, lambda: agent.credentials(wallet.token))
    with pytest.raises(SessionClosed):
        await agent.credentials(wallet.token)


@pytest.mark.parametrize(
    "error",
    [
        Forbidden("Please enter the code"),
        GovernanceDenied("No", rule_id="r", reason="x"),
        NotFound("nothing"),
    ],
)
async def test_another_no_is_not_tried_twice(small_house: House, error: Exception) -> None:
    wallet: OpenWallet = await small_house.new_wallet()
    tries = []

    async def work() -> None:
        tries.append(1)
        raise error

    with pytest.raises(type(error)):
        await small_house.haven.sessions.within(wallet, work)
    assert len(tries) == 1


async def test_sessions_that_are_over_are_forgotten(house: House) -> None:
    wallet_id, _, session = await opened(house)
    await house.haven.sessions.purge()
    assert await house.haven.sessions.recognise(session)
    house.pass_time(minutes=31)
    await house.haven.sessions.purge()
    assert wallet_id not in await house.raw_rows()
