"""Availability: can I have it, when, and why."""
