"""What the stock is worth at the end of a day: by moving average or by FIFO, from the ledger alone."""
