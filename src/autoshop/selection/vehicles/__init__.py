"""Cars: make → model → generation → engine, with the names people call them."""
