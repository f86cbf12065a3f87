"""What was below its level at a store, each morning."""
