"""Wallets spread over several agents: whose a wallet is, and what happens if one is away."""

from __future__ import annotations

import pytest

from agent.keys import raw_wallet_key
from agent.sharding import ShardedWallets
from core.errors import NotFound, SessionClosed, Unavailable
from core.secret import Secret
from tests.fakes.agents import FakeWallets
from tests.fakes.network import FakeNetwork

SESSION = "a-session"


class Away(FakeWallets):
    """An agent that does not answer."""

    async def create(self, key: Secret) -> str:
        raise Unavailable("The agent does not answer")

    async def close_idle(self, seconds: float) -> int:
        raise Unavailable("The agent does not answer")

    async def ready(self) -> bool:
        return False


def shards(number: int) -> list[FakeWallets]:
    """Agents that know nothing of each other's wallets."""
    return [FakeWallets(FakeNetwork()) for _ in range(number)]


async def test_new_wallets_go_to_every_agent_and_are_found_again() -> None:
    agents = shards(3)
    wallets, key = ShardedWallets(agents), raw_wallet_key()
    made = [await wallets.create(key) for _ in range(60)]
    for wallet_id in made:
        await wallets.open(wallet_id, key, SESSION)
        token = wallets.token(wallet_id, SESSION)
        await wallets.put_note(token, "whose", "id", {"is": wallet_id})
    assert all(agent.network.wallets for agent in agents)
    assert sum(len(agent.network.wallets) for agent in agents) == len(made)
    for wallet_id in made:
        noted = await wallets.notes(wallets.token(wallet_id, SESSION), "whose")
        assert noted == {"id": {"is": wallet_id}}


async def test_an_agent_that_is_added_moves_no_wallet() -> None:
    key, agents = raw_wallet_key(), shards(3)
    first = await agents[0].create(key)
    of_two = ShardedWallets(agents[:2])
    made = [first, *[await of_two.create(key) for _ in range(20)]]
    of_three = ShardedWallets(agents)
    for wallet_id in made:
        await of_three.open(wallet_id, key, SESSION)
        assert await of_three.credentials(of_three.token(wallet_id, SESSION)) == []


async def test_wallets_of_the_first_keep_the_ids_and_tokens_they_had() -> None:
    (agent,) = shards(1)
    key = raw_wallet_key()
    wallet_id = await agent.create(key)
    wallets = ShardedWallets([agent, *shards(1)])
    assert wallets.token(wallet_id, SESSION) == agent.token(wallet_id, SESSION)


async def test_new_wallets_go_elsewhere_when_one_does_not_answer() -> None:
    away, here = Away(FakeNetwork()), FakeWallets(FakeNetwork())
    wallets = ShardedWallets([away, here])
    for _ in range(10):
        await wallets.create(raw_wallet_key())
    assert len(here.network.wallets) == 10
    assert not await wallets.ready(), "the wallets on it are missing"


async def test_if_none_answers_nobody_is_told_otherwise() -> None:
    with pytest.raises(Unavailable):
        await ShardedWallets([Away(FakeNetwork()) for _ in range(2)]).create(raw_wallet_key())


async def test_idle_wallets_are_closed_wherever_somebody_answers() -> None:
    here, key = FakeWallets(FakeNetwork()), raw_wallet_key()
    await here.open(await here.create(key), key, SESSION)
    assert await ShardedWallets([Away(FakeNetwork()), here]).close_idle(0) == 1


@pytest.mark.parametrize("wallet_id", ["s7-abc", "s2-", "s0-abc", "s-abc", "none"])
async def test_a_wallet_of_nobody_is_not_found(wallet_id: str) -> None:
    wallets = ShardedWallets(shards(2))
    with pytest.raises(NotFound):
        await wallets.open(wallet_id, raw_wallet_key(), SESSION)


async def test_a_token_of_an_agent_that_is_not_there_opens_nothing() -> None:
    with pytest.raises(SessionClosed):
        await ShardedWallets(shards(2)).credentials(Secret("s7-token"))
