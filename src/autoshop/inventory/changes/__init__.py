"""Which places changed since a moment: for those who look now and then, so that no movement waits for them."""
