"""Reservations: pieces held for somebody until a moment."""
