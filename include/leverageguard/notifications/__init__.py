"""What traders are told, and the outbox it is told from."""
