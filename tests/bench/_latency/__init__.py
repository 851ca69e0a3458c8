"""Parts of the claim-latency benchmark."""
