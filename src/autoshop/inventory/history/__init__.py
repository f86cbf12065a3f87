"""History: everything that happened to a product, newest first; and the ledger as a file."""
