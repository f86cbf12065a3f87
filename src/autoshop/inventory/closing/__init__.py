"""Closing balances: written once a period is closed, and proven from the ledger."""
