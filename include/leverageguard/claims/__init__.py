"""The life of a claim: its moves, and what people may do to it."""
