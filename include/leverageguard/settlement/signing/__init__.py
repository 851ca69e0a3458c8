"""Keys behind one interface, and the verifiers' signatures under a batch."""
