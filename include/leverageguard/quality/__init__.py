"""Great Expectations at the two boundaries: what arrives, and what leaves for the chain."""

from leverageguard.quality.failures import ExpectationsFailed, Failure

__all__ = ["ExpectationsFailed", "Failure"]
