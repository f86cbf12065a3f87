"""Products: brand + article, and everything that hangs on them."""
