"""The answer all contenders must agree on, claim by claim: verdict and amount in micro-USDC.

A filing is `undetermined` where an hour of a required listing was not read completely (from an
hour before the opening to an hour after the close; from the cover's start to the filing where the
order is unknown), `rejected` where one of these rules fails, else `verified` with an amount:

 1. the order exists on the account (three missed look-ups over ten minutes, else it is open);
 2. the venue marked it as a full or partial liquidation or a takeover;
 3. order, fills, ledger and positions history state one quantity, one result and one kind;
 4. opened and closed inside the cover, filed within the grace;
 5. isolated, the instrument insured, at no more than the leverage insured;
 6. the loss lies within the margin put in;
 7. the mark price reached the trigger;
 8. of several filings of one close the first counts.

The amount is the lesser of principal and margin, times the share closed, times the rate; at most
the realised loss, the sum insured and the wallet's cap of a day. Fractions are rounded down once.
A row that was read again counts once and its latest correction wins.

Ours runs every check and the running limits of policy, wallet, pool and day over every
claim. In this world the other checks pass and the other limits never bind, and the data is made
so: nobody is hedged, no market is thin. The others need not look, which is to their advantage.
They may also rely on no fill turning a position around, which ours must not.
"""

from __future__ import annotations

# As in the seeds' `core-v3` and `seed-v1`; a changed seed shows as unequal answers.
HOUR_MS = 3_600_000
MINUTE_MS = 60_000
MARGIN_MS = 3_600_000
LEAST_MISSES = 3
MISS_SPAN_MS = 600_000
TOUCH_MS = 120_000
TOUCH_PPM = 2_000
WALLET_DAY_CAP = 50_000_000
COVERED = ("full", "partial", "takeover")
# Money and prices of the peers are whole numbers of 1e-7: exact for all that is landed here.
SCALE = 7
PER_MICRO = 10

Answer = dict[str, tuple[str, int | None]]
