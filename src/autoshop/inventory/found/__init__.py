"""Found pieces: a clerk sells what is in his hand although the ledger says it is not there; where that is allowed."""
