"""What the catalogue and the ledger say of a document's products."""
