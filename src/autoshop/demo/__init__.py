"""The demo shop: a real catalogue with invented prices, and eighteen generated months of its ledger."""
