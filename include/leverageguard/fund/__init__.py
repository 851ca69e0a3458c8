"""The pool as a fund: what it owes, what it can bear, and what follows from both."""
