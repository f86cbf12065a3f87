"""AUTOSHOP: one stock ledger, selection, purchasing and channels for a parts retailer."""

__version__ = "0.1.0"
