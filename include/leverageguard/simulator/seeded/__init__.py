"""The seeded world: a market, its traders and what befell them, made from one number."""
