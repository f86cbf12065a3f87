"""Stock at the end of a day, by the dates on the papers; `?at=` is what the ledger knew at a moment."""
