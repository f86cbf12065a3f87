"""Returns: what customers bring back, and what goes back to suppliers."""
