"""Deploy and fund the pool on the embedded chain, once a stack."""

from __future__ import annotations

import json
from dataclasses import asdict

from leverageguard.config import Deployment, Settings
from leverageguard.settlement import chain as chains
from leverageguard.settlement.chain import Chain
from leverageguard.settlement.contracts import pool as pool_contract
from leverageguard.settlement.contracts import timelock
from leverageguard.settlement.contracts import token as token_contract
from leverageguard.settlement.contracts.pool import ADMIN_ROLE, Pool
from leverageguard.settlement.contracts.token import Token
from leverageguard.settlement.signing import signers
from leverageguard.stack import local_chain
from leverageguard.stack.progress import StackError

BATCH_LIMIT_MICRO_USDC = 50_000_000_000
DAILY_LIMIT_MICRO_USDC = 100_000_000_000
WITHDRAWN_DAILY_MICRO_USDC = 10_000_000_000
WITHDRAWAL_DELAY_S = 48 * 3600
OWNER_DELAY_S = 48 * 3600
HOLDERS = {
    "PROPOSER_ROLE": "chain_proposer",
    "QUOTER_ROLE": "chain_quoter",
    "RESERVER_ROLE": "chain_reserver",
    "TREASURER_ROLE": "chain_treasurer",
    "CANCELLER_ROLE": "chain_canceller",
}
SENDERS = ("chain_proposer", "chain_reserver", "chain_treasurer", "chain_canceller")
OPERATORS = (
    "PAUSER_ROLE",
    "LISTER_ROLE",
    "TREASURER_ROLE",
    "RESERVER_ROLE",
    "CANCELLER_ROLE",
    "RESCUER_ROLE",
)


def deploy(settings: Settings, deposit_micro_usdc: int) -> Deployment:
    """The stack's pool: deployed, roles granted and funded at the first call, found after that."""
    if settings.deployment_path.exists():
        chains.connect(settings).pool()
        return settings.deployment()
    chain = chains.connect(settings)
    admin = signers.key_signer(settings, "chain_admin")
    local_chain.give_gas(settings, admin.address)
    for name in SENDERS:
        local_chain.give_gas(settings, signers.key_signer(settings, name).address)
    first = chain.head().number
    token = _create(chain, admin, token_contract.deployment(settings))
    limits = (BATCH_LIMIT_MICRO_USDC, DAILY_LIMIT_MICRO_USDC, settings.verifier_threshold)
    pool = _create(chain, admin, pool_contract.deployment(settings, token, admin.address, *limits))
    deployment = Deployment(settings.chain_id, pool, token, first)
    _grant_roles(settings, chain, admin, Pool(chain.web3, settings, pool))
    _fund(settings, chain, admin, deployment, deposit_micro_usdc)
    _hand_over(settings, chain, admin, Pool(chain.web3, settings, pool))
    settings.deployment_path.parent.mkdir(exist_ok=True)
    new = settings.deployment_path.with_suffix(".tmp")
    new.write_text(json.dumps(asdict(deployment), indent=2))
    new.replace(settings.deployment_path)
    return deployment


def _create(chain: Chain, admin: signers.Signer, call: chains.Call) -> str:
    address = chain.send(admin, call).contract_address
    if address is None:
        raise StackError(f"{call.label} left no contract")
    return address


def _grant_roles(settings: Settings, chain: Chain, admin: signers.Signer, pool: Pool) -> None:
    holders = {role: [name] for role, name in HOLDERS.items()}
    holders["VERIFIER_ROLE"] = [f"chain_verifier_{n + 1}" for n in range(settings.verifier_count)]
    for role, names in holders.items():
        for name in names:
            account = signers.key_signer(settings, name).address
            chain.send(admin, pool.grant_role(role, account))


def _hand_over(settings: Settings, chain: Chain, admin: signers.Signer, pool: Pool) -> None:
    """Leave the pool to a timelock: from now on its settings change two days after a proposal.

    The deployer keeps the operating roles, which one key holds in a simulated world only.
    """
    people = [admin.address]
    owner = _create(chain, admin, timelock.deployment(settings, OWNER_DELAY_S, people, people))
    for role in OPERATORS:
        chain.send(admin, pool.grant_role(role, admin.address))
    terms = pool.set_withdrawal_terms(WITHDRAWN_DAILY_MICRO_USDC, WITHDRAWAL_DELAY_S)
    chain.send(admin, terms)
    chain.send(admin, pool.grant_role(ADMIN_ROLE, owner))
    chain.send(admin, pool.renounce_role(ADMIN_ROLE, admin.address))


def _fund(
    settings: Settings, chain: Chain, admin: signers.Signer, made: Deployment, amount: int
) -> None:
    token = Token(chain.web3, settings, made.token)
    pool = Pool(chain.web3, settings, made.pool)
    for call in (
        token.mint(admin.address, amount),
        token.approve(made.pool, amount),
        pool.deposit(amount),
    ):
        chain.send(admin, call)
