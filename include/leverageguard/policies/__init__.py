"""Policies: their moves, their endorsements, and payments that bought none."""
