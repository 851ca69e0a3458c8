"""Payout batches to the chain and back: plan, encode, sign, send, confirm, record."""
