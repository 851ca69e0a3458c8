"""The simulated traders: they bind accounts, buy policies on the chain and file claims.

A real stack has real traders instead; nothing here runs without a simulated world.
"""

from __future__ import annotations

from itertools import groupby

from eth_account import Account

from leverageguard.config import Settings
from leverageguard.domain import signing
from leverageguard.intake import accounts, claims, quotes
from leverageguard.settlement import chain as chains
from leverageguard.settlement.chain import Chain, Fees
from leverageguard.settlement.contracts.call import Call
from leverageguard.settlement.signing import signers
from leverageguard.simulator import scenario as scenarios
from leverageguard.simulator.scenario import Scenario
from leverageguard.stack import local_chain
from leverageguard.stack.progress import StackError
from leverageguard.store.base import session
from leverageguard.store.intake_tables import Quote
from leverageguard.underwriting import quoting
from leverageguard.underwriting.asking import Asked

PURCHASE_GAS = 400_000
FEES = Fees(max_fee_wei=10**11, priority_wei=10**9)
FUNDING_BLOCK = 100


def trade(settings: Settings, scenario: Scenario) -> int:
    """Carry out everything the scenario's traders do; returns how many policies were bought now."""
    register(settings, scenario)
    quote(settings, scenario)
    bought = _Purchases(settings, scenario).run()
    file(settings, scenario)
    return bought


def wallet(label: str) -> str:
    """The EIP-55 address of a simulated wallet."""
    return str(Account.from_key(scenarios.wallet_key(label)).address)


def register(settings: Settings, scenario: Scenario) -> None:
    """Register and bind every account, each with the key the venue gave it."""
    with session(settings) as opened:
        stated = {binding.account: binding for binding in scenario.bindings}
        for known in scenario.accounts:
            declared = stated[known.account_id].uid
            key = scenarios.key_of(known)
            accounts.register(
                opened,
                accounts.BoundAccount(known.account_id, known.exchange, declared),
                declared if declared != known.uid else known.main_uid,
                wallet(known.wallet),
                accounts.Credentials(key.api_key, key.api_secret, key.passphrase),
                scenario.start_ms,
            )
        for nonce, binding in enumerate(scenario.bindings, start=1):
            exchange = next(
                a.exchange for a in scenario.accounts if a.account_id == binding.account
            )
            said = signing.Binding(exchange, binding.uid, wallet(binding.wallet), nonce)
            key_hex = scenarios.wallet_key(binding.wallet)
            signature = signing.sign(said, settings.chain_id, key_hex)
            accounts.bind(
                opened,
                binding.account,
                said,
                signature,
                settings.chain_id,
                binding.signed_at_ms,
            )


def quote(settings: Settings, scenario: Scenario) -> None:
    """Ask the quote service for every policy, in the order they are bought; once each."""
    with session(settings) as opened:
        known = {p.policy for p in scenario.policies if quotes.by_reference(opened, p.policy)}
    asking = [policy for policy in scenario.policies if policy.policy not in known]
    if not asking:
        return
    desk = quoting.Desk(settings)
    # One reading for all of them: the pool is the same until the first is bought.
    pool = quoting.pool_state(settings, *(wallet(policy.wallet) for policy in asking))
    for policy in sorted(asking, key=lambda p: (p.bought_at_ms, p.policy)):
        asked = Asked(
            reference=policy.policy,
            wallet=wallet(policy.wallet),
            account_id=policy.account,
            inst_id=policy.inst_id,
            leverage=policy.leverage,
            principal_micro_usdc=policy.principal_micro_usdc,
            cover_hours=policy.cover_hours,
            product_version=policy.product,
            is_taken_over=policy.is_taken_over,
        )
        desk.quote(asked, policy.bought_at_ms, pool)


def file(settings: Settings, scenario: Scenario) -> None:
    """File every claim, signed by who files it."""
    with session(settings) as opened:
        for claim in scenario.claims:
            quote = quotes.by_reference(opened, claim.policy)
            if quote is None:
                raise StackError(f"claim {claim.claim} names a policy without a quote")
            said = signing.Filing(quote.quote_id, claim.inst_id, claim.order_id)
            signature = signing.sign(said, settings.chain_id, scenarios.wallet_key(claim.wallet))
            claims.file(opened, claim.claim, said, signature, settings.chain_id, claim.filed_at_ms)


class _Purchases:
    """Buys each quoted policy at its own second of world time; what is bought stays bought."""

    def __init__(self, settings: Settings, scenario: Scenario) -> None:
        self._settings = settings
        self._scenario = scenario
        self._chain: Chain = chains.connect(settings)
        self._pool = self._chain.pool()
        self._token = self._chain.token()
        self._nonces: dict[str, int] = {}

    def run(self) -> int:
        """How many policies were bought by this call."""
        bought = self._bought()
        with session(self._settings) as opened:
            todo = []
            for policy in self._scenario.policies:
                quote = quotes.by_reference(opened, policy.policy)
                if quote is None:
                    raise StackError(f"policy {policy.policy} has no quote")
                if quote.quote_id not in bought:
                    todo.append((policy.bought_at_ms // 1000, quote, policy.wallet))
        if todo:
            todo.sort(key=lambda item: (item[0], item[1].reference))
            with local_chain.blocks_on_demand(self._settings):
                self._fund([(quote, label) for _, quote, label in todo])
                for second, group in groupby(todo, key=lambda item: item[0]):
                    for _, quote, label in group:
                        self._buy(quote, label)
                    local_chain.mine(self._settings, second)
            self._check([quote for _, quote, _ in todo])
        return len(todo)

    def _bought(self) -> set[str]:
        """The quote ids the chain knows as bought."""
        first, last = self._settings.deployment().deployed_block, self._chain.head().number
        logs = self._chain.logs(self._pool.address, [self._pool.topics()], first, last)
        events = [self._pool.decode(log) for log in logs]
        return {
            "0x" + bytes(event.args["quoteId"]).hex()
            for event in events
            if event.name == "PolicyPurchased"
        }

    def _fund(self, buyers: list[tuple[Quote, str]]) -> None:
        """Give every buyer gas, the premiums and the allowance, in a few blocks."""
        admin = signers.key_signer(self._settings, "chain_admin")
        due: dict[str, int] = {}
        for quote, label in buyers:
            due[label] = due.get(label, 0) + quote.premium_micro_usdc
        todo = sorted(due.items())
        for start in range(0, len(todo), FUNDING_BLOCK):
            for label, amount in todo[start : start + FUNDING_BLOCK]:
                buyer = signers.KeySigner(scenarios.wallet_key(label))
                local_chain.give_gas(self._settings, buyer.address)
                self._send(admin, self._token.mint(buyer.address, amount))
                self._send(buyer, self._token.approve(self._pool.address, amount))
            local_chain.mine(self._settings)

    def _buy(self, quote: Quote, label: str) -> None:
        buyer = signers.KeySigner(scenarios.wallet_key(label))
        deadline_s = (quote.expires_at_ms or 0) // 1000
        said = quoting.message(quote.quote_id, quote.wallet, quote, deadline_s)
        signature = bytes.fromhex((quote.signature or "")[2:])
        self._send(buyer, self._pool.buy_policy(said, signature))

    def _send(self, signer: signers.Signer, call: Call) -> None:
        if signer.address not in self._nonces:
            self._nonces[signer.address] = self._chain.nonce(signer.address)
        nonce = self._nonces[signer.address]
        fields = self._chain.fields(call, nonce, PURCHASE_GAS, FEES)
        self._chain.broadcast(signer.sign_transaction(fields)[0])
        self._nonces[signer.address] = nonce + 1

    def _check(self, wanted: list[Quote]) -> None:
        missing = {quote.quote_id for quote in wanted} - self._bought()
        refused = sorted(quote.reference for quote in wanted if quote.quote_id in missing)
        if refused:
            raise StackError(f"the chain refused the purchase of {', '.join(refused)}")
