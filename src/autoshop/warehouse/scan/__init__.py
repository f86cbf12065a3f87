"""Scanning: from whatever a scanner sent to the products, the document or the unit that it names."""
