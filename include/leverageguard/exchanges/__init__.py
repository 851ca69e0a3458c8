"""Signed pulls from exchanges: strict transport, one small file a venue, cursors, fetch windows.

Nothing here imports ccxt at import time: a client loads it when it is built.
"""
