"""How prices move and how likely a liquidation is: features, models and their register."""
