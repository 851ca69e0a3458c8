"""Intake: the writers of accounts, bindings, quotes and filed claims in the store."""
