"""The audit log: every state change and every operator action, hash-chained."""
