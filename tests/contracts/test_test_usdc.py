"""The stand-in for USDC behaves as the pool expects of USDC."""

from __future__ import annotations

from tests.contracts.pool_world import recipient


def test_token__decimals__are_six(world):
    assert world.token.functions.decimals().call() == 6


def test_mint__by_anyone_but_the_owner__is_refused(world, refused):
    with refused("OwnableUnauthorizedAccount"):
        world.send(world.token.functions.mint(recipient(1), 1), "stranger")
    with refused("OwnableUnauthorizedAccount"):
        world.send(world.token.functions.setDenied(recipient(1), True), "stranger")


def test_transfer__to_or_from_a_denied_account__is_refused(world, refused):
    buyer = world.who("buyer").address
    world.send(world.token.functions.mint(buyer, 10))
    for denied in (buyer, recipient(1)):
        receipt = world.send(world.token.functions.setDenied(denied, True))
        assert len(receipt["logs"]) == 1
        with refused("DeniedAccount", denied):
            world.send(world.token.functions.transfer(recipient(1), 1), "buyer")
        world.send(world.token.functions.setDenied(denied, False))
    world.send(world.token.functions.transfer(recipient(1), 1), "buyer")
