"""Backups of a whole stack, taken while it runs, and their way back."""
