"""LeverageGuard: liquidation insurance for leveraged crypto traders, decided from evidence."""
