"""Backups of a whole stack, their way back, and the warehouse built again from raw."""
