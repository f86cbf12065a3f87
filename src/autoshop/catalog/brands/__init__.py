"""Brands: makers, and the other names they go by in price lists."""
