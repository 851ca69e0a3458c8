"""What no way of paying n people from one transaction can spend less than, gas a payout.

Each payout: the recipient's balance slot read cold and written (2,100 and 20,000 where it was
zero, 2,900 where it was not), the payer's balance slot read and written warm (200), a Transfer log
with three topics and 32 bytes (375 + 3 * 375 + 256 = 1,756), a call to a warm account (100), and
28 bytes of calldata, recipient and 8-byte amount, at 16 gas a byte and 4 a zero byte. Each
transaction, shared by its payouts: its base (21,000), the token's account cold (2,500 on top of
the warm call) and the payer's balance slot cold (2,100 - 100 to read, 2,900 - 100 to write).

Hashing, jumps, memory, what guards a payout and what the token itself checks count nothing here:
TestUSDC's deny list alone reads one more cold slot a recipient (2,100).
"""

from __future__ import annotations

COLD_READ, WARM = 2_100, 100
FIRST_WRITE, REWRITE = 20_000, 2_900
TRANSFER_LOG = 375 + 3 * 375 + 8 * 32
NONZERO_BYTE, ZERO_BYTE = 16, 4
ONCE = 21_000 + (2_600 - WARM) + (COLD_READ - WARM) + (REWRITE - WARM)


def calldata(payout: bytes) -> int:
    """Gas of these bytes as calldata."""
    return sum(NONZERO_BYTE if byte else ZERO_BYTE for byte in payout)


def per_payout(payouts: list[tuple[str, int]], is_fresh: bool) -> float:
    """Gas a payout of one transaction that pays all of them."""
    written = COLD_READ + (FIRST_WRITE if is_fresh else REWRITE)
    each = written + 2 * WARM + TRANSFER_LOG + WARM
    read = sum(
        calldata(bytes.fromhex(to[2:]) + amount.to_bytes(8, "big")) for to, amount in payouts
    )
    return each + (ONCE + read) / len(payouts)
