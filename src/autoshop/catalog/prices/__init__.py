"""Prices by type, with their history: the price in force is the newest."""
