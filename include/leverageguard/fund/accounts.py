"""The accounts the fund books to; `ledger_accounts.csv` says what each of them is.

Debits are positive. What a claim costs is what was paid on it and the change of what is set aside
for it, so that a payment and the reserve it uses up may be booked in either order.
"""

from __future__ import annotations

from leverageguard.intake import ledger

CASH = ledger.CASH
CAPITAL_IN, CAPITAL_OUT = "capital:deposited", "capital:withdrawn"
SUSPENSE = "suspense:payments"
CLAIMS_PAID, RESERVE_CHANGE = "claims:paid", "claims:reserve_change"
CASE_RESERVE, PAYABLE = "claims:case_reserve", "claims:payable"
RECOVERED, RECOVERIES_DUE = "claims:recovered", "recoveries:receivable"
UNEARNED, UNEARNED_CHANGE = "premium:unearned", "premium:unearned_change"
IBNR, IBNR_CHANGE = "claims:ibnr", "claims:ibnr_change"
GAS, GAS_OWED = "expense:gas", "owed:gas"
