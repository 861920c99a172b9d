from controllers_house import House


async def test_an_honest_holder_is_accepted(house: House) -> None:
    wallet = await house.new_wallet()
    await house.issue(wallet)
    check, _ = await house.check("river", "shelter")
    assert await house.accepted(check, wallet)
