"""The business rules over one item: pure values and functions, no I/O, clock or environment."""
