"""Counts: what somebody saw, when, and what follows from all of them."""
