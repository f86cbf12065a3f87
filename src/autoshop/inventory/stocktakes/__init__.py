"""Stocktakes: counting what lies there while the shop is open, and putting the ledger right.

counts/    what people counted, each against the ledger at its own moment, or took back   ← start reading here
approval/  the differences become adjustments, all in one transaction
sheets/    the list as a CSV file, out and in
"""
