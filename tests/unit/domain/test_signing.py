from dataclasses import replace

import pytest
from eth_account import Account

from leverageguard.domain import signing

KEY = "0x" + "11" * 32
WALLET = Account.from_key(KEY).address
BINDING = signing.Binding("okx", "42", WALLET, 1)


def test_signer__own_signature__is_the_wallet():
    signature = signing.sign(BINDING, 1, KEY)

    assert signing.signer(BINDING, 1, signature) == WALLET.lower()


def test_signer__other_chain_or_uid__is_somebody_else():
    signature = signing.sign(BINDING, 1, KEY)

    assert signing.signer(BINDING, 10, signature) != WALLET.lower()
    assert signing.signer(signing.Binding("okx", "43", WALLET, 1), 1, signature) != WALLET.lower()


def test_signer__filing__is_bound_to_order_and_policy():
    filing = signing.Filing("0x" + "22" * 32, "BTC-USDT-SWAP", "7")
    signature = signing.sign(filing, 1, KEY)

    assert signing.signer(filing, 1, signature) == WALLET.lower()
    other = signing.Filing("0x" + "22" * 32, "BTC-USDT-SWAP", "8")
    assert signing.signer(other, 1, signature) != WALLET.lower()


@pytest.mark.parametrize(
    "changed",
    [
        {"policy": "0x" + "23" * 32},
        {"account": "acc-2"},
        {"inst_id": "ETH-USDT-SWAP"},
        {"leverage": 21},
        {"number": 2},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_signer__endorsement__is_bound_to_all_it_changes(changed):
    endorsement = signing.Endorsement("0x" + "22" * 32, "acc-1", "BTC-USDT-SWAP", 20, 1)
    signature = signing.sign(endorsement, 1, KEY)

    assert signing.signer(endorsement, 1, signature) == WALLET.lower()
    assert signing.signer(replace(endorsement, **changed), 1, signature) != WALLET.lower()


@pytest.mark.parametrize(
    "signature", ["", "zz", "0x12", "0x" + "00" * 65, "0x" + "11" * 65, "0x" + "ff" * 65]
)
def test_signer__malformed_signature__is_a_value_error(signature):
    with pytest.raises(ValueError):
        signing.signer(signing.Withdrawal("0x" + "22" * 32, "clm_1"), 1, signature)


def test_signer__withdrawal_and_appeal__are_bound_to_claim_and_statement():
    policy = "0x" + "22" * 32
    withdrawn = signing.sign(signing.Withdrawal(policy, "clm_1"), 1, KEY)
    appealed = signing.sign(signing.Appeal(policy, "clm_1", "no"), 1, KEY)

    assert signing.signer(signing.Withdrawal(policy, "clm_1"), 1, withdrawn) == WALLET.lower()
    assert signing.signer(signing.Withdrawal(policy, "clm_2"), 1, withdrawn) != WALLET.lower()
    assert signing.signer(signing.Appeal(policy, "clm_1", "no"), 1, appealed) == WALLET.lower()
    assert signing.signer(signing.Appeal(policy, "clm_1", "yes"), 1, appealed) != WALLET.lower()
