"""The transactional store: where uniqueness is enforced and money is recorded."""
