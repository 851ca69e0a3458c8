"""The life of a policy: purchases, endorsements, cancellations, the end of cover."""
