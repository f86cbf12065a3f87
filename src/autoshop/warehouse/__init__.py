"""Work in the stockroom that needs both the catalogue's words and the ledger."""
